"""The three tools as questions, and how the sources answer them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from lookalike_server.connections import Connections
from lookalike_tools import (
    Answer,
    DuplicatesAnswer,
    DuplicatesQuery,
    ExploreClient,
    Progress,
    SummaryAnswer,
    SummaryQuery,
    UniqueAnswer,
    UniqueQuery,
    ask_namespace,
    duplicates,
    find_duplicates,
    find_unique,
    summarize_clusters,
    summary,
    unique,
)

PATIENCE_SECONDS: Final = 20.0
"""How long a call over MCP waits for an index before it answers ``status: indexing``: well below hosts' time limits."""

Ask = Callable[[ExploreClient, Any, Progress, float | None], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Question:
    """One question an assistant can ask: its name and words, its models, and the tool that answers it."""

    name: str
    title: str
    description: str
    query: type[BaseModel]
    answer: type[Answer]
    ask: Ask


QUESTIONS: Final = (
    Question(
        duplicates.NAME,
        duplicates.TITLE,
        duplicates.DESCRIPTION,
        DuplicatesQuery,
        DuplicatesAnswer,
        find_duplicates,
    ),
    Question(unique.NAME, unique.TITLE, unique.DESCRIPTION, UniqueQuery, UniqueAnswer, find_unique),
    Question(summary.NAME, summary.TITLE, summary.DESCRIPTION, SummaryQuery, SummaryAnswer, summarize_clusters),
)
"""In the order in which they are listed, which hosts may cache."""


async def ask(
    question: Question, query: Any, connections: Connections, progress: Progress, patience: float | None
) -> Answer:
    """Put ``query`` to the source that has its dataset, the preset one if it names none.

    Raises:
        LookalikeError: the question cannot be answered; the text says why and what to do.
    """
    if query.dataset is None and connections.default_dataset is not None:
        query = query.model_copy(update={"dataset": connections.default_dataset})
    return await ask_namespace(question.ask, await connections.namespace(), query, progress, patience)
