"""Whether the three questions would be answered about a dataset, without reading all of it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lookalike_tools.duplicates import NAME as FIND_DUPLICATES
from lookalike_tools.duplicates import find_duplicates
from lookalike_tools.errors import CannotAnswer, LookalikeError
from lookalike_tools.explore.client import ExploreClient
from lookalike_tools.explore.filters import Filter
from lookalike_tools.explore.honouring import honoured
from lookalike_tools.explore.models import Dataset
from lookalike_tools.queries import DuplicatesQuery, UniqueQuery
from lookalike_tools.readiness import refuse_unready
from lookalike_tools.summary import NAME as SUMMARIZE_CLUSTERS
from lookalike_tools.unique import NAME as FIND_UNIQUE
from lookalike_tools.unique import find_unique

Trial = Mapping[str, LookalikeError | None]
"""For each tool `None`, or why it would not answer."""


async def try_questions(explore: ExploreClient, dataset: Dataset) -> Trial:
    """What each tool would say of `dataset` at its default similarity or uniqueness."""
    async with explore.question():
        try:
            refuse_unready(explore, dataset)
        except LookalikeError as error:
            return dict.fromkeys((FIND_DUPLICATES, FIND_UNIQUE, SUMMARIZE_CLUSTERS), error)
        copies, unlike = DuplicatesQuery(dataset=dataset.id, limit=1), UniqueQuery(dataset=dataset.id, limit=1)
        duplicates = Filter("duplicates", copies.similarity, copies.entity_type)
        uniqueness = Filter("uniqueness", unlike.uniqueness, unlike.entity_type)
        clusters = await _failure(explore, dataset, duplicates, lambda: find_duplicates(explore, copies, _silent, 0))
        unique = await _failure(explore, dataset, uniqueness, lambda: find_unique(explore, unlike, _silent, 0))
    # A summary reads the clusters that find_duplicates lists.
    return {FIND_DUPLICATES: clusters, FIND_UNIQUE: unique, SUMMARIZE_CLUSTERS: clusters}


async def _failure(
    explore: ExploreClient, dataset: Dataset, wanted: Filter, ask: Callable[[], Awaitable[Any]]
) -> LookalikeError | None:
    """Why the question would fail. A server that ignores the filter may know another way, which only asking tells."""
    try:
        try:
            await honoured(explore, dataset, wanted)
        except CannotAnswer:
            await ask()
    except LookalikeError as error:
        return error
    return None


async def _silent(_done: float, _total: float | None, _message: str) -> None:
    """Nobody watches a trial."""
