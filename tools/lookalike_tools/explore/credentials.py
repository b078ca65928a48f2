"""The credential of an Explore server: a key and its secret, or a ready JWT."""

import re
import time
import warnings
from dataclasses import dataclass, field
from datetime import datetime

from lookalike_tools.errors import WrongSettings

_LIFETIME = 600.0
_RENEW_BEFORE_EXPIRY = 60.0
_BACKDATED = 30.0
"""A server's clock may be this far behind ours, or `_RENEW_BEFORE_EXPIRY` ahead, and see nothing but valid tokens."""
_SKEW_WORTH_MINDING = 10.0
_LARGEST_SKEW = 24 * 3600.0
_HEADER_SAFE = re.compile(r"[!-~]+")


@dataclass(frozen=True, repr=False)
class Credentials:
    """Either `api_key` and `api_secret`, or `token` (a ready JWT). Neither text nor repr shows any of them.

    Raises `WrongSettings` for any other combination, and for values that cannot be sent or signed with.
    """

    api_key: str | None = None
    api_secret: str | None = None
    token: str | None = None

    def __post_init__(self) -> None:
        pair = (self.api_key, self.api_secret)
        if self.token is not None and pair != (None, None):
            raise WrongSettings("Both a token and an API key are set", "Keep one of the two")
        if not self.token and not all(pair):
            raise WrongSettings(
                "The credentials are incomplete", "Set the API key and its secret, or a token, or none of them"
            )
        if any(value and not _HEADER_SAFE.fullmatch(value) for value in (self.api_key, self.token)):
            raise WrongSettings(
                "The API key or token holds characters that cannot be sent",
                "Set it again, without spaces or line breaks",
            )
        if not (self.api_secret or "").isprintable():
            raise WrongSettings("The API secret holds line breaks or what is no text", "Set it again, as it was given")

    def __repr__(self) -> str:
        return f"Credentials({'token' if self.token else 'api_key'}=***)"


@dataclass(frozen=True, eq=False)
class Bearer:
    """A token to send. Two are the same only if they are one object: mints of one second look alike."""

    token: str = field(repr=False)


class Signer:
    """Keeps a valid bearer token: the given one, or one minted from key and secret and renewed before it expires."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._current: Bearer | None = None if credentials.token is None else Bearer(credentials.token)
        self._renew_at = 0.0
        self._skew = 0.0

    def bearer(self) -> Bearer:
        """The token to send now."""
        now = time.time()
        if self._current is None or (self._credentials.token is None and now >= self._renew_at):
            self._current = Bearer(self._mint(now + self._skew))
            self._renew_at = now + _LIFETIME - _BACKDATED - _RENEW_BEFORE_EXPIRY
        return self._current

    def renew(self, refused: Bearer, server_time: datetime | None) -> bool:
        """Whether `bearer()` will now give another token than the one that was refused.

        Where the server's clock shows another time than ours, tokens are dated by it from now on. Of several calls
        whose one token was refused, the first makes the new one.
        """
        if self._credentials.token is not None:
            return False
        if refused is self._current:
            self._current = None
            skew = 0.0 if server_time is None else server_time.timestamp() - time.time()
            self._skew = skew if _SKEW_WORTH_MINDING < abs(skew) < _LARGEST_SKEW else 0.0
        return True

    def _mint(self, now: float) -> str:
        import jwt  # noqa: PLC0415  (only servers with a key need it)

        key, secret = self._credentials.api_key, self._credentials.api_secret
        issued = int(now - _BACKDATED)
        claims = {"sub": key, "iss": "sdk", "iat": issued, "exp": issued + int(_LIFETIME)}
        with warnings.catch_warnings():
            # The server chose the secret's length; a warning about it would help nobody.
            warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
            return jwt.encode(claims, secret or "", algorithm="HS256", headers={"kid": key})
