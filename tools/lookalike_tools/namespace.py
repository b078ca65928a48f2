"""One namespace for the datasets of several sources."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from lookalike_tools.datasets import Listed, choices, the_one, the_only, unlisted_dataset
from lookalike_tools.errors import LookalikeError, NotFound, UnknownDataset, Unreachable
from lookalike_tools.explore.client import ExploreClient
from lookalike_tools.explore.models import Dataset
from lookalike_tools.together import together
from lookalike_tools.untrusted import quoted

_GRACE_SECONDS = 5.0
"""How much longer other sources may take once the dataset was found: only for telling whether its name is ambiguous."""

_REMEMBERED_SECONDS = 60.0


class Outages:
    """Why sources could not be asked, for a minute, so that not every question waits for the same dead server."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, str]] = {}

    def note(self, name: str, why: str) -> None:
        """The source could not be asked just now."""
        self._known[name] = (asyncio.get_running_loop().time() + _REMEMBERED_SECONDS, why)

    def over(self, name: str) -> None:
        """The source answers."""
        self._known.pop(name, None)

    def current(self) -> dict[str, str]:
        """Those of the last minute."""
        now = asyncio.get_running_loop().time()
        return {name: f"{why}, less than a minute ago" for name, (ends, why) in self._known.items() if now < ends}


@dataclass(frozen=True)
class Namespace:
    """The clients of all sources by the source's name; `unasked` says why others have none."""

    clients: Mapping[str, ExploreClient]
    unasked: Mapping[str, str] = field(default_factory=dict[str, str])
    outages: Outages = field(default_factory=Outages)


@dataclass(frozen=True)
class Found:
    """A dataset, the client to ask about it, and what else the answer must say."""

    explore: ExploreClient
    dataset_id: str
    notes: list[str]


@dataclass(frozen=True)
class _Survey:
    """The datasets of the sources that could be asked, and why the others could not."""

    listed: list[Listed]
    unasked: Mapping[str, str]

    def find(self, wanted: str | None) -> Listed | None:
        return the_one(self.listed, wanted) if wanted is not None else the_only(self.listed)


async def find_dataset(namespace: Namespace, wanted: str | None) -> Found:
    """The dataset that `wanted` means among those of all sources; the only one where `wanted` is `None`.

    A source that cannot be asked is named in the notes. Raises `UnknownDataset`, `AmbiguousDataset`, and `Unreachable`
    where no source could be asked.
    """
    for fresh in (False, True):
        survey = await _survey(namespace, wanted, fresh=fresh)
        if not fresh and not (survey.listed if wanted is None else survey.find(wanted)):
            continue
        found = None if wanted is None and not survey.listed else survey.find(wanted)
        if found is not None:
            return _found(namespace, survey, found)
    for unlisted in await _unlisted(namespace, survey, wanted):
        return _found(namespace, survey, unlisted)
    raise _unknown(wanted, survey)


async def with_all_choices(error: NotFound, namespace: Namespace) -> NotFound:
    """`error`, about a dataset that is not there, with those that are; as it is where none can be listed."""
    survey = await _survey(namespace, None, fresh=True)
    return NotFound(error.what, choices(survey.listed) + _not_asked(survey)) if survey.listed else error


def _found(namespace: Namespace, survey: _Survey, found: Listed) -> Found:
    notes = [f"Source {quoted(name)} could not be asked: {why}" for name, why in survey.unasked.items()]
    return Found(namespace.clients[found.source or ""], found.dataset.id, notes)


async def _survey(namespace: Namespace, wanted: str | None, *, fresh: bool) -> _Survey:
    """Ask all sources side by side; one that is slow is not waited for once another has the dataset.

    One that could not be asked within the last minute is asked only if `fresh`.
    """
    unasked = {**namespace.unasked, **({} if fresh else namespace.outages.current())}
    listed: dict[str, list[Dataset]] = {}
    tasks = {
        asyncio.create_task(explore.datasets(fresh=fresh)): name
        for name, explore in namespace.clients.items()
        if name not in unasked
    }
    waiting = set(tasks)
    failed: dict[str, str] = {}
    try:
        while waiting:
            is_found = wanted is not None and the_one(_in_order(namespace, listed), wanted) is not None
            grace = _GRACE_SECONDS if is_found else None
            done, waiting = await asyncio.wait(waiting, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                failed |= {tasks[task]: "it did not answer in time" for task in waiting}
                break
            for task in done:
                try:
                    listed[tasks[task]] = task.result()
                    namespace.outages.over(tasks[task])
                except LookalikeError as error:
                    failed[tasks[task]] = error.what
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for name, why in failed.items():
        namespace.outages.note(name, why)
    return _Survey(_in_order(namespace, listed), unasked | failed)


def _in_order(namespace: Namespace, listed: Mapping[str, list[Dataset]]) -> list[Listed]:
    return [Listed(dataset, name) for name in namespace.clients for dataset in listed.get(name, ())]


async def _unlisted(namespace: Namespace, survey: _Survey, wanted: str | None) -> list[Listed]:
    """A server may know an id that it does not list."""
    if wanted is None:
        return []
    asked = [(name, explore) for name, explore in namespace.clients.items() if name not in survey.unasked]
    found = await together(unlisted_dataset(explore, wanted) for _, explore in asked)
    return [Listed(dataset, name) for (name, _), dataset in zip(asked, found, strict=True) if dataset is not None]


def _unknown(wanted: str | None, survey: _Survey) -> LookalikeError:
    what = "There is no dataset" if wanted is None else f"There is no dataset {quoted(wanted)}"
    if survey.unasked and not survey.listed:
        reasons = "; ".join(f"{quoted(name)}: {why}" for name, why in survey.unasked.items())
        return Unreachable(f"{what} in the sources that could be asked", f"Mend what could not be asked: {reasons}")
    return UnknownDataset(what, choices(survey.listed) + _not_asked(survey))


def _not_asked(survey: _Survey) -> str:
    reasons = [f"{quoted(name)} ({why})" for name, why in survey.unasked.items()]
    return f". Could not be asked: {', '.join(reasons)}" if reasons else ""
