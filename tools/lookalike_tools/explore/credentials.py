"""The credential of an Explore server: a key and its secret, or a ready JWT."""

import re
import time
import warnings
from dataclasses import dataclass, field

from lookalike_tools.errors import WrongSettings

_LIFETIME = 600.0
_RENEW_BEFORE_EXPIRY = 60.0
_CLOCK_SKEW = 5.0
_HEADER_SAFE = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class Credentials:
    """Either `api_key` and `api_secret`, or `token` (a ready JWT). Neither text nor repr shows any of them.

    Raises `WrongSettings` for any other combination, and for values that no HTTP header can carry.
    """

    api_key: str | None = field(default=None, repr=False)
    api_secret: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        pair = (self.api_key, self.api_secret)
        if self.token is not None and pair != (None, None):
            raise WrongSettings("Both a token and an API key are set", "Keep one of the two")
        if self.token is None and not all(pair):
            raise WrongSettings(
                "The credentials are incomplete", "Set the API key and its secret, or a token, or none of them"
            )
        if any(value and not _HEADER_SAFE.fullmatch(value) for value in (self.api_key, self.token)):
            raise WrongSettings(
                "The API key or token holds characters that cannot be sent",
                "Set it again, without spaces or line breaks",
            )

    def __repr__(self) -> str:
        return f"Credentials({'token' if self.token else 'api_key'}=***)"


class Signer:
    """Keeps a valid bearer token: the given one, or one minted from key and secret and renewed before it expires."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._minted: str | None = None
        self._renew_at = 0.0

    @property
    def can_renew(self) -> bool:
        """Whether a refused token can be replaced."""
        return self._credentials.token is None

    def forget(self) -> None:
        """Mint anew next time."""
        self._minted = None

    def bearer(self) -> str:
        """The token to send now."""
        if self._credentials.token is not None:
            return self._credentials.token
        now = time.time()
        if self._minted is None or now >= self._renew_at:
            self._minted = self._mint(now)
            self._renew_at = now + _LIFETIME - _RENEW_BEFORE_EXPIRY
        return self._minted

    def _mint(self, now: float) -> str:
        import jwt  # noqa: PLC0415  (only servers with a key need it)

        key, secret = self._credentials.api_key, self._credentials.api_secret
        issued = int(now - _CLOCK_SKEW)
        claims = {"sub": key, "iss": "sdk", "iat": issued, "exp": issued + int(_LIFETIME)}
        with warnings.catch_warnings():
            # The server chose the secret's length; a warning about it would help nobody.
            warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
            return jwt.encode(claims, secret or "", algorithm="HS256", headers={"kid": key})
