"""The first steps of every tool: find the dataset, wait for it, and say in which state it is."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypedDict

from lookalike_tools.caveats import local_notes
from lookalike_tools.cursor import Place, digest
from lookalike_tools.datasets import resolve_dataset
from lookalike_tools.errors import WrongArgument
from lookalike_tools.explore.client import ExploreClient, about
from lookalike_tools.explore.honouring import Honoured
from lookalike_tools.explore.models import Dataset, state_of
from lookalike_tools.outdated import outdated_notes
from lookalike_tools.progress import Progress
from lookalike_tools.readiness import is_indexing, wait_until_ready
from lookalike_tools.results.answer import Status
from lookalike_tools.similarity import spelled
from lookalike_tools.untrusted import UntrustedText

_PERCENT = 100

_BESIDE: ContextVar[Sequence[str]] = ContextVar("beside", default=())


@contextmanager
def noting(notes: Sequence[str]) -> Generator[None]:
    """Every answer made inside says `notes` too, which count towards its budget: they are about the whole question."""
    token = _BESIDE.set(notes)
    try:
        yield
    finally:
        _BESIDE.reset(token)


class Head(TypedDict):
    """The fields that every answer begins with."""

    status: Status
    dataset: UntrustedText
    source: UntrustedText
    complete: bool
    notes: list[UntrustedText]
    done: int | None
    total: int | None


@dataclass(frozen=True)
class Opened:
    """A dataset that was found, and waited for."""

    explore: ExploreClient
    dataset: Dataset

    @property
    def is_indexing(self) -> bool:
        """Whether there is nothing to ask yet."""
        return is_indexing(self.explore, self.dataset)

    def head(self, *, complete: bool = False, notes: Sequence[str] = ()) -> Head:
        """The head of an answer, with what there is to say about the dataset before `notes`."""
        done, total = self._progress
        return Head(
            status=self._status,
            dataset=UntrustedText(self.dataset.display_name or self.dataset.id),
            source=self.explore.source,
            complete=complete and self._status == "ready",
            notes=[UntrustedText(note) for note in (*self._notes(), *notes, *_BESIDE.get())],
            done=done,
            total=total,
        )

    def place(self, found: Honoured, *question: object) -> Place:
        """What a cursor of this answer is bound to."""
        dataset, metadata = self.dataset, found.metadata
        page = found.listing.first.metadata
        revision = (None if page is None else page.revision) or dataset.revision
        # Without a revision, whatever would show a change: it may miss one, and never invents one.
        count = None if metadata is None else metadata.cluster_count
        state = [revision] if revision else [dataset.n_images, dataset.n_objects, state_of(dataset), count]
        return Place(digest(dataset.id), digest(*question), digest(*state))

    def refuse_below_floor(self, similarity: float) -> None:
        """Raises `WrongArgument` where the index does not go down to `similarity`."""
        floor = self.dataset.similarity_floor
        if floor is None or similarity >= floor:
            return
        known = f"The index of {about(self.dataset)} knows pairs at similarity {spelled(floor)} and above only"
        if self.dataset.search is not None and self.dataset.search.floor_raised:
            raise WrongArgument(
                f"{known}: too many images are nearly identical to each other to keep all pairs below",
                f"Ask for {spelled(floor)} or more; to go lower, serve the folder's subfolders one by one, or take out "
                "runs of nearly identical images first",
            )
        raise WrongArgument(known, f"Ask for {spelled(floor)} or more")

    @property
    def _status(self) -> Status:
        if self.is_indexing:
            return "indexing"
        return "partial" if state_of(self.dataset) == "PARTIAL INDEX" else "ready"

    @property
    def _percent(self) -> float | None:
        """A server's progress, where it is a percentage; the engine counts files and comparisons instead."""
        progress = self.dataset.progress
        is_percent = self.dataset.indexing is None and progress is not None and 0 <= progress <= _PERCENT
        return progress if is_percent else None

    @property
    def _progress(self) -> tuple[int | None, int | None]:
        if not self.is_indexing:
            return None, None
        if self.dataset.indexing is not None:
            return self.dataset.indexing.done, self.dataset.indexing.total
        return (None, None) if self._percent is None else (int(self._percent), _PERCENT)

    def _notes(self) -> list[str]:
        notes: list[str] = []
        match state_of(self.dataset):
            case "PARTIAL INDEX":
                notes.append("Only a part of the dataset is indexed; the rest is not counted")
            case "READ ONLY":
                notes.append("The dataset is read-only")
            case "UNKNOWN":
                notes.append("The server does not say whether the dataset is ready; taken as ready")
            case _:
                pass
        counts_files = self.dataset.indexing is not None
        if self.is_indexing and not counts_files and self._percent is not None:
            notes.append("The server gives its progress in percent")
        elif self.is_indexing and not counts_files and self.dataset.progress is not None:
            notes.append(f"The server gives its progress as {self.dataset.progress:g}")
        if self.is_indexing and self.dataset.indexing is not None and self.dataset.indexing.stage == "waiting":
            notes.append("Another process is indexing the same folders; this one waits for it")
        if self.is_indexing and self.dataset.indexing is not None and self.dataset.indexing.stage == "queued":
            notes.append("Another dataset is indexed first")
        if self.is_indexing:
            return notes
        return [*notes, *outdated_notes(self.dataset), *local_notes(self.dataset)]


async def open_dataset(
    explore: ExploreClient, wanted: str | None, progress: Progress, patience: float | None
) -> Opened:
    """Find the dataset and wait for it, at most `patience` seconds (`None`: for ever)."""
    dataset = await resolve_dataset(explore, wanted)
    return Opened(explore, await wait_until_ready(explore, dataset, progress, patience))
