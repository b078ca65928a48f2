"""The documented cloud's bearer tokens: minted by whoever has key and secret, and looked at in every detail."""

import time
from typing import Any

import jwt
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.explore_servers.quirks import quirk

KEY = "key-0123456789"
SECRET = "secret-that-nobody-may-ever-see-anywhere"
KEY_WITHOUT_ACCESS = "key-without-access"
_SECRETS = {KEY: SECRET, KEY_WITHOUT_ACCESS: SECRET}


def minted(
    key: str = KEY, secret: str = SECRET, *, algorithm: str = "HS256", kid: str | None = None, **claims: Any
) -> str:
    """A token as the documentation's example signs it, valid for ten minutes; `claims` and the rest may spoil it."""
    now = int(time.time())
    asserted = {"sub": key, "iss": "sdk", "iat": now, "exp": now + 600, **claims}
    signed_with = "" if algorithm == "none" else secret
    return jwt.encode(asserted, signed_with, algorithm=algorithm, headers={"kid": kid or key})


@quirk
def bearer_token(app: ASGIApp) -> ASGIApp:
    """401 without a valid token: alg, kid, sub, iss and exp; 403 for a key that has no access."""

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        key = _key(token) if scheme == "Bearer" else None
        if key is None:
            await JSONResponse({"detail": "Invalid or expired token"}, 401)(scope, receive, send)
        elif key == KEY_WITHOUT_ACCESS:
            await JSONResponse({"detail": "This API key lacks access"}, 403)(scope, receive, send)
        else:
            await app(scope, receive, send)

    return checked


def _key(token: str) -> str | None:
    """The key that signed the token; `None` for a token that is not valid."""
    try:
        key: str = jwt.get_unverified_header(token)["kid"]
        jwt.decode(
            token,
            _SECRETS[key],
            algorithms=["HS256"],
            issuer="sdk",
            subject=key,
            options={"require": ["sub", "iss", "iat", "exp"]},
        )
    except (jwt.PyJWTError, KeyError):
        return None
    return key
