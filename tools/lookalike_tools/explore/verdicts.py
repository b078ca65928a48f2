"""What was found out about a server, for as long as it may be relied on."""

from collections.abc import Hashable
from typing import Literal

from lookalike_tools.explore.expiring import Expiring

Verdict = Literal["honoured", "ignored", "refused", "only filters"]
"""A filter finds duplicates, does nothing, is refused, or merely leaves images out of the clusters that are there."""

LIFETIME = 600.0


class Verdicts:
    """Verdicts by question, each forgotten after `lifetime` seconds, so that a server's upgrade is noticed."""

    def __init__(self, lifetime: float = LIFETIME) -> None:
        self._lifetime = lifetime
        self._known: Expiring[Verdict] = Expiring()

    def get(self, question: Hashable) -> Verdict | None:
        """The verdict, or `None` where there is none that still holds."""
        return self._known.get(question)

    def remember(self, question: Hashable, verdict: Verdict) -> None:
        """From now on, in place of any other one."""
        self._known.put(question, verdict, self._lifetime)
