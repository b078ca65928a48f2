"""Progress notifications over MCP, which must only ever rise."""

from collections.abc import Awaitable, Callable

Report = Callable[[float, float | None, str | None], Awaitable[None]]


class RisingProgress:
    """Joins stages that each count from zero into one rising count.

    The protocol wants every notification above the one before; indexing counts its files once a stage. A stage that
    starts over is added on top of what was already reported.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._base = 0.0
        self._stage_done = 0.0
        self._sent = -1.0

    async def __call__(self, done: float, total: float | None, message: str) -> None:
        """Report ``done`` of ``total`` (None while unknown) in this stage."""
        if done < self._stage_done:
            self._base = self._sent
        self._stage_done = done
        value = self._base + done
        if value <= self._sent:
            return
        self._sent = value
        await self._report(value, None if total is None else self._base + total, message)
