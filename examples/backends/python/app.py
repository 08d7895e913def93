"""A tenant's token endpoint in Python: the tenant's pages POST to /stile/token,
and get a token of their own from the publisher's stile."""

import os

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from flask import Flask, request
from requests import RequestException

API = os.environ["STILE_API"]
CLIENT = os.environ["STILE_CLIENT_ID"], os.environ["STILE_CLIENT_SECRET"]

app = Flask(__name__)


@app.post("/stile/token")
def token():
    if not same_origin():
        return {"error": "Only this site's own pages get a token here."}, 403
    try:
        # A session keeps its token, and a kept one would go to all visitors:
        # it is bound to the first of them, and dies with the second. So each
        # visitor has a session of its own.
        with OAuth2Session(*CLIENT) as publisher:
            fresh = publisher.fetch_token(
                f"{API}/oauth/token", grant_type="client_credentials", timeout=5)
    except (OAuthError, RequestException, ValueError) as e:
        app.logger.error("no token from the publisher: %s", e)
        return {"error": "The publisher gives no token at the moment."}, 502
    return {"access_token": fresh["access_token"]}


def same_origin():
    """Say that a page of this very site asks. Every browser says so, and no page
    can lie. Programs can: check your visitor's session here too, and limit how
    many tokens one gets."""
    site = request.headers.get("Sec-Fetch-Site")
    if site:
        return site == "same-origin"
    origin = request.headers.get("Origin")  # for older browsers, and plain http
    return origin in (f"https://{request.host}", f"http://{request.host}")


@app.after_request
def no_store(response):
    response.headers["Cache-Control"] = "no-store"
    return response


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ["PORT"]))
