"""The configuration file: several sources, and the settings that go for all of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from platformdirs import user_config_path
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from lookalike_server.settings import (
    ALLOW_HTTP,
    API_KEY,
    API_SECRET,
    CACHE_DIR,
    DATASET,
    LOG_LEVEL,
    SIGNALS,
    TIMEOUT,
    TOKEN,
    FromHome,
    LogLevel,
    Seconds,
    plain,
)
from lookalike_server.spelling import nearest_known
from lookalike_tools.untrusted import quoted

TableT = TypeVar("TableT", bound=BaseModel)

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Paths are written as text in the file, and turned into paths here.
_KINDS: Mapping[str, str] = {
    "string_type": "must be text in quotes",
    "path_type": "must be text in quotes",
    "bool_type": "must be true or false",
    "float_type": "must be a number",
    "list_type": 'must be a list, as in ["~/Pictures"]',
}


class SourceTable(BaseModel):
    """One source, ``[sources.NAME]``: an Explore server, or local folders."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    base_url: str | None = Field(default=None, description="An Explore server, e.g. https://app.visual-layer.com")
    api_key: SecretStr | None = Field(default=None, description=API_KEY)
    api_key_file: FromHome | None = Field(default=None, description="A file that holds the API key")
    api_secret: SecretStr | None = Field(default=None, description=API_SECRET)
    api_secret_file: FromHome | None = Field(default=None, description="A file that holds the API secret")
    token: SecretStr | None = Field(default=None, description=TOKEN)
    token_file: FromHome | None = Field(default=None, description="A file that holds the JWT")
    allow_http: bool | None = Field(default=None, description=ALLOW_HTTP)
    timeout: Seconds | None = Field(default=None, description=TIMEOUT)
    folders: list[str] | None = Field(
        default=None, min_length=1, description="Local folders instead of a server, each as FOLDER on the command line"
    )
    signals: str | None = Field(default=None, description=SIGNALS)


class _General(BaseModel):
    """What stands above the sources."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    dataset: str | None = Field(default=None, description=DATASET)
    cache_dir: FromHome | None = Field(default=None, description=CACHE_DIR)
    signals: str | None = Field(default=None, description=SIGNALS)
    log_level: LogLevel | None = Field(default=None, description=LOG_LEVEL)
    timeout: Seconds | None = Field(default=None, description=TIMEOUT)


GENERAL = _General.model_fields
"""The keys at the top of the file, beside ``sources``."""


@dataclass(frozen=True)
class ConfigFile:
    """What the file says, as far as it can be used, and what is wrong with the rest."""

    path: Path
    general: Mapping[str, Any] = field(default_factory=dict[str, Any])
    sources: Mapping[str, SourceTable] = field(default_factory=dict[str, SourceTable])
    problems: tuple[str, ...] = ()

    def beside(self, path: Path) -> Path:
        """``path`` as the file means it: relative to the folder that the file is in."""
        return self.path.parent / path


def default_config_path() -> Path | None:
    """Where the file is looked for when nobody says where it is; None for a user without a home folder."""
    try:
        return user_config_path("lookalike", appauthor=False) / "config.toml"
    except RuntimeError:
        return None


def read_config_file(named: Path | None) -> ConfigFile | None:
    """The file ``named``, which must be there, or the default one, which need not."""
    path = named or default_config_path()
    if path is None:
        return None
    path = path.absolute()
    try:
        # With or without the mark that some editors put first.
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        if named is None:
            return None
        return ConfigFile(path, problems=(f"there is no configuration file {quoted(str(path))}. Correct the path.",))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        problem = f"the configuration file {quoted(str(path))} cannot be read ({why}). Mend it."
        return ConfigFile(path, problems=(problem,))
    return _parsed(path, text)


def _parsed(path: Path, text: str) -> ConfigFile:
    import tomllib  # noqa: PLC0415 — only where there is a file

    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        # The place alone: what TOML's own message shows of the line may be a secret.
        place = str(error).rpartition("(")[2].rstrip(")") if "(" in str(error) else "place unknown"
        hint = " Put paths with backslashes in single quotes." if "\\" in text else ""
        return ConfigFile(path, problems=(f"{quoted(str(path))} is not TOML ({place}). Correct it there.{hint}",))
    tables = content.pop("sources", {})
    general, problems = _usable(_General, content, "", [*GENERAL, "sources"])
    sources: dict[str, SourceTable] = {}
    if not isinstance(tables, dict):
        problems.append("'sources' must hold one table for each source: write [sources.NAME]")
        tables = {}
    for name, table in tables.items():
        source, wrong = _source(name, table)
        problems += wrong
        if source is not None:
            sources[name] = source
    said = tuple(f"{quoted(str(path))}: {problem}" for problem in problems)
    return ConfigFile(path, general.model_dump(exclude_none=True) if general else {}, sources, said)


def _source(name: str, table: Any) -> tuple[SourceTable | None, list[str]]:
    if not _NAME.fullmatch(name):
        return None, [f"[sources.{quoted(name)}]: a source is named with letters, digits, '-' and '_' (64 at most)"]
    here = f"[sources.{name}]"
    if name == "local":
        return None, [f"{here}: 'local' is the name of the folders on the command line; choose another"]
    if not isinstance(table, dict):
        keys = ", ".join(SourceTable.model_fields)
        return None, [f"'sources.{name}' is no table: write [sources.NAME], and below it the keys of a source ({keys})"]
    source, problems = _usable(SourceTable, table, f"{here}: ", list(SourceTable.model_fields))
    if source is not None and not problems:
        problems += [f"{here}: {problem}" for problem in _contradictions(source)]
    return (None if problems else source), problems


def _contradictions(source: SourceTable) -> list[str]:
    """What does not go together. Whether the credential is whole is asked of every source, in ``sources``."""
    given = source.model_fields_set
    if source.folders is None and source.base_url is None:
        return ["it has neither base_url nor folders; give one of them"]
    odd = ", ".join(sorted(given - {"folders", "signals"}))
    if source.folders is not None and odd:
        return [f"{odd} and folders do not go together; make two sources of them"]
    if source.base_url is not None and source.signals is not None:
        return ["base_url and signals do not go together; a server compares by its own. Leave signals out"]
    return []


def _usable(
    kind: type[TableT], table: Mapping[str, Any], prefix: str, known: list[str]
) -> tuple[TableT | None, list[str]]:
    """The ``table`` without the keys that cannot be used, and what is wrong with those."""
    problems: list[str] = []
    try:
        return kind.model_validate(table), problems
    except ValidationError as error:
        wrong = error.errors(include_input=False)
    problems = [prefix + _in_words(detail, known) for detail in wrong]
    bad = {detail["loc"][0] for detail in wrong}
    return kind.model_validate({key: value for key, value in table.items() if key not in bad}), problems


def _in_words(detail: ErrorDetails, known: list[str]) -> str:
    key = str(detail["loc"][0])
    if detail["type"] == "extra_forbidden":
        return f"unknown key {quoted(key)}; {nearest_known(key, known)}"
    message = _KINDS.get(detail["type"], plain(detail["msg"]))
    entry = f" entry {detail['loc'][1] + 1}" if len(detail["loc"]) > 1 and isinstance(detail["loc"][1], int) else ""
    return f"{key}{entry}: {message}"
