"""Where datasets come from: Explore servers, each with a credential of its own, and local folders."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from lookalike_server.secret import Secret
from lookalike_tools import Credentials, LookalikeError, checked_base_url, quoted

Level = Literal["command line", "environment", "file"]
LEVELS: tuple[Level, ...] = ("command line", "environment", "file")
"""Highest first."""

LOCAL = "local"
"""The name of the source that the FOLDER arguments make."""

_DEFAULT_PORTS: Mapping[str, int] = {"https": 443, "http": 80}


@dataclass(frozen=True)
class FolderSource:
    """Local folders, each spelled as a FOLDER argument, relative to the folder ``base``.

    ``signals`` are its own, where they are not those of the settings.
    """

    name: str
    level: Level
    where: str
    folders: tuple[str, ...]
    base: Path = field(default_factory=Path)
    signals: str | None = None


@dataclass(frozen=True)
class ServerSource:
    """An Explore server. ``where`` says what names it, such as ``[sources.lab]``; ``timeout`` is in seconds."""

    name: str
    level: Level
    where: str
    base_url: str
    allow_http: bool
    timeout: float
    api_key: Secret | None = None
    api_secret: Secret | None = None
    token: Secret | None = None

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Those that are set."""
        return tuple(secret for secret in (self.api_key, self.api_secret, self.token) if secret is not None)

    def problem(self) -> str | None:
        """What is wrong with what was set, as far as that can be known without reading any file."""
        if self.token is not None and (self.api_key is not None or self.api_secret is not None):
            other = self.api_key or self.api_secret
            assert other is not None  # noqa: S101 — the line above
            return f"both {self.token.where} and {other.where} are set: keep one of them"
        if (self.api_key is None) != (self.api_secret is None):
            (given,) = self.secrets
            return f"{given.where} is set without {_other_half(given.where)}: set both, or neither"
        try:
            checked_base_url(self.base_url, allow_http=self.allow_http)
        except LookalikeError as error:
            is_plain_http = "--allow-http" in error.todo
            own_key = ", or set allow_http = true for this source" if is_plain_http and self.level == "file" else ""
            return f"{self.where}: {error}{own_key}"
        return None

    def credentials(self) -> Credentials | None:
        """The credential; the first time, secrets in files are read.

        Raises:
            SettingsError: a file that cannot be used.
            LookalikeError: a secret that cannot be sent.
        """
        if self.token is not None:
            return Credentials(token=self.token.read())
        if self.api_key is not None and self.api_secret is not None:
            return Credentials(api_key=self.api_key.read(), api_secret=self.api_secret.read())
        return None


SourceSettings = FolderSource | ServerSource


def _other_half(where: str) -> str:
    """What the other half of a credential would be called: the secret of a key, or the key of a secret."""
    for half, other in (("API_KEY", "API_SECRET"), ("api_key", "api_secret")):
        for one, another in ((half, other), (other, half)):
            if one in where:
                return where.replace(one, another, 1)
    return "its other half"


def host_of(base_url: str) -> str:
    """The host, with its port if it has one, and never a user; "server" where there is none."""
    try:
        return urlsplit(base_url.strip()).netloc.rpartition("@")[2] or "server"
    except ValueError:
        return "server"


def shown_url(base_url: str) -> str:
    """The base URL without the parts that must not be there, and could be secrets."""
    no_address = "(no http or https address, not shown)"
    try:
        parts = urlsplit(base_url.strip())
    except ValueError:
        return no_address
    if parts.scheme not in _DEFAULT_PORTS or not parts.netloc:
        return no_address
    odd = "@" in base_url or parts.query or parts.fragment
    shown = quoted(f"{parts.scheme}://{host_of(base_url)}{'' if odd else parts.path}")[1:-1]
    return f"{shown} (the rest is hidden)" if odd else shown


def same_server(one: str, other: str) -> bool:
    """Whether two base URLs are one, however they are spelled."""
    return _spelled_out(one) == _spelled_out(other)


def _spelled_out(base_url: str) -> object:
    try:
        parts = urlsplit(checked_base_url(base_url, allow_http=True))
    except LookalikeError:
        return base_url
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS[parts.scheme], parts.path
