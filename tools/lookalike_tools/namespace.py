"""One namespace for the datasets of several sources."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lookalike_tools.datasets import Listed, choices, the_one, the_only, unlisted_dataset
from lookalike_tools.errors import AmbiguousDataset, LookalikeError, NotFound, UnknownDataset, Unreachable
from lookalike_tools.explore.client import ExploreClient
from lookalike_tools.explore.expiring import Expiring
from lookalike_tools.explore.models import Dataset
from lookalike_tools.together import together
from lookalike_tools.untrusted import quoted

_GRACE_SECONDS = 5.0
"""How much longer other sources may take once the dataset was found: only for telling whether its name is ambiguous."""

_REMEMBERED_SECONDS = 60.0


class Outages:
    """Why sources could not be asked, for a minute, so that not every question waits for the same dead server."""

    def __init__(self) -> None:
        self._known = Expiring[LookalikeError]()

    def note(self, name: str, error: LookalikeError) -> None:
        """The source could not be asked just now."""
        self._known.put(name, error, _REMEMBERED_SECONDS)

    def over(self, name: str) -> None:
        """The source answers."""
        self._known.forget(name)

    def among(self, names: Iterable[str]) -> dict[str, str]:
        """Those of the sources `names` that could not be asked within the last minute, and why."""
        known = {name: error for name in names if (error := self._known.get(name)) is not None}
        return {name: f"{error.what}, less than a minute ago. {error.todo}" for name, error in known.items()}


@dataclass(frozen=True)
class Namespace:
    """The clients of all sources by the source's name; `unasked` says why others have none.

    `away` says of a source that has a client why parts of it, such as folders on a drive, cannot be asked.
    """

    clients: Mapping[str, ExploreClient]
    unasked: Mapping[str, str] = field(default_factory=dict[str, str])
    away: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    outages: Outages = field(default_factory=Outages)

    def client_for(self, wanted: str | None) -> ExploreClient | None:
        """The client to ask about `wanted` without looking at any list: there is no other, and no source is named."""
        if len(self.clients) != 1 or self.unasked or self.away or self.source_in(wanted) is not None:
            return None
        (explore,) = self.clients.values()
        return explore

    def source_in(self, wanted: str | None) -> str | None:
        """The source that `wanted` begins with, where it is spelled SOURCE/NAME."""
        source, slash, _ = (wanted or "").partition("/")
        return source if slash and (source in self.clients or source in self.unasked) else None


@dataclass(frozen=True)
class Found:
    """A dataset by its source and its id, and what else the answer must say."""

    source: str
    dataset_id: str
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class _Survey:
    """The datasets of the sources that could be asked, and why the others could not."""

    listed: list[Listed]
    unasked: Mapping[str, str]
    away: Mapping[str, Sequence[str]]
    is_empty: bool
    """Whether no source at all could be asked."""

    def find(self, wanted: str | None) -> Listed | None:
        """What is meant, if it is here. Raises `AmbiguousDataset`."""
        if wanted is None and not self.listed:
            return None
        try:
            return the_only(self.listed) if wanted is None else the_one(self.listed, wanted)
        except AmbiguousDataset as error:
            raise AmbiguousDataset(error.what, error.todo + self.not_asked) from None

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """What could not be asked, each with the reason."""
        parts = [(name, why) for name, reasons in self.away.items() for why in reasons]
        return [
            *((f"source {quoted(name)}", why) for name, why in self.unasked.items()),
            *((f"a part of source {quoted(name)}", why) for name, why in parts),
        ]

    @property
    def not_asked(self) -> str:
        """The same as the end of an advice."""
        reasons = ", ".join(f"{what} ({why})" for what, why in self.reasons)
        return f". Could not be asked: {reasons}" if reasons else ""


async def find_dataset(namespace: Namespace, wanted: str | None) -> Found:
    """The dataset that `wanted` means among those of all sources; the only one where `wanted` is `None`.

    Where it is spelled SOURCE/NAME, that source alone is asked unless it has none of that name. A source that cannot be
    asked is named in the notes. Raises `UnknownDataset`, `AmbiguousDataset`, and `Unreachable` where no source could be
    asked, or not the one that is named.
    """
    source = namespace.source_in(wanted)
    if wanted is not None and source is not None and (qualified := await _in_source(namespace, source, wanted)):
        return qualified
    known = namespace.outages.among(namespace.clients)
    survey = await _survey(namespace, wanted, known, fresh=False)
    found = survey.find(wanted)
    if found is None:
        # What has failed just now is not asked again, what failed before this question is.
        failed = {name: why for name, why in survey.unasked.items() if name not in known}
        survey = await _survey(namespace, wanted, failed, fresh=True)
        found = survey.find(wanted)
    if found is not None:
        return _found(survey, found)
    unlisted, survey = await _unlisted(namespace, survey, wanted)
    if unlisted:
        return _found(survey, unlisted[0])
    raise _unknown(wanted, survey)


async def with_all_choices(error: NotFound, namespace: Namespace, wanted: str | None) -> NotFound:
    """`error`, about the dataset `wanted`, with those that there are besides; as it is where none can be listed."""
    survey = await _survey(namespace, None, namespace.outages.among(namespace.clients), fresh=True)
    if not survey.listed:
        return error
    try:
        refused = survey.find(wanted)
    except AmbiguousDataset:
        refused = None
    if refused is None:
        return NotFound(error.what, choices(survey.listed) + survey.not_asked)
    others = [each for each in survey.listed if each != refused]
    besides = choices(others) if others else "There is no other dataset"
    todo = f"It is listed, but not readable with this credential: check the key's access. {besides}"
    return NotFound(error.what, todo + survey.not_asked)


async def _in_source(namespace: Namespace, source: str, wanted: str) -> Found | None:
    """The dataset that SOURCE/NAME means, `None` where the source has no such."""
    if source not in namespace.clients:
        raise _not_asked(source, namespace.unasked[source])
    explore = namespace.clients[source]
    try:
        for fresh in (False, True):
            listed = [Listed(dataset, source) for dataset in await explore.datasets(fresh=fresh)]
            found = the_one(listed, wanted)
            if found is not None:
                return Found(source, found.dataset.id)
    except AmbiguousDataset:
        raise
    except LookalikeError as error:
        namespace.outages.note(source, error)
        raise _not_asked(source, str(error)) from None
    unlisted = await unlisted_dataset(explore, wanted.removeprefix(f"{source}/"))
    return None if unlisted is None else Found(source, unlisted.id)


def _not_asked(source: str, why: str) -> Unreachable:
    return Unreachable(f"Source {quoted(source)} could not be asked", why)


def _found(survey: _Survey, found: Listed) -> Found:
    notes = [f"{what[0].upper()}{what[1:]} could not be asked: {why}" for what, why in survey.reasons]
    return Found(found.source or "", found.dataset.id, notes)


async def _survey(namespace: Namespace, wanted: str | None, skipped: Mapping[str, str], *, fresh: bool) -> _Survey:
    """Ask all sources side by side; one that is slow is not waited for once another has the dataset.

    Those `skipped`, for the reasons given, are not asked. Lists that are kept will do unless `fresh`.
    """
    listed: dict[str, list[Dataset]] = {}
    tasks = {
        asyncio.create_task(explore.datasets(fresh=fresh)): name
        for name, explore in namespace.clients.items()
        if name not in skipped
    }
    waiting = set(tasks)
    failed: dict[str, LookalikeError] = {}
    try:
        while waiting:
            is_found = wanted is not None and the_one(_in_order(namespace, listed), wanted) is not None
            grace = _GRACE_SECONDS if is_found else None
            done, waiting = await asyncio.wait(waiting, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                late = Unreachable("it did not answer in time", "Name datasets as SOURCE/NAME to ask one source alone")
                failed |= {tasks[task]: late for task in waiting}
                break
            for task in done:
                try:
                    listed[tasks[task]] = task.result()
                    namespace.outages.over(tasks[task])
                except LookalikeError as error:
                    failed[tasks[task]] = error
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for name, trouble in failed.items():
        namespace.outages.note(name, trouble)
    now = {name: str(failed[name]) for name in namespace.clients if name in failed}
    unasked = {**namespace.unasked, **skipped, **now}
    return _Survey(_in_order(namespace, listed), unasked, namespace.away, is_empty=not listed)


def _in_order(namespace: Namespace, listed: Mapping[str, list[Dataset]]) -> list[Listed]:
    return [Listed(dataset, name) for name in namespace.clients for dataset in listed.get(name, ())]


async def _unlisted(namespace: Namespace, survey: _Survey, wanted: str | None) -> tuple[list[Listed], _Survey]:
    """What servers know by the id `wanted`, though they do not list it; those that will not say join the unasked."""
    if wanted is None:
        return [], survey

    async def known(explore: ExploreClient) -> Dataset | LookalikeError | None:
        try:
            return await unlisted_dataset(explore, wanted)
        except LookalikeError as error:
            return error

    names = [name for name in namespace.clients if name not in survey.unasked]
    answers = dict(zip(names, await together(known(namespace.clients[name]) for name in names), strict=True))
    refused = {name: str(answer) for name, answer in answers.items() if isinstance(answer, LookalikeError)}
    found = [Listed(answer, name) for name, answer in answers.items() if isinstance(answer, Dataset)]
    return found, replace(survey, unasked={**survey.unasked, **refused})


def _unknown(wanted: str | None, survey: _Survey) -> LookalikeError:
    what = "There is no dataset" if wanted is None else f"There is no dataset {quoted(wanted)}"
    if not survey.reasons or survey.listed:
        return UnknownDataset(what, choices(survey.listed) + survey.not_asked)
    reasons = ", ".join(f"{what} ({why})" for what, why in survey.reasons)
    asked = "No source could be asked" if survey.is_empty else f"{what} in the sources that could be asked"
    return Unreachable(asked, f"Mend what could not be asked: {reasons}")
