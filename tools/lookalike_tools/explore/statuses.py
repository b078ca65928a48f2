"""Every HTTP status that is not an answer, as an error of ours. The body is read for field names only, never quoted."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from lookalike_tools.errors import (
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
_KNOWN: Mapping[int, tuple[type[LookalikeError], str, str]] = {
    401: (
        Unauthorized,
        "{source} refused the credential",
        "Make a new API key and secret (or token) and set them; a server without authentication needs none",
    ),
    403: (Forbidden, "{source} does not allow this credential to read {about}", "Use a key that has access"),
    404: (NotFound, "{source} does not have {about}, or hides it from this key", "Choose one of its datasets"),
    409: (DatasetNotReady, "{source} says that {about} is not ready", "Ask again in a minute"),
    429: (TooManyRequests, "{source} is refusing requests for a while", "Ask again in a few minutes"),
}


def error_for(status: int, source: str, about: str, body: bytes) -> LookalikeError:
    """The error for `status` from `source` (as shown), asked `about` something (such as 'dataset "pets"')."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServerFailed(
            f"{source} failed while answering about {about} ({status})",
            "Ask again; if it stays, the server's operator must look",
        )
    if status in _KNOWN:
        kind, what, todo = _KNOWN[status]
        return kind(what.format(source=source, about=about) + f" ({status})", todo)
    return RefusedParameters(
        f"{source} refused the question about {about} ({status})",
        "Change the similarity or the entity type, or choose another dataset",
        _named_fields(body),
    )


def _named_fields(body: bytes) -> frozenset[str]:
    try:
        detail: Any = json.loads(body).get("detail")
    except (ValueError, AttributeError, RecursionError):
        return frozenset()
    ours = _OUR_PARAMETERS | _OUR_FILTERS
    if isinstance(detail, str):
        return frozenset(name for name in ours if name in detail)
    if not isinstance(detail, list):
        return frozenset()
    places = [item.get("loc") for item in detail if isinstance(item, dict)]
    return frozenset(part for place in places if isinstance(place, list) for part in place if part in ours)
