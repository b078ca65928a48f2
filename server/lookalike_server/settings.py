"""Every setting of the server, with its environment variable, in one place.

A flag on the command line wins over the environment. Secrets have no flag: a command line is visible to every
user of the machine.
"""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_cache_path
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "LOOKALIKE_"

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class SettingsError(Exception):
    """A setting that cannot be used. The text says which and what to do, and never repeats a secret."""


class Settings(BaseSettings):
    """What the server was told, from flags and environment."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    base_url: str | None = Field(
        default=None,
        description="Explore server to ask instead of local folders, e.g. https://app.visual-layer.com",
    )
    api_key: SecretStr | None = Field(default=None, description="API key; needs the secret beside it")
    api_secret: SecretStr | None = Field(default=None, description="API secret that signs short-lived tokens")
    token: SecretStr | None = Field(default=None, description="A ready JWT, instead of key and secret")
    dataset: str | None = Field(default=None, description="Dataset (name or id) for questions that name none")
    allow_http: bool = Field(
        default=False,
        description="Talk plain http to a server that is not on this machine (true or false; default false)",
    )
    cache_dir: Path = Field(
        default_factory=lambda: user_cache_path("lookalike", appauthor=False),
        description=(
            "Where indexes of local folders are kept (default: the system's cache folder, ~/.cache/lookalike on Linux)"
            "; may be deleted at any time"
        ),
    )
    log_level: LogLevel = Field(
        default="WARNING", description="How much is logged to stderr: DEBUG, INFO, WARNING (default) or ERROR"
    )

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, level: Any) -> Any:
        return level.upper() if isinstance(level, str) else level

    @field_validator("cache_dir", mode="after")
    @classmethod
    def _home_is_meant(cls, folder: Path) -> Path:
        """No shell expands the "~" in the environment that a host's configuration sets."""
        try:
            return folder.expanduser()
        except RuntimeError:
            raise ValueError(f"{str(folder)!r} names a user this system does not have; give a full path") from None

    @model_validator(mode="after")
    def _credentials_are_whole(self) -> "Settings":
        if (self.api_key is None) != (self.api_secret is None):
            given, missing = ("API_KEY", "API_SECRET") if self.api_key else ("API_SECRET", "API_KEY")
            raise ValueError(f"{PREFIX}{given} is set without {PREFIX}{missing}: set both, or neither")
        if self.api_key is not None and self.token is not None:
            raise ValueError(f"both {PREFIX}TOKEN and {PREFIX}API_KEY are set: keep one of them")
        if self.base_url is None and (self.api_key is not None or self.token is not None):
            raise ValueError(f"a credential is set without {PREFIX}BASE_URL: say which server it is for")
        return self


def variable_of(field: str) -> str:
    """The environment variable that sets ``field``."""
    return PREFIX + field.upper()


def refuse_unknown_variables(environment: Mapping[str, str]) -> None:
    """Refuse a misspelt ``LOOKALIKE_*`` variable, which would otherwise be ignored without a word.

    Raises:
        SettingsError: naming the variable and the nearest one that exists.
    """
    known = [variable_of(field) for field in Settings.model_fields]
    for name in sorted(environment):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            (nearest,) = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.0)
            raise SettingsError(
                f"unknown environment variable {name!r}; the nearest known one is {nearest}. "
                f"Known: {', '.join(known)}. Unset it or correct it."
            )


def load_settings(flags: Mapping[str, Any]) -> Settings:
    """Read the environment, overlaid with the ``flags`` that were given (None means not given).

    Raises:
        SettingsError: an unknown variable, or a value that cannot be used.
    """
    refuse_unknown_variables(os.environ)
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsError("; ".join(_plain(detail) for detail in error.errors(include_input=False))) from None


def _plain(detail: Mapping[str, object]) -> str:
    """One validation error in words, without the value: it may be a secret."""
    location = detail["loc"]
    message = str(detail["msg"]).removeprefix("Value error, ")
    if isinstance(location, tuple) and location:
        return f"{variable_of(str(location[0]))}: {message}"
    return message
