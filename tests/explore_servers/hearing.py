"""A server on loopback, and what a caller hears while waiting for it."""

from contextlib import AbstractContextManager
from typing import Any

from tests.loopback import served


def listening(app: Any) -> AbstractContextManager[str]:
    """The app on a loopback port, over real HTTP; gives its base URL. Many break on purpose, so nothing is logged."""
    return served(app, log_level="critical")


class Heard:
    """Collects progress reports."""

    def __init__(self) -> None:
        self.reports: list[tuple[float, float | None, str]] = []

    async def __call__(self, done: float, total: float | None, message: str) -> None:
        self.reports.append((done, total, message))
