"""Generate ``docs/reference.md`` from the code: tools, settings, commands. ``--check`` only compares."""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from lookalike_server.cli import main as command_line
from lookalike_server.config_file import GENERAL, SourceTable
from lookalike_server.questions import QUESTIONS
from lookalike_server.settings import Settings, variable_of

PAGE = Path(__file__).parent / "reference.md"
WIDTH = 100


def page() -> str:
    """The whole page."""
    return "\n".join(
        [
            "# Reference",
            "",
            "Generated from the code by `make docs`; do not edit.",
            "",
            *tools(),
            *variables(),
            *keys(),
            *commands(),
        ]
    )


def tools() -> Iterator[str]:
    """Each tool with its arguments and the fields of its answer."""
    yield "## Tools\n"
    for question in QUESTIONS:
        schema = question.query.model_json_schema()
        yield f"### `{question.name}`: {question.title}\n\n{question.description}\n"
        yield "| argument | values | if left out | meaning |\n|---|---|---|---|"
        for name, field in schema["properties"].items():
            yield f"| `{name}` | {_values(field)} | {field.get('default', '')} | {_cell(field['description'])} |"
        yield "\n| field of the answer | meaning |\n|---|---|"
        answer = question.answer.model_json_schema(mode="serialization")
        for name, description in fields(answer, answer["$defs"]):
            yield f"| `{name}` | {_cell(description)} |"
        yield ""


def fields(shape: dict[str, Any], definitions: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every field of an object and of the objects in it, as (dotted name, description)."""
    for name, field in shape["properties"].items():
        is_list = field.get("type") == "array"
        inner = field.get("items", field)
        here = f"{prefix}{name}{'[]' if is_list else ''}"
        reference = inner.get("$ref", "")
        yield here, field.get("description", "")
        if reference:
            yield from fields(definitions[reference.rpartition("/")[2]], definitions, f"{here}.")


def variables() -> Iterator[str]:
    """Every setting with its environment variable."""
    yield "## Environment variables\n"
    yield "A flag wins over the environment, and that over the file. An unknown `LOOKALIKE_*` variable is an error.\n"
    yield "| variable | meaning |\n|---|---|"
    for name, field in Settings.model_fields.items():
        yield f"| `{variable_of(name)}` | {_cell(field.description or '')} |"
    yield ""


def keys() -> Iterator[str]:
    """Every key of the configuration file."""
    yield "## Configuration file\n"
    yield "TOML; see [configuration.md](configuration.md). An unknown key is an error.\n"
    for heading, table in (("key at the top", GENERAL), ("key of `[sources.NAME]`", SourceTable.model_fields)):
        yield f"| {heading} | meaning |\n|---|---|"
        for name, field in table.items():
            yield f"| `{name}` | {_cell(field.description or '')} |"
        yield ""


def commands() -> Iterator[str]:
    """The help text of every command."""
    yield "## Commands\n"
    for name in ("", *command_line.commands):
        arguments = [name, "--help"] if name else ["--help"]
        shown = CliRunner().invoke(command_line, arguments, prog_name="lookalike", terminal_width=WIDTH).output
        yield f"```text\n$ lookalike {' '.join(arguments)}\n{shown.rstrip()}\n```\n"


def _values(field: dict[str, Any]) -> str:
    if "enum" in field:
        return " \\| ".join(field["enum"])
    if "maximum" in field:
        return f"{field['minimum']:g} to {field['maximum']:g}"
    return str(field["type"])


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


def main() -> None:
    """Write the page, or compare it with the one that is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if the page is not what the code says")
    made = page()
    if parser.parse_args().check:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made:
            sys.exit(f"{PAGE.name} is stale: run `make docs` and commit it.")
        return
    PAGE.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
