"""From what the caller calls a dataset to the dataset."""

import os

from lookalike_tools.errors import AmbiguousDataset, NotFound, UnknownDataset, WrongArgument
from lookalike_tools.explore.client import ExploreClient
from lookalike_tools.explore.models import Dataset
from lookalike_tools.untrusted import UntrustedText, quoted

_MOST_CANDIDATES = 10


async def resolve_dataset(explore: ExploreClient, wanted: str | None) -> Dataset:
    """The dataset with this name, id or served folder; the only one where `wanted` is `None`.

    Raises `UnknownDataset` or `AmbiguousDataset`, each listing what there is.
    """
    datasets = await explore.datasets()
    if wanted is None:
        return await explore.dataset(_only(datasets).id)
    for fits in (_is_id, _is_name, _is_folder, _is_name_but_for_case):
        found = [dataset for dataset in datasets if fits(dataset, wanted)]
        if len(found) > 1:
            raise AmbiguousDataset(
                f"{len(found)} datasets are called {quoted(wanted)}",
                "Name one by its id: " + _listed([f"{quoted(it.display_name or '')} {it.id}" for it in found]),
            )
        if found:
            return await explore.dataset(found[0].id)
    return await _unlisted(explore, wanted, datasets)


async def _unlisted(explore: ExploreClient, wanted: str, datasets: list[Dataset]) -> Dataset:
    """A server may know an id that it does not list."""
    unknown = UnknownDataset(f"There is no dataset {quoted(wanted)}", _choices(datasets))
    if explore.is_local:
        raise unknown
    try:
        return await explore.dataset(wanted)
    except (NotFound, WrongArgument):
        raise unknown from None


def _only(datasets: list[Dataset]) -> Dataset:
    if not datasets:
        raise UnknownDataset("There is no dataset", "Serve a folder, or check the key's access to the server")
    if len(datasets) > 1:
        raise AmbiguousDataset(f"There are {len(datasets)} datasets, and none was named", _choices(datasets))
    return datasets[0]


def _choices(datasets: list[Dataset]) -> str:
    if not datasets:
        return "There are none: serve a folder, or check the key's access to the server"
    return "Choose one of: " + _listed([quoted(dataset.display_name or dataset.id) for dataset in datasets])


def _listed(names: list[str]) -> str:
    more = len(names) - _MOST_CANDIDATES
    return ", ".join(names[:_MOST_CANDIDATES]) + (f" and {more} more" if more > 0 else "")


def _is_id(dataset: Dataset, wanted: str) -> bool:
    return dataset.id == wanted


def _is_name(dataset: Dataset, wanted: str) -> bool:
    # Also by the name as answers show it, with escapes for what cannot be seen.
    return dataset.display_name is not None and wanted in {dataset.display_name, UntrustedText(dataset.display_name)}


def _is_folder(dataset: Dataset, wanted: str) -> bool:
    # Spelling alone: nothing on disk is looked at.
    root = dataset.root_path
    return root is not None and _spelled_out(wanted) == _spelled_out(root)


def _spelled_out(path: str) -> str:
    # os.path, because pathlib raises where nobody has the home directory that "~name" asks for.
    return os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111  (see above)


def _is_name_but_for_case(dataset: Dataset, wanted: str) -> bool:
    return dataset.display_name is not None and dataset.display_name.casefold() == wanted.casefold()
