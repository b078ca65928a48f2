"""From what the caller calls a dataset to the dataset, in one source or in several."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from lookalike_tools.errors import AmbiguousDataset, NotFound, UnknownDataset
from lookalike_tools.explore.client import ExploreClient
from lookalike_tools.explore.models import Dataset
from lookalike_tools.untrusted import UntrustedText, quoted

_MOST_CANDIDATES = 10
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


@dataclass(frozen=True)
class Listed:
    """A dataset in the list of a source; `source` is `None` where there is one source only."""

    dataset: Dataset
    source: str | None = None

    @property
    def spellings(self) -> set[str]:
        """SOURCE/NAME and SOURCE/ID; nothing where there is one source only."""
        if self.source is None:
            return set()
        full = {f"{self.source}/{name}" for name in (self.dataset.id, self.dataset.display_name) if name}
        # Also as answers show it, with escapes for what cannot be seen.
        return full | {UntrustedText(name) for name in full}


async def resolve_dataset(explore: ExploreClient, wanted: str | None) -> Dataset:
    """The dataset with this name, id or served folder; the only one where `wanted` is `None`.

    Raises `UnknownDataset` or `AmbiguousDataset`, each listing what there is.
    """
    for fresh in (False, True):
        listed = [Listed(dataset) for dataset in await explore.datasets(fresh=fresh)]
        if wanted is None and (listed or fresh):
            return await explore.dataset(the_only(listed).dataset.id)
        found = None if wanted is None else the_one(listed, wanted)
        if found is not None:
            return await explore.dataset(found.dataset.id)
    assert wanted is not None  # noqa: S101  (the only one is found, or an error raised, above)
    unlisted = await unlisted_dataset(explore, wanted)
    if unlisted is None:
        raise UnknownDataset(f"There is no dataset {quoted(wanted)}", choices(listed))
    return unlisted


async def unlisted_dataset(explore: ExploreClient, wanted: str) -> Dataset | None:
    """The dataset of this id, which a server may know though it does not list it; a name is not asked for."""
    if explore.is_local or not _UUID.fullmatch(wanted):
        return None
    try:
        return await explore.dataset(wanted)
    except NotFound:
        return None


def the_one(listed: Sequence[Listed], wanted: str) -> Listed | None:
    """The dataset that `wanted` means, if there is one. Raises `AmbiguousDataset`."""
    ways = (_is_id, _is_name, _is_folder, _is_name_but_for_case, _is_spelled_with_source, _is_so_spelled_but_for_case)
    for fits in ways:
        found = [each for each in listed if fits(each, wanted)]
        if len(found) > 1:
            how = "Name one by its id: " if found[0].source is None else "Name one of: "
            raise AmbiguousDataset(
                f"{len(found)} datasets are called {quoted(wanted)}", how + _enumerated(_apart(found))
            )
        if found:
            return found[0]
    return None


def the_only(listed: Sequence[Listed]) -> Listed:
    """The dataset that need not be named. Raises `UnknownDataset` or `AmbiguousDataset`."""
    if not listed:
        raise UnknownDataset("There is no dataset", "Serve a folder, or check the key's access to the server")
    if len(listed) > 1:
        raise AmbiguousDataset(f"There are {len(listed)} datasets, and none was named", choices(listed))
    return listed[0]


def choices(listed: Sequence[Listed]) -> str:
    """The advice to choose one of the datasets that there are."""
    if not listed:
        return "There are none: serve a folder, or check the key's access to the server"
    return "Choose one of: " + _enumerated(_names(listed))


def _names(listed: Sequence[Listed]) -> list[str]:
    """Each by its name, or with its source where others have that name too."""
    shown = [each.dataset.display_name or each.dataset.id for each in listed]
    return [
        quoted(name) if shown.count(name) == 1 or each.source is None else _apart([each])[0]
        for each, name in zip(listed, shown, strict=True)
    ]


def _apart(found: Sequence[Listed]) -> list[str]:
    """Datasets of one name, told apart by their sources, else by their ids."""
    sources = [each.source for each in found]
    return [
        f"{quoted(each.dataset.display_name or '')} {each.dataset.id}"
        if each.source is None
        else quoted(f"{each.source}/{each.dataset.id}")
        if sources.count(each.source) > 1 or not each.dataset.display_name
        else quoted(f"{each.source}/{each.dataset.display_name}")
        for each in found
    ]


def _enumerated(names: Sequence[str]) -> str:
    more = len(names) - _MOST_CANDIDATES
    return ", ".join(names[:_MOST_CANDIDATES]) + (f" and {more} more" if more > 0 else "")


def _is_id(listed: Listed, wanted: str) -> bool:
    return listed.dataset.id == wanted


def _is_name(listed: Listed, wanted: str) -> bool:
    # Also by the name as answers show it, with escapes for what cannot be seen.
    name = listed.dataset.display_name
    return name is not None and wanted in {name, UntrustedText(name)}


def _is_folder(listed: Listed, wanted: str) -> bool:
    # Spelling alone: nothing on disk is looked at.
    root = listed.dataset.root_path
    return root is not None and _spelled_out(wanted) == _spelled_out(root)


def _spelled_out(path: str) -> str:
    # os.path, because pathlib raises where nobody has the home directory that "~name" asks for.
    return os.path.normcase(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH100, PTH111  (see above)


def _is_name_but_for_case(listed: Listed, wanted: str) -> bool:
    name = listed.dataset.display_name
    return name is not None and name.casefold() == wanted.casefold()


def _is_spelled_with_source(listed: Listed, wanted: str) -> bool:
    return wanted in listed.spellings


def _is_so_spelled_but_for_case(listed: Listed, wanted: str) -> bool:
    return wanted.casefold() in {spelling.casefold() for spelling in listed.spellings}
