"""Everything the server was told, put together: a flag wins over the environment, which wins over the file."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr

from lookalike_engine import EngineError, resolve_signals, signals_beside
from lookalike_server.config_file import ConfigFile, SourceTable, read_config_file
from lookalike_server.secret import Secret
from lookalike_server.settings import (
    Settings,
    SettingsError,
    make_settings,
    set_in_environment,
    unknown_variables,
    variable_of,
)
from lookalike_server.sources import (
    LEVELS,
    LOCAL,
    FolderSource,
    Level,
    ServerSource,
    SourceSettings,
    host_of,
    same_server,
)
from lookalike_tools.untrusted import quoted

Origin = Literal["command line", "environment", "file", "default"]

_SECRETS = ("api_key", "api_secret", "token")


@dataclass(frozen=True)
class Configuration:
    """The settings with the place that each comes from, and the sources, highest level first.

    ``replaced`` are the sources of the file that another one with the same base URL stands in for.
    """

    settings: Settings
    sources: tuple[SourceSettings, ...]
    origins: Mapping[str, Origin]
    file: Path | None = None
    replaced: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def for_question(self) -> tuple[tuple[SourceSettings, ...], str | None]:
        """The sources that a question from the terminal looks at, and the dataset it is about if it names none.

        All where the command line names a dataset; else those of the highest level that names any, so that a question
        about a folder never touches a network. A dataset that was set further down is not meant for them.
        """
        named = self.origins["dataset"]
        level = next((level for level in LEVELS if any(source.level == level for source in self.sources)), None)
        if named == "command line" or level is None:
            return self.sources, self.settings.dataset
        is_meant = named != "default" and LEVELS.index(named) <= LEVELS.index(level)
        sources = tuple(source for source in self.sources if source.level == level)
        return sources, self.settings.dataset if is_meant else None


def load_configuration(flags: Mapping[str, Any], folders: Sequence[str] = ()) -> Configuration:
    """The configuration, if there is nothing wrong with it.

    Raises:
        SettingsError: with everything that is.
    """
    configuration = read_configuration(flags, folders)
    if configuration.problems:
        raise SettingsError("\n".join(configuration.problems))
    return configuration


def read_configuration(flags: Mapping[str, Any], folders: Sequence[str] = ()) -> Configuration:
    """The flags that were given (None means not given), the environment and the file, as far as they can be used.

    Raises:
        SettingsError: there is no place for the cache.
    """
    given = {name: value for name, value in flags.items() if value is not None and name in Settings.model_fields}
    from_environment = set_in_environment()
    problems = unknown_variables(os.environ)
    named, _ = make_settings(given, {})
    names = {name: f"--{name.replace('_', '-')}" for name in given}
    file = read_config_file(named.config)
    origins: dict[str, Origin] = dict.fromkeys(Settings.model_fields, "default")
    values = dict(given)
    if file is not None:
        problems += file.problems
        for name, value in file.general.items():
            origins[name] = "file"
            if name not in from_environment and name not in given:
                values[name] = _as_meant(file, name, value)
                names[name] = f"{name} in {quoted(str(file.path))}"
    origins |= dict.fromkeys(from_environment, "environment")
    origins |= dict.fromkeys(given, "command line")
    settings, wrong = make_settings(values, names)
    sources, replaced, unfit = _sources(settings, origins, folders, file)
    return Configuration(
        settings=settings,
        sources=sources,
        origins=origins,
        file=None if file is None else file.path,
        replaced=replaced,
        problems=(*problems, *wrong, *unfit),
    )


def _as_meant(file: ConfigFile, name: str, value: Any) -> Any:
    """A value of the file, where it is a path as seen from there."""
    if name == "signals":
        return signals_beside(value, file.path.parent)
    return file.beside(value) if isinstance(value, Path) else value


def _sources(
    settings: Settings, origins: Mapping[str, Origin], folders: Sequence[str], file: ConfigFile | None
) -> tuple[tuple[SourceSettings, ...], tuple[str, ...], list[str]]:
    """The sources that can be used, those of the file that are replaced, and what is wrong with the others."""
    sources: list[SourceSettings] = []
    replaced: list[str] = []
    problems: list[str] = []
    if folders:
        sources.append(FolderSource(LOCAL, "command line", "FOLDER", tuple(folders)))
    try:
        server = _named_server(settings, origins)
        if server is not None:
            sources.append(server)
    except SettingsError as error:
        problems.append(str(error))
    for name, table in ({} if file is None else file.sources).items():
        assert file is not None  # noqa: S101 — it has a table
        if table.base_url and settings.base_url and same_server(table.base_url, settings.base_url):
            replaced.append(name)
            continue
        try:
            sources.append(_source_of_file(file, name, table, settings, origins))
        except SettingsError as error:
            problems.append(str(error))
    usable: list[SourceSettings] = []
    for source in sources:
        problem = source.problem() if isinstance(source, ServerSource) else None
        if problem is None and any(source.name == other.name for other in usable):
            problem = f"two sources are called {source.name}: give one of them another name in the configuration file"
        if problem is None:
            usable.append(source)
        else:
            problems.append(problem)
    return tuple(usable), tuple(replaced), problems


def _named_server(settings: Settings, origins: Mapping[str, Origin]) -> ServerSource | None:
    """The server of the flag or the variable, with the credential from the environment."""
    secrets = {
        name: _secret(
            variable_of(name), getattr(settings, name), variable_of(f"{name}_file"), getattr(settings, f"{name}_file")
        )
        for name in _SECRETS
    }
    if settings.base_url is None:
        if any(secrets.values()):
            raise SettingsError(
                f"a credential is set without {variable_of('base_url')}: say which server it is for, or unset it"
            )
        return None
    level: Level = "command line" if origins["base_url"] == "command line" else "environment"
    preset = make_settings({}, {})[0].base_url
    if any(secrets.values()) and preset is not None and not same_server(preset, settings.base_url):
        given = next(secret.where for secret in secrets.values() if secret is not None)
        raise SettingsError(
            f"{given} is for the server of {variable_of('base_url')}, and --base-url names another: unset "
            f"{variable_of('base_url')} to send it there, or write the servers into a configuration file"
        )
    return ServerSource(
        name=host_of(settings.base_url),
        level=level,
        where="--base-url" if level == "command line" else variable_of("base_url"),
        base_url=settings.base_url,
        allow_http=settings.allow_http,
        timeout=settings.timeout,
        **secrets,
    )


def _source_of_file(
    file: ConfigFile, name: str, table: SourceTable, settings: Settings, origins: Mapping[str, Origin]
) -> SourceSettings:
    where = f"[sources.{name}] in {quoted(str(file.path))}"
    if table.base_url is None:
        signals = _own_signals(file, where, table, origins)
        return FolderSource(name, "file", where, tuple(table.folders or ()), file.path.parent, signals)
    secrets = {
        key: _secret(
            f"{key} of {where}",
            getattr(table, key),
            f"{key}_file of {where}",
            None if (path := getattr(table, f"{key}_file")) is None else file.beside(path),
        )
        for key in _SECRETS
    }

    def unless_set_above(key: Literal["allow_http", "timeout"]) -> Any:
        own = getattr(table, key)
        return getattr(settings, key) if own is None or origins[key] in LEVELS[:2] else own

    return ServerSource(
        name=name,
        level="file",
        where=where,
        base_url=table.base_url,
        allow_http=unless_set_above("allow_http"),
        timeout=unless_set_above("timeout"),
        **secrets,
    )


def _own_signals(file: ConfigFile, where: str, table: SourceTable, origins: Mapping[str, Origin]) -> str | None:
    """Those of a source of folders, unless a flag or a variable says otherwise.

    Raises:
        SettingsError: there are none such.
    """
    if table.signals is None or origins["signals"] in LEVELS[:2]:
        return None
    try:
        choice = resolve_signals(signals_beside(table.signals, file.path.parent))
    except EngineError as error:
        raise SettingsError(f"signals of {where}: {error}") from None
    return table.signals if choice.description is None else str(choice.description)


def _secret(where: str, value: SecretStr | None, where_file: str, file: Path | None) -> Secret | None:
    """The secret in whichever of its two forms it was given.

    Raises:
        SettingsError: in both.
    """
    if value is not None and file is not None:
        raise SettingsError(f"{where} is given both as it is and as a file: keep one of them")
    if file is not None:
        return Secret(where_file, file=file)
    return None if value is None else Secret(where, value)
