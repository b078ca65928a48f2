import logging

import anyio
import pytest
from starlette.responses import Response

from lookalike_server.logs import RedactingFormatter
from lookalike_tools import ExploreClient
from tests.explore_servers import Server, copies, listening, single

SECRET = "s3cr3t-of-the-key"


def formatted(message: str, error: Exception | None = None) -> str:
    info = None if error is None else (type(error), error, None)
    record = logging.LogRecord("lookalike", logging.ERROR, "here", 1, message, None, info)
    return RedactingFormatter([SECRET]).format(record)


@pytest.mark.parametrize(
    "message",
    [
        f"signed with {SECRET}",
        "GET https://explore.example/api/v1/explore/1?vql=s3cr3t-query failed",
        'asked "GET /api/v1/explore/1?vql=s3cr3t HTTP/1.1"',
        "Authorization: Bearer s3cr3t.token",
        "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzM2NyM3QifQ.s3cr3t",
        "connecting to https://user:s3cr3t@explore.example/",
    ],
)
def test_a_log_line_hides_credentials_and_queries(message: str) -> None:
    assert "s3cr3t" not in formatted(message)


def test_a_secret_that_is_read_later_is_hidden_from_then_on() -> None:
    formatter = RedactingFormatter([])
    formatter.hide([SECRET])
    record = logging.LogRecord("lookalike", logging.ERROR, "here", 1, f"signed with {SECRET}", None, None)
    assert SECRET not in formatter.format(record)


def test_a_traceback_is_redacted_like_its_message() -> None:
    assert SECRET not in formatted("failed", RuntimeError(f"https://explore.example/?key={SECRET}"))


def test_what_is_not_secret_stays_readable() -> None:
    assert "https://explore.example/api/v1/datasets" in formatted("GET https://explore.example/api/v1/datasets")


def test_text_from_outside_neither_begins_a_log_line_nor_steers_a_terminal() -> None:
    line = formatted("reading a.jpg\n2026-01-01 00:00:00,000 ERROR lookalike: forged\x1b[2J\u202e")
    assert line.count("\n") == 0
    assert not {"\x1b", "\u202e"} & set(line)


def test_a_traceback_keeps_its_lines() -> None:
    lines = formatted("failed", ValueError("a\x1b[2Jb")).split("\n")
    assert len(lines) == 2
    assert "\x1b" not in lines[1]


def test_a_question_that_is_tried_again_is_logged_in_words_and_without_its_query(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers = [Response("{}", 503)]
    server = Server([copies("a")], [single("s")], guard=lambda _request: answers.pop() if answers else None)

    async def ask(url: str) -> None:
        async with ExploreClient.for_server(url) as explore:
            await explore.datasets()

    with caplog.at_level(logging.DEBUG), listening(server.app()) as url:
        anyio.run(ask, url)
    ours = [record for record in caplog.records if record.name == "lookalike.explore"]
    assert any("again" in record.getMessage() and "503" in record.getMessage() for record in ours)
    assert not [record for record in caplog.records if record.name == "stamina"]
