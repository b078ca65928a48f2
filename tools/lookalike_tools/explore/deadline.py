"""How long an answer may take: each call its own time, or all calls of one question together."""

import asyncio
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_ENDS: ContextVar[Mapping["Deadline", float]] = ContextVar("ends", default=MappingProxyType({}))


class Deadline:
    """`seconds` for each call, or, inside `shared()`, for all calls together, those of child tasks included."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    @contextmanager
    def shared(self) -> Generator[None]:
        """One end for every call inside, counted from here. Inside another one, that one's end stays."""
        ends = _ENDS.get()
        if self in ends:
            yield
            return
        token = _ENDS.set({**ends, self: self._from_now()})
        try:
            yield
        finally:
            _ENDS.reset(token)

    def ends(self) -> float:
        """When a call that begins now must be done, on the loop's clock."""
        shared = _ENDS.get().get(self)
        return self._from_now() if shared is None else shared

    def _from_now(self) -> float:
        return asyncio.get_running_loop().time() + self.seconds
