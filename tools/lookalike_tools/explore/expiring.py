"""Facts that are remembered for a while."""

import time
from collections.abc import Hashable
from typing import Generic, TypeVar

Fact = TypeVar("Fact")


class Expiring(Generic[Fact]):
    """Up to `most` facts by key, each good for its own number of seconds; the oldest gives way."""

    def __init__(self, most: int = 1000) -> None:
        self._most = most
        self._facts: dict[Hashable, tuple[float, Fact]] = {}

    def get(self, key: Hashable) -> Fact | None:
        """The fact, while it is good."""
        ends, fact = self._facts.get(key, (0.0, None))
        return fact if time.monotonic() < ends else None

    def put(self, key: Hashable, fact: Fact, seconds: float) -> None:
        """Remember `fact` for `seconds` from now."""
        now = time.monotonic()
        self._facts = {old: kept for old, kept in self._facts.items() if old != key and now < kept[0]}
        while len(self._facts) >= self._most:
            del self._facts[next(iter(self._facts))]
        self._facts[key] = (now + seconds, fact)

    def forget(self, key: Hashable) -> None:
        """Remember it no longer."""
        self._facts.pop(key, None)
