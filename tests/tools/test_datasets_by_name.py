from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from lookalike_tools import (
    Dataset,
    DuplicatesQuery,
    ExploreClient,
    Namespace,
    ask_namespace,
    find_duplicates,
    resolve_dataset,
)
from lookalike_tools.errors import AmbiguousDataset, NotFound, UnknownDataset
from lookalike_tools.namespace import find_dataset
from tests.explore_servers import DATASET_ID, Heard, Server, engine, listening

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


async def test_an_id_that_the_server_does_not_list_is_found_all_the_same() -> None:
    server = Server(mend=lambda path, answer: [] if path.endswith("/datasets") else answer)
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            assert (await resolve_dataset(explore, DATASET_ID)).id == DATASET_ID


async def test_an_unlisted_id_may_be_named_with_its_source() -> None:
    server = Server(mend=lambda path, answer: [] if path.endswith("/datasets") else answer)
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as lab:
            found = await find_dataset(Namespace({"lab": lab, "other": lab}), f"lab/{DATASET_ID}")
    assert (found.source, found.dataset_id) == ("lab", DATASET_ID)


async def test_a_name_is_never_asked_for_as_if_it_were_an_id() -> None:
    server = Server()
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            with pytest.raises(UnknownDataset, match='no dataset "pest"'):
                await resolve_dataset(explore, "pest")
    assert {request.url.path for request in server.requests} == {"/api/v1/datasets"}


async def test_a_dataset_made_since_the_list_was_read_is_found() -> None:
    server = Server()
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            await resolve_dataset(explore, "pets")
            server.others.append(CARS)
            assert (await resolve_dataset(explore, "Cars")).id == "cars-1"


@pytest.mark.parametrize(
    ("wanted", "others", "todo"),
    [
        (
            "pets",
            [CARS],
            'It is listed, but not readable with this credential: check the key\'s access. Choose one of: "Cars"$',
        ),
        ("lab/pets", [CARS], 'not readable .* Choose one of: "Cars"$'),
        ("pets", [], "not readable .* There is no other dataset$"),
        (None, [], "not readable .* There is no other dataset$"),
    ],
)
async def test_a_dataset_that_is_listed_and_cannot_be_read_is_no_choice(
    wanted: str | None, others: list[dict[str, Any]], todo: str
) -> None:
    server = Server(others=others, guard=lambda it: Response("{}", 404) if "/explore/" in it.url.path else None)
    with pytest.raises(NotFound, match=todo):
        await asked(server, wanted)


async def test_a_dataset_that_is_gone_during_a_question_is_answered_with_those_there_are() -> None:
    def gone(request: Request) -> Response | None:
        if "/explore/" not in request.url.path:
            return None
        server.dataset = CARS
        return Response("{}", 404)

    server = Server(guard=gone)
    with pytest.raises(NotFound, match=r'hides it .*Choose one of: "Cars"$'):
        await asked(server, "pets")


async def asked(server: Server, wanted: str | None) -> None:
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            question = DuplicatesQuery(dataset=wanted)
            await ask_namespace(find_duplicates, Namespace({"lab": explore}), question, Heard(), 0)


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


async def test_a_server_that_refuses_an_unlisted_id_does_not_hide_it_from_the_others() -> None:
    def unlisted(path: str, answer: Any) -> Any:
        return [] if path.endswith("/datasets") else answer

    def forbidden(request: Request) -> Response | None:
        return Response("{}", 403) if request.url.path.endswith(DATASET_ID) else None

    with (
        listening(Server(mend=unlisted, guard=forbidden).app()) as refusing_url,
        listening(Server(mend=unlisted).app()) as knowing_url,
    ):
        async with ExploreClient.for_server(refusing_url) as lab, ExploreClient.for_server(knowing_url) as account:
            found = await find_dataset(Namespace({"lab": lab, "cloud": account}), DATASET_ID)
    assert (found.source, found.dataset_id) == ("cloud", DATASET_ID)
    assert [note for note in found.notes if 'Source "lab" could not be asked' in note and "(403)" in note]
