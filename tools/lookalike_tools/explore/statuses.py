"""Every HTTP status that is not an answer, as an error of ours. The body is read for field names only, never quoted."""

import json
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from lookalike_tools.errors import (
    BadAnswer,
    DatasetNotReady,
    Forbidden,
    LookalikeError,
    NotFound,
    RefusedParameters,
    ServerFailed,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)

_OF_OUR_NUMBER = frozenset({"vql", "duplicate_threshold", "duplicates", "uniqueness"})
_OURS = _OF_OUR_NUMBER | {"entity_type", "threshold", "page_number", "group_by"}
_WORD = re.compile(r"\w+")
_TOO_SMALL = frozenset({"greater_than", "greater_than_equal"})
_TOO_LARGE = frozenset({"less_than", "less_than_equal"})

_Told = tuple[type[LookalikeError], str, str]
_FAILED: _Told = (
    ServerFailed,
    "{source} failed while answering about {about}",
    "Ask again; if it stays, the server's operator must look",
)
_WITHOUT_CREDENTIAL: Mapping[int, _Told] = {
    401: (
        Unauthorized,
        "{source} asks for a credential, and none is set",
        "Set an API key and its secret, or a token",
    ),
    403: (Forbidden, "{source} does not let everyone read {about}", "Set a key or token that has access"),
}
_KNOWN: Mapping[int, _Told] = {
    401: (
        Unauthorized,
        "{source} refused the credential",
        "Make a new API key and secret (or token) and set them; if they are new, set this machine's clock right",
    ),
    403: (Forbidden, "{source} does not allow this credential to read {about}", "Use a key that has access"),
    404: (NotFound, "{source} does not have {about}, or hides it", "Choose one of its datasets"),
    407: (
        Unreachable,
        "The proxy on the way to {source} asks for a user and a password",
        "Put them into HTTP_PROXY, as in http://USER:PASSWORD@HOST:PORT",
    ),
    409: (DatasetNotReady, "{source} says that {about} is not ready", "Ask again in a minute"),
    429: (TooManyRequests, "{source} is refusing requests for a while", "Ask again in a few minutes"),
}


@dataclass(frozen=True)
class Call:
    """A call as its errors tell of it: to whom, about what (such as 'dataset "pets"'), asking what."""

    source: str
    about: str
    is_about_dataset: bool
    has_credential: bool
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def argument(self) -> str | None:
        """Which of the caller's numbers the parameters carry, if any."""
        if '"uniqueness"' in self.params.get("vql", ""):
            return "uniqueness"
        return "similarity" if {"vql", "duplicate_threshold"} & self.params.keys() else None


def error_for(status: int, call: Call, body: bytes) -> LookalikeError:
    """The error for any status but 200."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        kind, what, todo = _FAILED
    elif status in _WITHOUT_CREDENTIAL and not call.has_credential:
        kind, what, todo = _WITHOUT_CREDENTIAL[status]
    elif status in _KNOWN and (call.is_about_dataset or status != HTTPStatus.NOT_FOUND):
        kind, what, todo = _KNOWN[status]
    else:
        return _refusal(status, call, body)
    return kind(what.format(source=call.source, about=call.about) + f" ({status})", todo)


def _refusal(status: int, call: Call, body: bytes) -> LookalikeError:
    if status < HTTPStatus.BAD_REQUEST:
        return BadAnswer(
            f"{call.source} answered about {call.about} with a status that is not the Explore API's ({status})",
            "Check that the base URL is an Explore server's",
        )
    if not call.is_about_dataset and status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE}:
        return NotFound(
            f"{call.source} does not have {call.about} ({status}), so it is no Explore server at this address",
            "Check the base URL, its path included",
        )
    complaints = _complaints(body)
    what = f"{call.source} refused the question about {call.about} ({status})"
    return RefusedParameters(what, _way_out(call, complaints), frozenset(name for name, _ in complaints))


def _way_out(call: Call, complaints: AbstractSet[tuple[str, str]]) -> str:
    named = {name for name, _ in complaints}
    if "entity_type" in named:
        return "Leave entity_type out, or use IMAGES"
    if "group_by" in named:
        return "Leave group_by out"
    if call.argument is None:
        return "Choose another dataset" if call.is_about_dataset else "Check the base URL"
    if named & _OF_OUR_NUMBER:
        kinds = {kind for name, kind in complaints if name in _OF_OUR_NUMBER}
        small, large = bool(kinds & _TOO_SMALL), bool(kinds & _TOO_LARGE)
        way = "Raise or lower" if small == large else "Raise" if small else "Lower"
        return f"{way} the {call.argument}, or choose another dataset"
    if "page_number" in named:
        return "Begin again, without a cursor"
    return f"Change the {call.argument} or the entity type, or choose another dataset"


def _complaints(body: bytes) -> AbstractSet[tuple[str, str]]:
    """Which of our own parameters and filters a refusal names, with the type of each complaint that has one."""
    try:
        detail: Any = json.loads(body).get("detail")
    except (ValueError, AttributeError, RecursionError):
        return frozenset()
    if isinstance(detail, str):
        return {(name, "") for name in _OURS.intersection(_WORD.findall(detail))}
    items = [item for item in detail if isinstance(item, dict)] if isinstance(detail, list) else []
    return {
        (name, kind if isinstance(kind := item.get("type"), str) else "")
        for item in items
        if isinstance(place := item.get("loc"), list)
        for name in place
        if isinstance(name, str) and name in _OURS
    }
