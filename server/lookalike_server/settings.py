"""The settings that a flag or a variable of the environment can give.

A flag on the command line wins over the environment, which wins over the configuration file. Secrets have no flag: a
command line is visible to every user of the machine.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_cache_path
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from lookalike_engine import DEFAULT_SIGNALS, EngineError, resolve_signals
from lookalike_server.spelling import nearest_known
from lookalike_tools.untrusted import quoted

PREFIX = "LOOKALIKE_"


class SettingsError(Exception):
    """A setting that cannot be used. The text says which and what to do, and never repeats a secret."""


def _in_capitals(level: Any) -> Any:
    return level.upper() if isinstance(level, str) else level


def _from_home(path: Path) -> Path:
    """No shell expands the "~" in the environment that a host's configuration sets, or in a file."""
    try:
        return path.expanduser()
    except RuntimeError:
        # Not shown: it may be a secret that was pasted where its file should have been named.
        raise ValueError("it names a user this system does not have; give a full path") from None


def _known_signals(name: str) -> str:
    """The name, or the full path of a model description: an index must not depend on where the server was started."""
    try:
        description = resolve_signals(name).description
    except EngineError as error:
        raise ValueError(str(error)) from None
    return name if description is None else str(description)


def _users_cache() -> Path:
    try:
        return user_cache_path("lookalike", appauthor=False)
    except RuntimeError:
        raise SettingsError(
            f"there is no home folder to keep indexes in. Name a folder with --cache-dir or {variable_of('cache_dir')}."
        ) from None


LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_in_capitals)]
FromHome = Annotated[Path, Field(strict=False), AfterValidator(_from_home)]
SignalsSetting = Annotated[str, AfterValidator(_known_signals)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]

CACHE_DIR = (
    "Where indexes of local folders are kept (default: the system's cache folder, ~/.cache/lookalike on Linux)"
    "; may be deleted at any time"
)
SIGNALS = (
    "What images of local folders are compared by: hash (fastest), lite0 (default: hash and the built-in model), sscd "
    "(hash and the model of the extra sscd), or the path of a model description; each has an index of its own"
)
LOG_LEVEL = "How much is logged to stderr: DEBUG, INFO, WARNING (default) or ERROR"
ALLOW_HTTP = "Talk plain http to a server that is not on this machine (true or false; default false)"
TIMEOUT = "Seconds that a server has for all calls of one question together (default 60)"
DATASET = "Dataset for questions that name none: its name, id or path, or SOURCE/NAME"
API_KEY = "API key; needs the secret beside it"
API_SECRET = "API secret that signs short-lived tokens"  # noqa: S105 — it describes one
TOKEN = "A ready JWT, instead of key and secret"  # noqa: S105 — likewise


class Settings(BaseSettings):
    """What flags and environment say, and the file where they are silent."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    config: FromHome | None = Field(
        default=None,
        description=(
            "Configuration file (default: config.toml in the system's configuration folder, "
            "~/.config/lookalike on Linux)"
        ),
    )
    base_url: str | None = Field(
        default=None, description="An Explore server to ask, e.g. https://app.visual-layer.com"
    )
    api_key: SecretStr | None = Field(default=None, description=API_KEY)
    api_key_file: FromHome | None = Field(default=None, description="A file that holds the API key")
    api_secret: SecretStr | None = Field(default=None, description=API_SECRET)
    api_secret_file: FromHome | None = Field(default=None, description="A file that holds the API secret")
    token: SecretStr | None = Field(default=None, description=TOKEN)
    token_file: FromHome | None = Field(default=None, description="A file that holds the JWT")
    allow_http: bool = Field(default=False, description=ALLOW_HTTP)
    timeout: Seconds = Field(default=60.0, description=TIMEOUT)
    dataset: str | None = Field(default=None, description=DATASET)
    cache_dir: FromHome = Field(default_factory=_users_cache, description=CACHE_DIR)
    signals: SignalsSetting = Field(default=DEFAULT_SIGNALS, description=SIGNALS)
    log_level: LogLevel = Field(default="WARNING", description=LOG_LEVEL)


def variable_of(field: str) -> str:
    """The environment variable that sets ``field``."""
    return PREFIX + field.upper()


def set_in_environment() -> frozenset[str]:
    """The fields that a variable sets; an empty one counts as not set, as in ``Settings``."""
    set_here = {name.upper() for name, value in os.environ.items() if value}
    return frozenset(field for field in Settings.model_fields if variable_of(field) in set_here)


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """What to say of every misspelt ``LOOKALIKE_*`` variable, which would otherwise be ignored without a word."""
    known = [variable_of(field) for field in Settings.model_fields]
    return [
        f"unknown environment variable {quoted(name)}; {nearest_known(name.upper(), known)}. Unset it or correct it."
        for name in sorted(environment)
        if name.upper().startswith(PREFIX) and name.upper() not in known
    ]


def make_settings(given: Mapping[str, Any], names: Mapping[str, str]) -> tuple[Settings, list[str]]:
    """The settings that ``given`` and the environment make, and what is wrong with those that were left out of them.

    ``names`` says how each field is called where it was given, as in ``--timeout``.

    Raises:
        SettingsError: no cache folder is named, and there is no home folder to have one in.
    """
    problems: dict[str, str] = {}
    while True:
        try:
            return Settings(**{**given, **_defaults(problems)}), list(problems.values())
        except ValidationError as error:
            for detail in error.errors(include_input=False):
                field = str(detail["loc"][0])
                problems[field] = f"{names.get(field, variable_of(field))}: {plain(detail['msg'])}"


def plain(message: str) -> str:
    """A validation message in words. It never has the value in it, which may be a secret."""
    return message.removeprefix("Value error, ")


def _defaults(fields: Mapping[str, str]) -> dict[str, Any]:
    return {field: Settings.model_fields[field].get_default(call_default_factory=True) for field in fields}
