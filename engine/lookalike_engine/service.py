"""What the Explore API answers, apart from HTTP: datasets, pages, counts and thumbnails as plain data."""

import uuid
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio
import anyio.to_thread

from lookalike_engine.catalogue import Catalogue
from lookalike_engine.counts import counts
from lookalike_engine.dataset import EngineSettings
from lookalike_engine.errors import EngineError, SkippedError, SnapshotError
from lookalike_engine.library import DatasetState, Library, Status
from lookalike_engine.pages import page_of_clusters, page_of_members
from lookalike_engine.parts import fingerprints_of
from lookalike_engine.signals import load_signals
from lookalike_engine.similar_images import similar_images
from lookalike_engine.states import dataset_json
from lookalike_engine.thumbnails import thumbnail
from lookalike_engine.vql import AnchorQuestion, Filters, ParameterError, Question

if TYPE_CHECKING:
    from lookalike_engine.snapshot import Snapshot

_Answer = TypeVar("_Answer")

A_MOMENT: Final = 0.1
"""Seconds that the answer about a dataset itself waits for a walk that finds nothing new."""

_REVISIONS_HELD: Final = 2
"""Those that a question of several calls may be about: the present one, and one that was replaced half-way."""


class NotFoundError(Exception):
    """There is no such dataset or image."""


class NotReadyError(Exception):
    """The dataset cannot be asked yet, or at all; the message says which."""


class ExploreService:
    """Answers questions from a library of datasets. Whatever takes time happens in worker threads.

    A question waits `patience` seconds for a folder that is being indexed for the first time. One that has an index is
    answered from that as soon as the run which brings it up to date is `refresh_patience` seconds old.
    """

    def __init__(self, library: Library, settings: EngineSettings, *, patience: float, refresh_patience: float) -> None:
        self._library = library
        self._patience = patience
        self._refresh_patience = refresh_patience
        self._settings = settings
        self._catalogues: dict[str, list[Catalogue]] = {}

    async def datasets(self) -> list[dict[str, Any]]:
        """Return every dataset as it stands; asks no folder to be looked at."""
        return [await self._described(dataset_id) for dataset_id in self._library.ids()]

    async def dataset(self, dataset_id: str) -> dict[str, Any]:
        """Return one dataset, after having it looked at if that is due; waits for no first index."""
        known = self._known(dataset_id)
        state = await self._refreshed(known, A_MOMENT)
        if state.snapshot is not None:
            self._held(known, state.snapshot)  # what follows may ask for this revision
        return dataset_json(state)

    async def page(self, dataset_id: str, question: Question) -> dict[str, Any]:
        """Return one page of clusters."""

        def clusters(catalogue: Catalogue) -> list[dict[str, Any]]:
            if question.level:
                return []
            return page_of_clusters(catalogue, catalogue.clusters(question.filters), question.page_number)

        catalogue, found = await self._answered(dataset_id, question, clusters)
        return {"clusters": found, "metadata": self._metadata(catalogue, question.filters)}

    async def cluster(self, dataset_id: str, cluster_id: str, question: Question) -> dict[str, Any] | None:
        """Return one cluster with one page of its members; None for one that the question does not select."""

        def members(catalogue: Catalogue) -> dict[str, Any] | None:
            if question.level:
                return None
            clusters = catalogue.clusters(question.filters)
            return page_of_members(catalogue, clusters, cluster_id.lower(), question.page_number)

        _, found = await self._answered(dataset_id, question, members)
        return found

    async def counts(self, dataset_id: str, question: Question) -> dict[str, Any]:
        """Return how much there is of what the question selects."""
        count = partial(counts, filters=question.filters, group_by_folder=question.group_by_folder)
        catalogue, answer = await self._answered(dataset_id, question, count)
        if question.level:
            answer["cluster_count"] = 0
        return answer | {"metadata": self._metadata(catalogue, question.filters)}

    async def similar_images(self, dataset_id: str, question: AnchorQuestion) -> dict[str, Any]:
        """Return which images are alike to one picture, most alike first."""
        folders = self._library.folders(self._known(dataset_id))

        def find(catalogue: Catalogue) -> dict[str, Any]:
            try:
                signals = load_signals(self._settings.signals)
            except EngineError as error:
                raise NotReadyError(_why_not(Status.ERROR, str(error))) from None
            if catalogue.snapshot.fingerprints != fingerprints_of(signals):
                raise NotReadyError(_why_not(Status.INDEXING, None))
            return similar_images(catalogue, question, folders, self._settings)

        catalogue, answer = await self._answered(dataset_id, question, find)
        return answer | {"metadata": self._metadata(catalogue, question.filters)}

    async def thumbnail(self, dataset_id: str, media_id: str) -> bytes:
        """Return a WebP of one image of the dataset as it was last indexed."""
        known, wanted = self._known(dataset_id), _uuid(media_id, "image")

        def draw(snapshot: "Snapshot") -> bytes:
            image = snapshot.image_index(wanted)
            if image is None:
                raise NotFoundError("there is no such image in this dataset")
            try:
                return thumbnail(snapshot.rows([image])[0], self._settings)
            except SkippedError as error:
                raise NotFoundError(f"this image can no longer be shown: {error.reason}") from None

        state = await anyio.to_thread.run_sync(self._library.dataset, known)
        try:
            return await anyio.to_thread.run_sync(draw, _indexed(state))
        except SnapshotError:
            await anyio.to_thread.run_sync(self._library.lost, known, _indexed(state))
        state = await self._refreshed(known, self._patience)
        return await anyio.to_thread.run_sync(draw, _indexed(state))

    def _known(self, dataset_id: str) -> str:
        known = _uuid(dataset_id, "dataset")
        if known not in self._library.ids():
            raise NotFoundError("there is no such dataset")
        return known

    async def _described(self, dataset_id: str) -> dict[str, Any]:
        return dataset_json(await anyio.to_thread.run_sync(self._library.dataset, dataset_id))

    async def _refreshed(self, dataset_id: str, patience: float) -> DatasetState:
        """Have the folder looked at if that is due; return where the dataset stands then, or when patience ends."""
        await anyio.to_thread.run_sync(self._library.refresh, dataset_id)
        return await self._library.ready(dataset_id, patience, self._refresh_patience)

    async def _answered(
        self, dataset_id: str, question: Question | AnchorQuestion, answer: Callable[[Catalogue], _Answer]
    ) -> tuple[Catalogue, _Answer]:
        """Work out an answer in a thread; where the index has gone from under it, once more from the one after."""
        catalogue = await self._catalogue(dataset_id, question)
        try:
            return catalogue, await anyio.to_thread.run_sync(_from_what_is_there, catalogue, answer)
        except SnapshotError:
            kept = [each for each in self._catalogues[catalogue.dataset_id] if each is not catalogue]
            self._catalogues[catalogue.dataset_id] = kept
            await anyio.to_thread.run_sync(self._library.lost, catalogue.dataset_id, catalogue.snapshot)
        catalogue = await self._catalogue(dataset_id, question)
        return catalogue, await anyio.to_thread.run_sync(answer, catalogue)

    async def _catalogue(self, dataset_id: str, question: Question | AnchorQuestion) -> Catalogue:
        known, filters = self._known(dataset_id), question.filters
        for catalogue in self._catalogues.get(known, ()):
            if catalogue.snapshot.revision == question.revision:
                _refuse_below_floor(catalogue.snapshot, filters)
                return catalogue
        state = await self._refreshed(known, self._patience)
        if state.snapshot is None:
            raise NotReadyError(_why_not(state.status, state.error))
        if question.revision not in {None, state.snapshot.revision}:
            raise NotReadyError("this dataset has changed: the revision that was asked for is not the present one")
        _refuse_below_floor(state.snapshot, filters)
        return self._held(known, state.snapshot)

    def _held(self, dataset_id: str, snapshot: "Snapshot") -> Catalogue:
        """Return the catalogue of a snapshot, and keep it and the one before at hand."""
        catalogues = self._catalogues.setdefault(dataset_id, [])
        for catalogue in catalogues:
            if catalogue.snapshot is snapshot:
                return catalogue
        others = [catalogue for catalogue in catalogues if catalogue.snapshot.revision != snapshot.revision]
        catalogue = Catalogue(dataset_id, snapshot)
        self._catalogues[dataset_id] = [catalogue, *others[: _REVISIONS_HELD - 1]]
        return catalogue

    def _metadata(self, catalogue: Catalogue, filters: Filters) -> dict[str, Any]:
        snapshot, state = catalogue.snapshot, self._library.state(catalogue.dataset_id)
        metadata = {"used_duckdb": True, "applied_filters": filters.applied, "revision": snapshot.revision}
        if state.progress is None and state.error is None:
            return metadata
        return metadata | {
            "snapshot_created_at": snapshot.created_at,
            "is_refreshing": state.progress is not None,
            "refresh_error": state.error,
        }


def _from_what_is_there(catalogue: Catalogue, answer: Callable[[Catalogue], _Answer]) -> _Answer:
    if not catalogue.snapshot.is_there:
        raise SnapshotError("the files of the index have been replaced or removed")
    return answer(catalogue)


def _refuse_below_floor(snapshot: "Snapshot", filters: Filters) -> None:
    if filters.duplicates is not None and filters.duplicates < snapshot.floor:
        raise ParameterError(
            filters.duplicates_from,
            f"pairs below a similarity of {snapshot.floor} are not kept for this dataset",
            filters.duplicates,
        )


def _indexed(state: DatasetState) -> "Snapshot":
    if state.snapshot is None:
        raise NotReadyError("this dataset has not been indexed yet")
    return state.snapshot


def _why_not(status: Status, error: str | None) -> str:
    if status is Status.ERROR:
        return f"this dataset could not be indexed: {error or 'no reason was recorded'}"
    return "this dataset is still being indexed; ask again in a while"


def _uuid(text: str, what: str) -> str:
    """Bring an id to its canonical form; one that is no UUID names nothing."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise NotFoundError(f"{text[:40]!a} is not the id of any {what}: ids are UUIDs") from None
