"""Every HTTP status that is not an answer, as an error of ours. The body is read for field names only, never quoted."""

import json
import re
from collections.abc import Mapping
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
)

_OUR_PARAMETERS = frozenset({"vql", "duplicate_threshold", "entity_type", "threshold", "page_number", "group_by"})
_OUR_FILTERS = frozenset({"duplicates", "uniqueness"})
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
    404: (NotFound, "{source} does not have {about}, or hides it from this key", "Choose one of its datasets"),
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
    def argument(self) -> str:
        """Which of the caller's numbers the parameters carry."""
        return "uniqueness" if '"uniqueness"' in self.params.get("vql", "") else "similarity"


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
    named, kinds = _complaint(body)
    what = f"{call.source} refused the question about {call.about} ({status})"
    return RefusedParameters(what, _way_out(call, named, kinds), named)


def _way_out(call: Call, named: frozenset[str], kinds: frozenset[str]) -> str:
    if "entity_type" in named:
        return "Leave entity_type out, or use IMAGES"
    if "group_by" in named:
        return "Leave group_by out"
    if named & {"vql", "duplicate_threshold", *_OUR_FILTERS}:
        way = "Raise" if kinds & _TOO_SMALL else "Lower" if kinds & _TOO_LARGE else "Raise or lower"
        return f"{way} the {call.argument}, or choose another dataset"
    if "page_number" in named:
        return "Begin again, without a cursor"
    return f"Change the {call.argument} or the entity type, or choose another dataset"


def _complaint(body: bytes) -> tuple[frozenset[str], frozenset[str]]:
    """Which of our own parameters and filters a refusal names, and its kinds of complaint where it is a list."""
    try:
        detail: Any = json.loads(body).get("detail")
    except (ValueError, AttributeError, RecursionError):
        return frozenset(), frozenset()
    ours = _OUR_PARAMETERS | _OUR_FILTERS
    if isinstance(detail, str):
        return ours.intersection(_WORD.findall(detail)), frozenset()
    if not isinstance(detail, list):
        return frozenset(), frozenset()
    items = [item for item in detail if isinstance(item, dict)]
    places = [place for item in items if isinstance(place := item.get("loc"), list)]
    named = frozenset(part for place in places for part in place if isinstance(part, str) and part in ours)
    kinds = frozenset(kind for item in items if isinstance(kind := item.get("type"), str))
    return named, kinds & (_TOO_SMALL | _TOO_LARGE)
