"""The export of a dataset: start it on the server, wait for it, download it, read it."""

import asyncio
import tempfile
import threading
from collections.abc import Hashable
from typing import IO, Annotated

from pydantic import StringConstraints, TypeAdapter

from lookalike_tools.errors import (
    BadAnswer,
    DatasetNotReady,
    ExportFailed,
    ExportNotDone,
    LookalikeError,
    NoExport,
    NotFound,
    RefusedParameters,
    ServerFailed,
    ServerTrouble,
    TooManyRequests,
    Unreachable,
)
from lookalike_tools.explore.client import ExploreClient, about, checked_id
from lookalike_tools.explore.export_file import parse_export
from lookalike_tools.explore.exported_images import Export
from lookalike_tools.explore.models import Dataset, Text, Wire, state_of
from lookalike_tools.progress import Progress
from lookalike_tools.untrusted import UntrustedText, quoted

_LONGEST_FILE = 256 << 20
_MOST_SECONDS = 20.0
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 2.0
_BETWEEN_REPORTS = 1.0
_KEPT_SECONDS = 600.0
_FAILURE_SECONDS = 60.0
_LONGEST_REASON = 80

_AGAIN = "Ask again in a minute"


class _Task(Wire):
    id: Annotated[Text, StringConstraints(min_length=1, max_length=200)]


class _Status(Wire):
    status: Text
    download_uri: Text | None = None
    result_message: Text | None = None


_TASK = TypeAdapter(_Task)
_STATUS = TypeAdapter(_Status)


async def read_export(explore: ExploreClient, dataset: Dataset, progress: Progress) -> Export:
    """The export of `dataset`, kept for ten minutes while the dataset looks the same. Raises `ExportFailed`.

    It is waited for as long as 20 s, or a third of the question's time. One that is not done by then goes on at the
    server, and the next question waits for the same one.
    """
    memory, key = explore.memory, _as_it_is(dataset)
    async with memory.exporting:
        known = memory.exports.get(key)
        if known is not None:
            return known
        failure = memory.export_failures.get(key)
        if failure is not None:
            raise type(failure)(failure.what, failure.todo)
        try:
            export = await _downloaded(explore, dataset, await _link(explore, dataset, key, progress), progress)
        except (_NotDone, Unreachable, TooManyRequests, DatasetNotReady) as passing:
            raise ExportNotDone(passing.what, _AGAIN) from None
        except ServerTrouble as trouble:
            memory.export_tasks.forget(key)
            failure = trouble if isinstance(trouble, ExportFailed) else ExportFailed(trouble.what, trouble.todo)
            lasts = _KEPT_SECONDS if isinstance(failure, NoExport) else _FAILURE_SECONDS
            memory.export_failures.put(key, failure, lasts)
            raise failure from None
        memory.export_tasks.forget(key)
        memory.exports.put(key, export, _KEPT_SECONDS)
        return export


class _NotDone(LookalikeError):  # noqa: N818  (it never leaves this module)
    """The export is under way."""


def _as_it_is(dataset: Dataset) -> Hashable:
    return (dataset.id, dataset.n_images, dataset.revision, state_of(dataset))


async def _link(explore: ExploreClient, dataset: Dataset, key: Hashable, progress: Progress) -> str:
    """Where the finished export is. Raises `_NotDone` when it takes too long."""
    loop = asyncio.get_running_loop()
    task = explore.memory.export_tasks.get(key)
    if task is None:
        task = await _started(explore, dataset)
        explore.memory.export_tasks.put(key, task, _KEPT_SECONDS)
    # What is left after waiting must do for the download, and for the rest of the question.
    patience = min(_MOST_SECONDS, explore.time_left() / 3)
    began, pause = loop.time(), _FIRST_PAUSE
    while True:
        path = f"/dataset/{checked_id(dataset.id)}/export_status"
        status = await explore.read(_STATUS, path, {"export_task_id": task}, f"the export of {about(dataset)}")
        match status.status.strip().upper():
            case "COMPLETED" if status.download_uri:
                return status.download_uri
            case "COMPLETED" | "REJECTED" | "FAILED" as end:
                raise _ended(end, status.result_message)
            case _:
                pass
        waited = loop.time() - began
        if waited + pause > patience:
            raise _NotDone("The server's export was not done in time", _AGAIN)
        await progress(waited, patience, f"waiting for the server's export of {about(dataset)}")
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


async def _started(explore: ExploreClient, dataset: Dataset) -> str:
    path = f"/dataset/{checked_id(dataset.id)}/export_context_async"
    params = {"file_name": "lookalike.zip", "export_format": "json", "include_images": "false"}
    try:
        return (await explore.read(_TASK, path, params, f"the export of {about(dataset)}")).id
    except (NotFound, RefusedParameters, ServerFailed, BadAnswer) as error:
        # A server that does not know the call may also answer with its web page.
        raise NoExport(f"{explore.source} gives no export of {about(dataset)}", error.todo) from None


def _ended(end: str, message: str | None) -> ExportFailed:
    if end == "COMPLETED":
        return ExportFailed("The server's export is done, and has no file", "The server's operator must look")
    what = "was rejected" if end == "REJECTED" else "failed"
    reason = f": {quoted(UntrustedText(message).shortened(_LONGEST_REASON))}" if message else ""
    return ExportFailed(f"The server's export {what}{reason}", "The server's operator must look")


async def _downloaded(explore: ExploreClient, dataset: Dataset, link: str, progress: Progress) -> Export:
    await progress(0, None, f"downloading the export of {about(dataset)}")
    try:
        file = tempfile.TemporaryFile()  # noqa: SIM115  (closed below; only opening it may fail for want of a folder)
    except OSError:
        raise _no_room() from None
    with file:
        try:
            await explore.download(link, f"the export of {about(dataset)}", longest=_LONGEST_FILE, to=file)
        except OSError:
            raise _no_room() from None
        return await _parsed(file, explore, dataset, progress)


def _no_room() -> ExportFailed:
    return ExportFailed(
        "The export cannot be kept in the folder for temporary files", "Make room there, or set TMPDIR to another one"
    )


async def _parsed(file: IO[bytes], explore: ExploreClient, dataset: Dataset, progress: Progress) -> Export:
    """Parse in a thread, which ends soon after the caller gives up and before the file is closed."""
    loop = asyncio.get_running_loop()
    stop, began = threading.Event(), loop.time()
    parsing = asyncio.ensure_future(asyncio.to_thread(parse_export, file, stop))
    try:
        async with asyncio.timeout(explore.time_left()):
            while not (await asyncio.wait({parsing}, timeout=_BETWEEN_REPORTS))[0]:
                await progress(loop.time() - began, None, f"reading the export of {about(dataset)}")
        return parsing.result()
    except TimeoutError:
        raise ExportFailed(
            "The server's export is too large to be read in the time of one question",
            "Give questions to this server more time, or ask about a smaller dataset",
        ) from None
    finally:
        stop.set()
        await asyncio.gather(parsing, return_exceptions=True)
