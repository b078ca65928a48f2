"""Say what is wrong with a tool's arguments: one readable line each, with a suggestion."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lookalike_tools import UntrustedText

QueryT = TypeVar("QueryT", bound=BaseModel)

_LONGEST_ECHO = 40
_MOST_LINES = 10


class ArgumentsError(Exception):
    """Arguments that do not fit the schema; the text has one line for each problem."""


def parse_arguments(model: type[QueryT], arguments: Mapping[str, Any], tool: str) -> QueryT:
    """Validate ``arguments`` strictly against ``model``.

    Raises:
        ArgumentsError: with one line for each of the first ten arguments that are unknown or unfit.
    """
    try:
        return model.model_validate(arguments, strict=True)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        lines = [_line(detail, model) for detail in problems[:_MOST_LINES]]
        if len(problems) > _MOST_LINES:
            lines.append(f"and {len(problems) - _MOST_LINES} more")
        raise ArgumentsError("\n".join([f"Invalid arguments for {tool}:", *(f"- {line}" for line in lines)])) from None


def _line(detail: ErrorDetails, model: type[BaseModel]) -> str:
    name = ".".join(str(part) for part in detail["loc"])
    value = detail["input"]
    match detail["type"]:
        case "extra_forbidden":
            return _unknown(name, list(model.model_fields))
        case "literal_error":
            problem = f"must be {detail.get('ctx', {})['expected']}, not {_echo(value)}"
        case "greater_than_equal" | "less_than_equal":
            problem = f"{_echo(value)} is out of range; {_range(model, name)}{_percent(value, model, name)}"
        case "int_type" | "float_type" | "finite_number":
            number = "whole number" if detail["type"] == "int_type" else "number"
            problem = f"must be a {number}, not {_echo(value)}{_unquoted(value)}; {_range(model, name)}"
        case "string_too_short":
            problem = "must not be empty; leave it out instead"
        case "string_type":
            problem = f"must be text, not {_echo(value)}"
        case _:
            problem = f"{UntrustedText(detail['msg'])} (got {_echo(value)})"
    return f"{name}: {problem}"


def _unknown(name: str, known: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1)
    shown = UntrustedText(name[:_LONGEST_ECHO])
    hint = f"did you mean '{nearest[0]}'?" if nearest else f"known are {', '.join(known)}"
    return f"unknown argument '{shown}'; {hint}"


def _echo(value: object) -> str:
    text = repr(value)
    return UntrustedText(text if len(text) <= _LONGEST_ECHO else text[:_LONGEST_ECHO] + "…")


def _range(model: type[BaseModel], name: str) -> str:
    """The inclusive bounds of a field and its default, in words."""
    schema = cast("dict[str, Any]", model.model_json_schema()["properties"][name])
    default = f" (default {schema['default']})" if schema.get("default") is not None else ""
    return f"give {schema['minimum']:g} to {schema['maximum']:g}{default}"


def _percent(value: object, model: type[BaseModel], name: str) -> str:
    """A similarity given as a percentage is the likeliest slip."""
    if model.model_fields[name].annotation is float and isinstance(value, int | float) and 2 <= value <= 100:  # noqa: PLR2004 — per cent
        return f"; did you mean {value / 100:g}?"
    return ""


def _unquoted(value: object) -> str:
    if isinstance(value, str):
        try:
            return f"; write {float(value):g} without quotes"
        except ValueError:
            return ""
    return ""
