"""The settings as ``lookalike check`` shows them: each with where it comes from, and no part of a secret."""

from pydantic import SecretStr

from lookalike_server.config_file import default_config_path
from lookalike_server.configuration import Configuration
from lookalike_server.secret import shown_path
from lookalike_server.settings import Settings, variable_of
from lookalike_server.sources import shown_url
from lookalike_tools.untrusted import quoted


def settings_lines(configuration: Configuration) -> list[str]:
    """A heading, then one line for each setting."""
    lines = ["Settings", *(_line(configuration, name) for name in Settings.model_fields)]
    lines += [
        f"  [sources.{name}] of the file has the same base URL, and is replaced" for name in configuration.replaced
    ]
    return lines


def _line(configuration: Configuration, name: str) -> str:
    origin = configuration.origins[name]
    whence = {
        "command line": f"--{name.replace('_', '-')}",
        "environment": variable_of(name),
        "file": "configuration file",
        "default": "default",
    }[origin]
    return f"  {name:<15} {_shown(configuration, name)}  ({whence})"


def _shown(configuration: Configuration, name: str) -> str:
    value = getattr(configuration.settings, name)
    if value is None:
        return _default_file(configuration) if name == "config" else "not set"
    if name == "base_url":
        return shown_url(value)
    if name.endswith("_file"):
        return shown_path(value)
    if isinstance(value, SecretStr):
        return "set, not shown"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g} s" if isinstance(value, float) else quoted(str(value))


def _default_file(configuration: Configuration) -> str:
    default = default_config_path()
    if default is None:
        return "none, as there is no home folder"
    return quoted(str(default)) + ("" if configuration.file is not None else ", which is not there")
