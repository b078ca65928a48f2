"""Objects where a server has them; elsewhere a refusal that says so, and never images in their place."""

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lookalike_tools import (
    Answer,
    DuplicatesQuery,
    ExploreClient,
    UniqueQuery,
    find_duplicates,
    find_unique,
)
from lookalike_tools.errors import CannotAnswer, WrongArgument
from tests.explore_servers import (
    Collection,
    Entities,
    Group,
    Heard,
    Picture,
    Server,
    StandIn,
    cloud,
    cluster,
    copies,
    image,
    in_order,
    listening,
    single,
)

pytestmark = pytest.mark.anyio


def drawn(name: str, n: int, **known: Any) -> list[Picture]:
    return [Picture(f"{name}-{i}", on=f"street-{i}.jpg", **known) for i in range(n)]


def streets(*more: str, objects: bool = True) -> StandIn:
    """Twelve images of which two are copies; three wheels that are copies, and two hats that are like nothing."""
    images = [Picture(f"street-{i}.jpg", uniqueness=0.9 if i > 1 else 0.0) for i in range(12)]
    copied = Group.of(*images[:2])
    wheels, hats = Group.of(*drawn("wheel", 3)), [Group.of(hat) for hat in drawn("hat", 2, uniqueness=0.9)]
    found = Entities({0: in_order([wheels, *hats])}, {1.0: [wheels]})
    pictures = Entities({0: in_order([copied, *(Group.of(it) for it in images[2:])])}, {1.0: [copied]})
    return cloud(Collection("streets", pictures, found if objects else None), more=more, without=("bearer_token",))


async def duplicates_of(server: Server | StandIn) -> Answer:
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            return await find_duplicates(explore, DuplicatesQuery(entity_type="OBJECTS"), Heard(), 0)


async def unique_of(server: Server | StandIn) -> Answer:
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            return await find_unique(explore, UniqueQuery(entity_type="OBJECTS"), Heard(), 0)


async def test_objects_are_counted_where_the_server_has_them() -> None:
    facts = (await duplicates_of(streets())).structured()
    assert {name: facts["totals"][name] for name in ("images", "clustered", "single", "clusters", "removable")} == {
        "images": 5,
        "clustered": 3,
        "single": 2,
        "clusters": 1,
        "removable": 2,
    }
    assert any("is an object found in one" in note for note in facts["notes"])
    facts = (await unique_of(streets())).structured()
    assert facts["totals"] == {"images": 5, "at_or_above": 2}


@pytest.mark.parametrize("ask", [duplicates_of, unique_of])
async def test_a_dataset_without_objects_says_so_and_what_to_use(ask: Any) -> None:
    for server in (
        streets(objects=False),
        streets("ignores_entity_type", objects=False),
        Server([copies("a")], [single("s")], dataset={"display_name": "streets", "n_objects": None}),
    ):
        with pytest.raises(WrongArgument, match="no objects") as caught:
            await ask(server)
        assert '"streets"' in str(caught.value)
        assert "IMAGES" in caught.value.todo


@pytest.mark.parametrize("ask", [duplicates_of, unique_of])
async def test_images_are_not_reported_as_objects_where_the_server_ignores_the_entity_type(ask: Any) -> None:
    with pytest.raises(WrongArgument, match="with images, not with objects") as caught:
        await ask(streets("ignores_entity_type"))
    assert '"streets"' in str(caught.value)


async def test_counts_of_the_objects_on_images_do_not_make_objects_of_them() -> None:
    counting = [copies("a", n_objects=40)]
    with pytest.raises(WrongArgument, match="with images, not with objects"):
        await duplicates_of(Server(counting, [single("s", n_objects=3)], dataset={"n_objects": 43}))


async def test_images_are_not_taken_for_objects_because_the_dataset_changed_between_two_looks() -> None:
    server = Server([copies(f"a{i}", n_objects=40) for i in range(5)], [single("s")], dataset={"n_objects": 200})

    def shrink(path: str, answer: Any) -> Any:
        if "/explore/" in path:
            del server.duplicates[:1]
        return answer

    server.mend = shrink
    with pytest.raises(WrongArgument, match="with images, not with objects"):
        await duplicates_of(server)


async def test_objects_that_only_their_previews_show_are_believed() -> None:
    boxes = [image(f"{name}.jpg", bounding_box=[1, 2, 3, 4]) for name in "abc"]
    server = Server([cluster(boxes, n_objects=3)], [single("s")], dataset={"n_objects": -1})
    facts = (await duplicates_of(server)).structured()
    assert facts["totals"]["clustered"] == 3
    assert "images" not in facts["totals"]


async def test_whether_the_entity_type_is_honoured_is_asked_once() -> None:
    server = Server([copies("a", n_objects=2)], [single("s")], dataset={"n_objects": 43})
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            for _ in range(3):
                with pytest.raises(WrongArgument):
                    await find_duplicates(explore, DuplicatesQuery(entity_type="OBJECTS"), Heard(), 0)
    assert len([it for it in server.requests if it.query_params.get("entity_type") == "IMAGES"]) == 1


def refusing(field: str) -> Server:
    detail = [{"type": "enum", "loc": ["query", field], "msg": "no", "input": "x"}]

    def guard(request: Request) -> Response | None:
        return JSONResponse({"detail": detail}, 422) if "/explore/" in request.url.path else None

    return Server([copies("a")], [single("s")], guard=guard)


async def test_a_refusal_of_objects_by_name_is_told_from_one_of_the_filter() -> None:
    with pytest.raises(WrongArgument, match='OBJECTS does not exist in dataset "pets"'):
        await duplicates_of(refusing("entity_type"))
    with pytest.raises(CannotAnswer):
        await duplicates_of(refusing("vql"))
