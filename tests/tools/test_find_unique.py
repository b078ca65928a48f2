from typing import Any

import pytest

from lookalike_tools import ExploreClient, UniqueAnswer, UniqueQuery, find_unique
from lookalike_tools.errors import CannotAnswer
from tests.explore_servers import (
    DATASET_ID,
    Heard,
    Server,
    cluster,
    copies,
    engine,
    engine_copies,
    image,
    listening,
    single,
)

pytestmark = pytest.mark.anyio


async def ask_here(server: Server, **arguments: Any) -> UniqueAnswer:
    async with ExploreClient.for_app(server.app()) as explore:
        return await find_unique(explore, UniqueQuery(**arguments), Heard(), 0)


async def ask_there(server: Server, **arguments: Any) -> UniqueAnswer:
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            return await find_unique(explore, UniqueQuery(**arguments), Heard(), 0)


def odd_one(name: str) -> dict[str, Any]:
    return single(
        name, file_path=f"x/{name}.jpg", uniqueness=0.999, nearest_file_path="x/near.jpg", nearest_similarity=0.456
    )


async def test_a_unique_image_comes_with_its_nearest_in_both_channels() -> None:
    answer = await ask_here(engine([engine_copies(["a.jpg", "b.jpg"])], [odd_one("o")]))
    assert answer.structured()["images"] == [
        {"path": "o.jpg", "uniqueness": 0.99, "nearest": "near.jpg", "nearest_similarity": 0.45}
    ]
    assert answer.text().splitlines()[-1] == "o.jpg  uniqueness 0.99  nearest near.jpg (0.45)"
    assert answer.totals is not None
    assert (answer.totals.images, answer.totals.at_or_above) == (3, 1)


@pytest.mark.parametrize("limit", [70, 100])
async def test_pages_show_every_unique_image_once(limit: int) -> None:
    for ask, server in (
        (ask_here, engine([], [odd_one(f"o{i}") for i in range(205)])),
        (ask_there, Server([copies("a")], [single(f"o{i}") for i in range(205)])),
    ):
        seen: list[str] = []
        cursor = None
        while True:
            answer = await ask(server, limit=limit, cursor=cursor)
            seen += [str(it.path) for it in answer.images or ()]
            cursor = answer.next_cursor
            if cursor is None:
                break
        assert seen == [f"o{i}.jpg" for i in range(205)]


async def test_a_server_that_ignores_the_filter_cannot_answer_and_is_not_asked_otherwise() -> None:
    server = Server([copies("a")], [single("s")], honours=frozenset({"duplicate_threshold"}))
    with pytest.raises(CannotAnswer, match="uniqueness"):
        await ask_there(server)
    assert not [it for it in server.requests if "duplicate_threshold" in it.query_params]


async def test_images_that_the_server_counts_but_does_not_show_are_said_to_be_missing() -> None:
    server = Server([copies("a")], [cluster([image(f"{i}.jpg") for i in range(9)], 30)])
    answer = await ask_there(server)
    assert answer.totals is not None
    assert answer.totals.at_or_above == 30
    assert answer.shown == 9
    assert any(note.startswith("21 more images are in the same clusters and cannot be listed") for note in answer.notes)


async def test_a_servers_uniqueness_is_said_to_be_its_own_measure_and_the_engines_is_not() -> None:
    there = await ask_there(Server([copies("a")], [odd_one("o")]))
    assert "Uniqueness is the server's own measure; images with copies may be among them" in there.notes
    here = await ask_here(engine([engine_copies(["a.jpg", "b.jpg"])], [odd_one("o")]))
    assert not any("own measure" in note for note in here.notes)


async def test_an_empty_answer_names_the_highest_uniqueness() -> None:
    answer = await ask_here(engine([engine_copies(["a.jpg", "b.jpg"])]), uniqueness=0.9)
    assert answer.notes[-1] == "No image at uniqueness 0.90; the highest is 0.77: uniqueness 0.77 would show it"


async def test_the_most_unique_images_of_all_pages_come_first() -> None:
    ranked = [single(f"o{i}", uniqueness=0.8 + i / 10_000) for i in range(1200)]
    answer = await ask_there(Server([copies("a")], ranked), limit=3)
    assert [str(it.path) for it in answer.images or ()] == ["o1199.jpg", "o1198.jpg", "o1197.jpg"]
    assert answer.complete


async def test_a_list_of_unique_images_that_moved_while_it_was_read_is_no_complete_answer() -> None:
    server = Server([copies("a")], [single(f"o{i}") for i in range(290)])

    def shorten(path: str, answer: Any) -> Any:
        if path.endswith(f"/explore/{DATASET_ID}") and server.requests[-1].query_params["page_number"] == "1":
            del server.singles[0]
            server.mend = lambda _path, answer: answer
        return answer

    server.mend = shorten
    answer = await ask_there(server)
    assert not answer.complete
    assert any("changed while it was read" in note for note in answer.notes)


async def test_unique_images_beyond_the_page_budget_are_said_not_to_be_covered() -> None:
    server = Server([copies("a")], [single(f"o{i}") for i in range(5100)])
    answer = await ask_there(server)
    assert not answer.complete
    assert answer.totals is not None
    assert answer.totals.at_or_above == 5000
    assert any("first 5,000 clusters (50 pages)" in note for note in answer.notes)
