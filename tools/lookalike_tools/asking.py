"""One question, from the dataset's name to the answer, over all sources."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from lookalike_tools.errors import NotFound
from lookalike_tools.explore.client import ExploreClient
from lookalike_tools.namespace import Namespace, find_dataset, with_all_choices
from lookalike_tools.opening import noting
from lookalike_tools.progress import Progress
from lookalike_tools.results.answer import Answer

AnswerT = TypeVar("AnswerT", bound=Answer)
Tool = Callable[[ExploreClient, Any, Progress, float | None], Awaitable[AnswerT]]


async def ask_namespace(
    tool: "Tool[AnswerT]",
    namespace: Namespace,
    query: Any,
    progress: Progress,
    patience: float | None,
) -> AnswerT:
    """The answer of `tool`, such as `find_duplicates`, from the one source that has the dataset of `query`.

    Each server has one deadline for all that it is asked here. Raises `LookalikeError`.
    """
    async with AsyncExitStack() as deadlines:
        for explore in namespace.clients.values():
            await deadlines.enter_async_context(explore.question())
        wanted = query.dataset
        try:
            alone = namespace.client_for(wanted)
            if alone is not None:
                return await tool(alone, query, progress, patience)
            found = await find_dataset(namespace, wanted)
            wanted = f"{found.source}/{found.dataset_id}"
            chosen = query.model_copy(update={"dataset": found.dataset_id})
            with noting(found.notes):
                return await tool(namespace.clients[found.source], chosen, progress, patience)
        except NotFound as error:
            raise await with_all_choices(error, namespace, wanted) from None
