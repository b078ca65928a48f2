"""What an Explore call asks for: its query parameters, checked."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lookalike_engine.anchors import path_of_uri
from lookalike_engine.similarity import NEAR_DUPLICATE

SUPPORTED: Final = ("duplicates", "uniqueness")
GRANULARITY_LEVELS: Final = ("0", "1", "2", "3", "4")
_KNOWN: Final = frozenset(
    {"vql", "duplicate_threshold", "threshold", "page_number", "entity_type", "group_by", "revision"}
)
_SHOWN_NAME: Final = 60
_PAGE_DIGITS: Final = 10
"""A page number with more is past the end of any dataset, and only a way to waste time."""


class ParameterError(Exception):
    """A query parameter is wrong; `where`, `message` and `given` make up the answer's 422."""

    def __init__(self, where: str, message: str, given: object) -> None:
        super().__init__(message)
        self.where = where
        self.message = message
        self.given = given


@dataclass(frozen=True, slots=True)
class Filters:
    """Which images are asked for; None where that filter is absent."""

    duplicates: float | None = None
    uniqueness: float | None = None
    duplicates_from: str = "vql"
    """The parameter that `duplicates` came in."""

    @property
    def applied(self) -> list[str]:
        """The names of the filters that are there."""
        return [name for name in SUPPORTED if getattr(self, name) is not None]


@dataclass(frozen=True, slots=True)
class Question:
    """The parameters of one Explore call."""

    filters: Filters
    level: int
    """Granularity 0-4; only 0 has clusters."""
    page_number: int
    group_by_folder: bool
    revision: str | None = None
    """The state of the dataset that is asked about; None for the present one."""


def read_question(parameters: Iterable[tuple[str, str]]) -> Question:
    """Check the query parameters of an Explore call; those that the API does not know are ignored.

    Raises ParameterError for the first that is wrong or given twice.
    """
    given: dict[str, str] = {}
    for name, value in parameters:
        if name in given and name in _KNOWN:
            raise ParameterError(name, f"{name} is given twice", value)
        given[name] = value
    _check_entity_type(given.get("entity_type", "IMAGES"))
    level = given.get("threshold", "0")
    if level not in GRANULARITY_LEVELS:
        raise ParameterError("threshold", "threshold is a granularity level, 0 to 4", level)
    return Question(
        filters=_filters(given),
        level=int(level),
        page_number=_page_number(given.get("page_number", "0")),
        group_by_folder=_group_by_folder(given.get("group_by")),
        revision=given.get("revision"),
    )


@dataclass(frozen=True, slots=True)
class AnchorQuestion:
    """One picture to compare with a dataset: a file, or an image of the dataset. Exactly one of the two is not None."""

    file: str | None
    """Absolute path, surrogate-escaped."""
    image: str | None
    """An image's shown path."""
    similarity: float
    filters: Filters
    page_number: int
    revision: str | None = None
    """As of `Question`."""


def read_anchor_question(parameters: Iterable[tuple[str, str]]) -> AnchorQuestion:
    """Check the query parameters of a call about one picture; those that the API does not know are ignored.

    Raises ParameterError.
    """
    given = list(parameters)
    question = read_question(given)
    if question.filters.uniqueness is not None:
        raise ParameterError("vql", 'filter "uniqueness" is not supported here: "duplicates" is', "uniqueness")
    anchors = [(name, value) for name, value in given if name in {"anchor_uri", "anchor_path"}]
    if len(anchors) != 1:
        raise ParameterError("anchor_uri", "give one of anchor_uri and anchor_path", [name for name, _ in anchors])
    ((name, value),) = anchors
    file = path_of_uri(value) if name == "anchor_uri" else None
    if name == "anchor_uri" and file is None:
        raise ParameterError(name, "anchor_uri must be a file:// URI with an absolute path and no host", value)
    filters = question.filters
    if filters.duplicates is None:
        filters = Filters(NEAR_DUPLICATE)
    similarity = NEAR_DUPLICATE if filters.duplicates is None else filters.duplicates
    return AnchorQuestion(
        file, value if file is None else None, similarity, filters, question.page_number, question.revision
    )


def _check_entity_type(entity_type: str) -> None:
    if entity_type in {"OBJECTS", "VIDEOS"}:
        raise ParameterError(
            "entity_type", f"{entity_type} is not supported here: local folders hold IMAGES", entity_type
        )
    if entity_type != "IMAGES":
        raise ParameterError("entity_type", "entity_type must be IMAGES", entity_type)


def _page_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _PAGE_DIGITS):
        raise ParameterError("page_number", "page_number must be a whole number from 0", text)
    return int(text)


def _group_by_folder(text: str | None) -> bool:
    if text == "label":
        raise ParameterError("group_by", "label is not supported here: local folders have no labels", text)
    if text not in {None, "folder"}:
        raise ParameterError("group_by", "group_by must be folder", text)
    return text is not None


def _filters(given: Mapping[str, str]) -> Filters:
    values = _vql_values(given["vql"]) if "vql" in given else {}
    simple = given.get("duplicate_threshold")
    if simple is None:
        return Filters(values.get("duplicates"), values.get("uniqueness"))
    if "duplicates" in values:
        raise ParameterError(
            "duplicate_threshold", "duplicate_threshold and a duplicates filter exclude each other", simple
        )
    return Filters(_threshold(simple), values.get("uniqueness"), "duplicate_threshold")


def _threshold(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if "_" in text or not 0 <= number <= 1:
        raise ParameterError("duplicate_threshold", "duplicate_threshold must be a number from 0 to 1", text)
    return number


def _vql_values(text: str) -> dict[str, float]:
    try:
        filters = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ParameterError("vql", "vql must be a JSON array of filters", text) from None
    if not isinstance(filters, list):
        raise ParameterError("vql", "vql must be a JSON array of filters", text)
    values: dict[str, float] = {}
    for item in filters:
        if not (isinstance(item, dict) and item):
            raise ParameterError("vql", "each vql filter must be an object that names it", text)
        for name, body in item.items():
            if name not in SUPPORTED:
                raise ParameterError(
                    "vql", f"filter {_quoted(name)} is not supported here: {' and '.join(SUPPORTED)} are", text
                )
            if name in values:
                raise ParameterError("vql", f"filter {_quoted(name)} is given twice", text)
            values[name] = _value(name, body, text)
    return values


def _value(name: str, body: Any, text: str) -> float:
    if not isinstance(body, dict) or body.get("op") != name:
        raise ParameterError("vql", f'filter "{name}" must be {{"op": "{name}", "value": 0 to 1}}', text)
    unknown = sorted(body.keys() - {"op", "value"})
    if unknown:
        raise ParameterError("vql", f'filter "{name}" has no {_quoted(unknown[0])}', text)
    value = body.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ParameterError("vql", f'the value of filter "{name}" must be a number from 0 to 1', text)
    return float(value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError("a name is there twice")
    return dict(pairs)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _quoted(name: str) -> str:
    """Show a caller's word in a message: on one line, ASCII, not for ever."""
    return json.dumps(name if len(name) <= _SHOWN_NAME else name[:_SHOWN_NAME] + "...")
