from typing import Any

import pytest

from lookalike_tools import Dataset, DuplicatesQuery, ExploreClient, resolve_dataset
from lookalike_tools.errors import AmbiguousDataset, UnknownDataset
from tests.explore_servers import DATASET_ID, Server, engine

pytestmark = pytest.mark.anyio

CARS = {"id": "cars-1", "display_name": "Cars", "status_new": "READY", "n_images": 4}


async def resolve(server: Server, wanted: str | None) -> Dataset:
    async with ExploreClient.for_app(server.app()) as explore:
        return await resolve_dataset(explore, wanted)


@pytest.mark.parametrize("wanted", ["pets", DATASET_ID, "/photos", "/photos/", "/x/../photos", "PETS"])
async def test_a_dataset_is_found_by_name_id_or_folder(wanted: str) -> None:
    server = engine([])
    server.others = [CARS]
    assert (await resolve(server, wanted)).id == DATASET_ID


async def test_the_only_dataset_needs_no_name() -> None:
    assert (await resolve(engine([]), None)).id == DATASET_ID


async def test_without_a_name_several_datasets_are_listed() -> None:
    with pytest.raises(AmbiguousDataset, match='"pets", "Cars"'):
        await resolve(Server(others=[CARS]), None)


async def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(UnknownDataset, match=r'no dataset "dogs".*"pets", "Cars"'):
        await resolve(Server(others=[CARS]), "dogs")


async def test_an_ambiguous_name_lists_the_candidates_by_id() -> None:
    with pytest.raises(AmbiguousDataset, match=f"{DATASET_ID}.*cars-1"):
        await resolve(Server(others=[{**CARS, "display_name": "pets"}]), "pets")


async def test_an_exact_name_wins_over_one_that_differs_in_case() -> None:
    assert (await resolve(Server(others=[{**CARS, "display_name": "Pets"}]), "Pets")).id == "cars-1"


async def test_no_dataset_at_all_is_said() -> None:
    server = Server(mend=lambda path, answer: [] if path.endswith("/datasets") else answer)
    with pytest.raises(UnknownDataset, match="There is no dataset"):
        await resolve(server, None)


@pytest.mark.parametrize(
    "arguments", [{"similarity": 1.1}, {"similarity": "0.9"}, {"limit": 0}, {"limit": 101}, {"limit": True}, {"x": 1}]
)
async def test_wrong_arguments_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        DuplicatesQuery(**arguments)


async def test_null_means_left_out() -> None:
    assert DuplicatesQuery.model_validate(dict.fromkeys(DuplicatesQuery.model_fields)) == DuplicatesQuery()
