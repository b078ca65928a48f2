"""Waiting for several calls at once."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Iterable
from typing import Any, TypeVar

Result = TypeVar("Result")


async def together(calls: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """The results in the order of the calls. When one fails, or the caller gives up, the others are stopped."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        await _stop(tasks)
        raise


async def as_they_come(
    call: Callable[[int], Coroutine[Any, Any, Result]], draw: Callable[[], int | None], at_once: int
) -> AsyncGenerator[tuple[int, Result]]:
    """Each number with its result, as soon as there is one, `at_once` calls being under way.

    `draw` gives the number of the next call, or `None` where none may begin before another result is in. When a call
    fails, or the caller closes this, the others are stopped.
    """
    tasks: dict[asyncio.Task[Result], int] = {}
    try:
        while True:
            while len(tasks) < at_once and (number := draw()) is not None:
                tasks[asyncio.create_task(call(number))] = number
            if not tasks:
                return
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=tasks.__getitem__):
                result = task.result()
                yield tasks.pop(task), result
    finally:
        await _stop(tasks)


async def _stop(tasks: Collection[asyncio.Task[Result]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
