"""Whether a dataset can be asked, and waiting for one that is being indexed here."""

import asyncio

from lookalike_tools.errors import DatasetNotReady
from lookalike_tools.explore.client import ExploreClient, about
from lookalike_tools.explore.models import Dataset, state_of
from lookalike_tools.progress import Progress
from lookalike_tools.untrusted import quoted

_BETWEEN_LOOKS = 0.15


async def wait_until_ready(
    explore: ExploreClient, dataset: Dataset, progress: Progress, patience: float | None
) -> Dataset:
    """The dataset as it is once it can answer, or as last seen after `patience` seconds.

    With `None` it is waited for until its index is up to date too, however long that takes. Only a local dataset is
    waited for. Raises `DatasetNotReady` where waiting does not help.
    """
    loop = asyncio.get_running_loop()
    ends = None if patience is None else loop.time() + patience
    while is_indexing(explore, dataset) or (patience is None and dataset.is_refreshing):
        if not explore.is_local or (ends is not None and loop.time() >= ends):
            return dataset
        if dataset.indexing is not None:
            stage = dataset.indexing
            await progress(stage.done, stage.total, f"indexing {about(dataset)}: {quoted(stage.stage)[1:-1]}")
        await asyncio.sleep(_BETWEEN_LOOKS)
        dataset = await explore.dataset(dataset.id)
    refuse_unready(explore, dataset)
    return dataset


def is_indexing(explore: ExploreClient, dataset: Dataset) -> bool:
    """Whether the dataset will answer by itself, later. A local one that was never indexed has just begun."""
    state = state_of(dataset)
    return state == "INDEXING" or (explore.is_local and state == "DRAFT")


def refuse_unready(explore: ExploreClient, dataset: Dataset) -> None:
    """Raises `DatasetNotReady` where waiting does not help."""
    match state_of(dataset):
        case "DRAFT":
            raise DatasetNotReady(
                f"The {about(dataset)} is a draft that was never indexed", "Index it on its server first"
            )
        case "ERROR":
            raise _failed(explore, dataset, dataset.fatal_error_msg)
        case _:
            return


def refuse_outdated(explore: ExploreClient, dataset: Dataset) -> None:
    """Raises `DatasetNotReady` where there is an index, and bringing it up to date has failed."""
    if dataset.refresh_error is not None:
        raise _failed(explore, dataset, dataset.refresh_error)


def _failed(explore: ExploreClient, dataset: Dataset, why: str | None) -> DatasetNotReady:
    reason = f": {quoted(why)}" if why else ""
    todo = "Correct this, then ask again" if explore.is_local else "Correct this on its server, then ask again"
    return DatasetNotReady(f"Indexing of {about(dataset)} failed{reason}", todo)
