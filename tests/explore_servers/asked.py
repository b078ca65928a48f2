"""The parameters of a question, checked as the documented cloud checks them."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.explore_servers.collection import Picture

SEARCHES = {"caption", "textual_similarity_threshold", "labels", "tags", "anchor_media_id", "anchor_type"}
"""Documented ways to search that these servers refuse: nothing here asks for them."""

_WHOLE_NUMBER = re.compile(r"-?[0-9]+")


class Refused(Exception):  # noqa: N818 - named for what happened
    """422, with the one entry of the list that says why."""

    def __init__(self, kind: str, loc: tuple[str, str], message: str, given: Any) -> None:
        super().__init__(message)
        self.detail = [{"type": kind, "loc": list(loc), "msg": message, "input": given}]


@dataclass(frozen=True)
class Question:
    """What is asked for. `similarity` and `uniqueness` are `None` where nobody asked; `keeps` are the other filters."""

    entity_type: str
    level: int
    page: int
    similarity: float | None
    uniqueness: float | None
    keeps: tuple[Callable[[Picture], bool], ...]

    def keep(self, picture: Picture) -> bool:
        """Whether the filters on single pictures leave this one."""
        unique = self.uniqueness is None or picture.uniqueness > self.uniqueness
        return unique and all(keep(picture) for keep in self.keeps)


def question(given: Mapping[str, str]) -> Question:
    """The question that the parameters ask. Raises `Refused`; what is not documented is ignored."""
    for name in sorted(SEARCHES & given.keys()):
        raise Refused("value_error", ("query", name), "This search is not served here", given[name])
    entity_type = given.get("entity_type", "IMAGES")
    if entity_type not in {"IMAGES", "OBJECTS"}:
        raise Refused("enum", ("query", "entity_type"), "Input should be 'IMAGES' or 'OBJECTS'", entity_type)
    filters = _filters(given.get("vql", "[]"))
    similarities = [_share(it["value"], "vql") for name, it in filters if name == "duplicates"]
    if "duplicate_threshold" in given:
        similarities.append(_share(given["duplicate_threshold"], "duplicate_threshold"))
    uniqueness = [_share(it["value"], "vql") for name, it in filters if name == "uniqueness"]
    return Question(
        entity_type=entity_type,
        level=_whole(given, "threshold", 4),
        page=_whole(given, "page_number", None),
        similarity=max(similarities, default=None),
        uniqueness=max(uniqueness, default=None),
        keeps=tuple(_OTHERS[name](it) for name, it in filters if name in _OTHERS),
    )


def dataset_id(given: str) -> str:
    """The id, where it can be one. Raises `Refused`."""
    try:
        return str(UUID(given))
    except ValueError:
        raise Refused("uuid_parsing", ("path", "dataset_id"), "Input should be a valid UUID", given) from None


def _whole(given: Mapping[str, str], name: str, most: int | None) -> int:
    text = given.get(name, "0")
    if not _WHOLE_NUMBER.fullmatch(text):
        raise Refused("int_parsing", ("query", name), "Input should be a valid integer", text)
    number = int(text)
    if number < 0:
        raise Refused("greater_than_equal", ("query", name), "Input should be greater than or equal to 0", text)
    if most is not None and number > most:
        raise Refused("less_than_equal", ("query", name), f"Input should be less than or equal to {most}", text)
    return number


def _share(value: Any, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise Refused("float_parsing", ("query", name), "Input should be a valid number", value) from None
    if not 0 <= number <= 1:
        raise Refused("value_error", ("query", name), "Input should be from 0 to 1", value)
    return number


def _filters(vql: str) -> list[tuple[str, dict[str, Any]]]:
    def refused(message: str) -> Refused:
        return Refused("value_error", ("query", "vql"), message, vql)

    try:
        filters = json.loads(vql)
    except ValueError:
        raise refused("Input should be JSON") from None
    found: list[tuple[str, dict[str, Any]]] = []
    for each in filters if isinstance(filters, list) else [filters]:
        if not isinstance(each, dict) or len(each) != 1:
            raise refused("Input should be a list of filters")
        ((name, body),) = each.items()
        if not isinstance(body, dict) or body.get("op") not in _OPERATORS.get(name, ()) or "value" not in body:
            raise refused("This filter is not supported")
        found.append((name, body))
    return found


def _one_of(body: dict[str, Any]) -> Callable[[Picture], bool]:
    return lambda picture: not picture.labels.isdisjoint(body["value"])


def _tagged(body: dict[str, Any]) -> Callable[[Picture], bool]:
    return lambda picture: set(body["value"]) <= picture.tags


def _mentions(body: dict[str, Any]) -> Callable[[Picture], bool]:
    return lambda picture: str(body["value"]).lower() in picture.path.lower()


_OTHERS = {"labels": _one_of, "tags": _tagged, "text": _mentions}
_OPERATORS = {
    "duplicates": {"duplicates"},
    "uniqueness": {"uniqueness"},
    "labels": {"one_of"},
    "tags": {"is"},
    "text": {"fts"},
}
