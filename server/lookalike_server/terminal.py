"""The tools, asked from a terminal: the same answers, with a progress bar instead of notifications."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from lookalike_engine import Engine
from lookalike_server.arguments import parse_arguments
from lookalike_server.connections import Connections
from lookalike_server.image_arguments import as_argument, unusable
from lookalike_server.questions import QUESTIONS, ask
from lookalike_tools import (
    Answer,
    Dataset,
    DuplicatesQuery,
    ExploreClient,
    LookalikeError,
    UntrustedPath,
    UntrustedText,
    UnusableImage,
    named,
    refuse_outdated,
    wait_until_ready,
)


class Bar:
    """A progress bar on stderr that follows the stages of the work; silent where stderr is no terminal."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._stage = ""

    async def __call__(self, done: float, total: float | None, message: str) -> None:
        """Show ``done`` of ``total`` (None while unknown); a new ``message`` starts a new bar."""
        if self._bar is None or message != self._stage:
            self.close()
            # disable=None: tqdm shows nothing where stderr is no terminal.
            self._bar, self._stage = tqdm(desc=message, disable=None, leave=False), message
        self._bar.total = total
        self._bar.n = done
        self._bar.refresh()

    def close(self) -> None:
        """Clear the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


async def ask_once(connections: Connections, tool: str, arguments: Mapping[str, Any]) -> Answer:
    """Put one question and wait for its answer, however long indexing takes.

    Raises:
        LookalikeError: the question cannot be answered.
        ArgumentsError: an argument does not fit.
    """
    question = next(each for each in QUESTIONS if each.name == tool)
    query = parse_arguments(question.query, arguments, tool)
    async with connections:
        with Bar() as bar:
            return await ask(question, query, connections, bar, patience=None)


@dataclass(frozen=True)
class Unasked:
    """An image that could not be compared, and why."""

    why: str


async def check_each(
    connections: Connections,
    images: Sequence[str],
    arguments: Mapping[str, Any],
    tell: Callable[[Answer | Unasked], None],
) -> None:
    """Ask about each of ``images`` in turn, and ``tell`` what came of it; one that cannot be read stops no other.

    Raises:
        LookalikeError: the question cannot be answered about any image.
        ArgumentsError: an argument does not fit.
    """
    question = next(each for each in QUESTIONS if each.query is DuplicatesQuery)
    queries = {
        image: parse_arguments(question.query, {**arguments, "image": as_argument(image)}, "check-image")
        for image in images
    }
    async with connections:
        for image in images:
            problem = unusable(image)
            try:
                if problem is not None:
                    tell(Unasked(problem))
                    continue
                with Bar() as bar:
                    answer = await ask(question, queries[image], connections, bar, patience=None)
                tell(answer)
            except UnusableImage as error:
                tell(Unasked(str(error)))


async def index_all(engine: Engine, say: Callable[[str], None], *, outdated_too: bool = False) -> list[Dataset]:
    """Index every dataset of ``engine``, and ``say`` of each what was found, as soon as it is done.

    With ``outdated_too`` a dataset that could be indexed earlier and cannot now is said to be so.

    Raises:
        LookalikeError: a dataset that cannot be indexed; those after it are not.
    """
    done: list[Dataset] = []
    async with ExploreClient.for_app(engine.app) as client:
        for listed in await client.datasets():
            dataset = await client.dataset(listed.id)  # which has its folders looked at; a list does not
            with Bar() as bar:
                done.append(await wait_until_ready(client, dataset, bar, patience=None))
            try:
                refuse_outdated(client, done[-1])
            except LookalikeError as error:
                if not outdated_too:
                    raise
                say(f"{error}. It answers from the index that it has")
            for line in _found(done[-1]):
                say(line)
    return done


def _found(dataset: Dataset) -> list[str]:
    """What was found in one line, then one line for each file skipped, as far as the engine names them."""
    total = f"{UntrustedText(dataset.display_name or dataset.id)}: {dataset.n_images:,} images"
    if not dataset.n_skipped:
        return [total]
    reasons = ", ".join(f"{count:,} {UntrustedText(reason)}" for reason, count in dataset.skipped_reasons.items())
    lines = [f"{total}; skipped {dataset.n_skipped:,} ({reasons})"]
    lines += [
        f"  skipped {named(UntrustedPath(file.file_path))}: {UntrustedText(file.reason)}" for file in dataset.skipped
    ]
    unnamed = dataset.n_skipped - len(dataset.skipped)
    return [*lines, f"  and {unnamed:,} more"] if unnamed > 0 else lines
