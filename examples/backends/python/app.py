"""A tenant's token endpoint in Python. Each of the tenant's pages sends POST
/stile/token, and gets a token of its own from the publisher's stile."""

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
        return {"error": "Only pages of this site can get a token."}, 403
    try:
        # A session caches its token. If it were shared, all visitors would get
        # the same token. It would be bound to the first visitor, and die when
        # the second uses it. So each visitor has a session of its own.
        with OAuth2Session(*CLIENT) as publisher:
            fresh = publisher.fetch_token(
                f"{API}/oauth/token", grant_type="client_credentials", timeout=5)
    except (OAuthError, RequestException, ValueError) as e:
        app.logger.error("can't get a token from the publisher: %s", e)
        return {"error": "The publisher does not provide tokens at the moment."}, 502
    return {"access_token": fresh["access_token"]}


def same_origin():
    """Report whether a page of this site sent the request. Browsers always say
    so, and a page can't forge it, but a program can. Check your visitor's
    session here too, and limit the tokens of each visitor."""
    site = request.headers.get("Sec-Fetch-Site")
    if site:
        return site == "same-origin"
    origin = request.headers.get("Origin")  # for older browsers, and plain HTTP
    return origin in (f"https://{request.host}", f"http://{request.host}")


@app.after_request
def no_store(response):
    response.headers["Cache-Control"] = "no-store"
    return response


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ["PORT"]))
