"""The HTTP library's own log lines show URLs with their query and headers: ours say what is needed instead."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_QUIET: ContextVar[bool] = ContextVar("quiet", default=False)
_LOGGERS = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)


def _is_shown(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING or not _QUIET.get()


# Filters, because a level can be set anew by whoever configures logging later, and to spare other users of the library.
for _name in _LOGGERS:
    logging.getLogger(_name).addFilter(_is_shown)


@contextmanager
def quietly() -> Generator[None]:
    """No line of the HTTP library below WARNING for what is done inside, whatever the log levels are."""
    token = _QUIET.set(True)
    try:
        yield
    finally:
        _QUIET.reset(token)
