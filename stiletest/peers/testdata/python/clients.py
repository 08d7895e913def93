"""Uses Authlib and PyJWT as a tenant's server and a verifier of tokens do.
Reads {issuer, client, secret, keyClient, jwk, rsa} and writes a report;
clients_test.go checks it."""

import json
import sys

import jwt
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT, private_key_jwt_sign
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

settings = json.load(sys.stdin)
metadata = requests.get(settings["issuer"] + "/.well-known/oauth-authorization-server", timeout=5).json()
endpoint = metadata["token_endpoint"]


class ShortLivedKeyJWT(PrivateKeyJWT):
    """An assertion by EdDSA, which Authlib's own class does not offer, or of a minute."""

    def sign(self, auth, token_endpoint):
        return private_key_jwt_sign(
            auth.client_secret, client_id=auth.client_id, token_endpoint=token_endpoint,
            alg="ES256" if settings["jwk"]["kty"] == "EC" else "EdDSA", expires_in=60)


def session(method, client=settings["client"], secret=settings["secret"], key_jwt=ShortLivedKeyJWT(endpoint)):
    s = OAuth2Session(client, secret, token_endpoint_auth_method=method,
                      revocation_endpoint_auth_method=method)
    s.register_client_auth_method(key_jwt)
    return s


def grant(s, **parameters):
    return s.fetch_token(endpoint, grant_type="client_credentials", **parameters)


def lifecycle(s):
    """Return what a client sees of a token, from its issue to its revocation."""
    got = grant(s, subject="visitor-1")
    token = got["access_token"]
    before = s.introspect_token(metadata["introspection_endpoint"], token).json()
    s.revoke_token(metadata["revocation_endpoint"], token).raise_for_status()
    after = s.introspect_token(metadata["introspection_endpoint"], token).json()
    return {**{k: got[k] for k in ("token_type", "expires_in", "scope")}, "before": before, "after": after}


def error_of(call, *args, **kwargs):
    """Return the error of a call, or none."""
    try:
        call(*args, **kwargs)
    except OAuthError as e:
        return e.error
    except jwt.PyJWTError as e:
        return type(e).__name__
    return "none"


checked = AuthorizationServerMetadata(metadata)
for name in ("issuer", "token_endpoint", "jwks_uri", "scopes_supported", "token_endpoint_auth_methods_supported",
             "token_endpoint_auth_signing_alg_values_supported", "revocation_endpoint", "introspection_endpoint",
             "grant_types_supported"):  # there are no response types, which Authlib reports as an error
    try:
        getattr(checked, "validate_" + name)()
    except ValueError as e:
        if "https" not in str(e):  # the test's server uses plain HTTP
            raise

token = grant(session("client_secret_basic"))["access_token"]
rules = {"algorithms": ["EdDSA", "ES256", "RS256"], "issuer": settings["issuer"], "audience": settings["issuer"],
         "options": {"require": ["exp", "iat", "jti", "sub", "client_id"]}}
key = jwt.PyJWKClient(metadata["jwks_uri"]).get_signing_key_from_jwt(token)
head, body, signature = token.split(".")
forged = ".".join([head, body, ("B" if signature[0] == "A" else "A") + signature[1:]])

json.dump({
    "issuer": metadata["issuer"],
    "basic": lifecycle(session("client_secret_basic")),
    "form": lifecycle(session("client_secret_post")),
    "key": lifecycle(session("private_key_jwt", settings["keyClient"], settings["jwk"])),
    # as Authlib's documentation shows it: RS256, and an hour to live
    "rs256": lifecycle(session("private_key_jwt", settings["keyClient"], settings["rsa"], PrivateKeyJWT(endpoint))),
    "ps256": lifecycle(session("private_key_jwt", settings["keyClient"], settings["rsa"], PrivateKeyJWT(endpoint, alg="PS256"))),
    "header": jwt.get_unverified_header(token),
    "claims": jwt.decode(token, key, **rules),
    "forged": error_of(jwt.decode, forged, key, **rules),
    "otherAudience": error_of(jwt.decode, token, key, **{**rules, "audience": "https://other.example"}),
    "wrongSecret": error_of(grant, session("client_secret_basic", secret="wrong")),
    "scope": error_of(grant, session("client_secret_basic"), scope="admin"),
}, sys.stdout)
