"""How a long call tells its caller how far it is."""

from collections.abc import Awaitable, Callable

Progress = Callable[[float, float | None, str], Awaitable[None]]
"""Takes what is done, the total or `None` while unknown, and a message."""
