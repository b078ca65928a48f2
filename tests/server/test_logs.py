import logging

import pytest

from lookalike_server.logs import RedactingFormatter

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
        "Authorization: Bearer s3cr3t.token",
        "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzM2NyM3QifQ.s3cr3t",
        "connecting to https://user:s3cr3t@explore.example/",
    ],
)
def test_a_log_line_hides_credentials_and_queries(message: str) -> None:
    assert "s3cr3t" not in formatted(message)


def test_a_traceback_is_redacted_like_its_message() -> None:
    assert SECRET not in formatted("failed", RuntimeError(f"https://explore.example/?key={SECRET}"))


def test_what_is_not_secret_stays_readable() -> None:
    assert "https://explore.example/api/v1/datasets" in formatted("GET https://explore.example/api/v1/datasets")
