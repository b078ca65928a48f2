"""Logging to stderr that never shows a credential or the query of a URL.

Hosts keep what a server writes to stderr, so the filter sits in the formatter: whatever reaches the stream, a
traceback included, has passed it.
"""

import logging
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Final

from lookalike_tools.untrusted import visible

HIDDEN: Final = "[hidden]"

_URL_QUERY = re.compile(r"(https?://[^\s\"'<>?#]+)[?#][^\s\"'<>]*")
_PATH_QUERY = re.compile(r"(/[^\s\"'<>?#]*)\?[^\s\"'<>=]+=[^\s\"'<>]*")
_URL_USER = re.compile(r"(https?://)[^\s/@\"']+@")
_JWT = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*")
_BEARER = re.compile(r"(?i)\b(bearer)\s+[^\s\"']+")
_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class RedactingFormatter(logging.Formatter):
    """Formats a record, then hides the known secrets, tokens of any kind, and the query of every URL.

    Control characters and invisible ones become escapes, so that no text from outside steers a terminal.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__(_FORMAT)
        self._secrets = [secret for secret in secrets if secret]

    def hide(self, secrets: Iterable[str]) -> None:
        """Hide these too from now on."""
        self._secrets += [secret for secret in secrets if secret and secret not in self._secrets]

    def format(self, record: logging.LogRecord) -> str:
        """The redacted line, with its traceback if it has one."""
        text = "\n".join(visible(line) for line in super().format(record).split("\n"))
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        text = _JWT.sub(HIDDEN, text)
        text = _BEARER.sub(rf"\1 {HIDDEN}", text)
        text = _URL_USER.sub(rf"\1{HIDDEN}@", text)
        text = _URL_QUERY.sub(rf"\1?{HIDDEN}", text)
        return _PATH_QUERY.sub(rf"\1?{HIDDEN}", text)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 — the name that logging calls
        """The line without its traceback, and one line indeed: no text from outside can begin a line of its own."""
        return super().formatMessage(record).replace("\n", "\\n")


def configure_logging(level: str, secrets: Sequence[str] = ()) -> None:
    """Send every logger of the process to stderr through one redacting handler.

    Must run before an ``MCPServer`` is made: its constructor configures the root logger unless that has a handler.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(secrets))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)


def hide(secrets: Iterable[str]) -> None:
    """Keep ``secrets``, which became known after the start, out of the log too."""
    known = list(secrets)
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, RedactingFormatter):
            handler.formatter.hide(known)
