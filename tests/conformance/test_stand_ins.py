"""The stand-ins themselves: who is let in, what is refused, and that quirks go together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.conformance import known_sets
from tests.conformance.backends import Pictures
from tests.explore_servers import (
    Collection,
    Entities,
    Server,
    StandIn,
    cloud,
    copies,
    generated,
    listening,
    on_premises,
    quirky,
    single,
    tokens,
)

pytestmark = pytest.mark.anyio

EMPTY = Entities({0: ()})
DUPLICATES = '[{"duplicates": {"op": "duplicates", "value": 0.95}}]'


def bearer(**given: Any) -> dict[str, str]:
    return {"authorization": f"Bearer {tokens.minted(**given)}"}


@asynccontextmanager
async def calling(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    with listening(app) as url:
        async with httpx.AsyncClient(base_url=f"{url}/api/v1") as client:
            yield client


async def clusters(client: httpx.AsyncClient, collection: Collection, **parameters: str) -> dict[str, int]:
    """The first page, as {cluster id: images}."""
    response = await client.get(
        f"/explore/{collection.id}", params={"entity_type": "IMAGES", **parameters}, headers=bearer()
    )
    assert response.status_code == 200, response.text
    return {cluster["cluster_id"]: cluster["n_images"] for cluster in response.json()["clusters"]}


@pytest.mark.parametrize(
    "spoilt",
    [
        {"algorithm": "none"},
        {"algorithm": "HS384", "secret": tokens.SECRET * 2},
        {"secret": "another-secret-of-the-same-length-as-it"},
        {"kid": "another-key"},
        {"kid": tokens.KEY_WITHOUT_ACCESS},
        {"sub": "another-key"},
        {"iss": "browser"},
        {"exp": 1},
        {"exp": None},
    ],
    ids=str,
)
async def test_a_token_that_is_wrong_in_one_thing_is_refused(spoilt: dict[str, Any]) -> None:
    async with calling(cloud().app()) as client:
        response = await client.get("/datasets", headers=bearer(**spoilt))
        assert (response.status_code, type(response.json()["detail"])) == (401, str)
        assert (await client.get("/datasets", headers=bearer())).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer"}, {"authorization": "Bearer nonsense"}], ids=str)
async def test_no_token_is_refused(headers: dict[str, str]) -> None:
    async with calling(cloud().app()) as client:
        assert (await client.get("/datasets", headers=headers)).status_code == 401


async def test_a_good_token_is_no_password() -> None:
    async with calling(cloud().app()) as client:
        refused = await client.get("/datasets", headers={"authorization": f"Basic {tokens.minted()}"})
    assert refused.status_code == 401


async def test_a_key_without_access_is_forbidden_everything() -> None:
    async with calling(cloud().app()) as client:
        response = await client.get("/datasets", headers=bearer(key=tokens.KEY_WITHOUT_ACCESS))
    assert (response.status_code, type(response.json()["detail"])) == (403, str)


@pytest.mark.parametrize(
    ("collection", "status"),
    [
        (Collection("draft", EMPTY, described={"status_new": "DRAFT"}), 409),
        (Collection("indexing", EMPTY, described={"status_new": "INDEXING", "progress": 40}), 409),
        (Collection("error", EMPTY, described={"status_new": "ERROR", "fatal_error_msg": "no disk"}), 409),
        (Collection("read only", EMPTY, described={"status_new": "READ ONLY"}), 200),
        (Collection("partial", EMPTY, described={"status_new": "PARTIAL INDEX"}), 200),
        (Collection("broken", EMPTY, breaks=True), 500),
    ],
    ids=lambda given: given.name if isinstance(given, Collection) else str(given),
)
async def test_the_cloud_answers_as_the_state_of_the_dataset_allows(collection: Collection, status: int) -> None:
    async with calling(cloud(collection).app()) as client:
        asked = {"entity_type": "IMAGES"}
        response = await client.get(f"/explore/{collection.id}", params=asked, headers=bearer())
        assert response.status_code == status
        assert status == 200 or isinstance(response.json()["detail"], str)
        described = (await client.get(f"/dataset/{collection.id}", headers=bearer())).json()
    assert described["status_new"] == collection.described.get("status_new", "READY")


async def test_the_cloud_refuses_an_id_that_is_none_with_a_list() -> None:
    async with calling(cloud().app()) as client:
        response = await client.get("/dataset/nonsense", headers=bearer())
    (error,) = response.json()["detail"]
    assert (response.status_code, error["loc"]) == (422, ["path", "dataset_id"])


async def test_the_cloud_with_quirks_of_the_old_build_is_still_the_cloud(pictures: Pictures) -> None:
    mixed = known_sets.mixed(pictures.truth)
    more = ("gzip", "session_cookie", "counts_nobody_keeps", "older_statuses", "labels_as_counts")
    async with calling(cloud(mixed).app()) as plain, calling(cloud(mixed, more=more).app()) as odd:
        expected = await clusters(plain, mixed, vql=DUPLICATES)
        assert await clusters(odd, mixed, vql=DUPLICATES) == expected
        assert "SESSION" in odd.cookies
        assert (await odd.get("/datasets")).status_code == 401


async def test_an_old_build_that_honours_filters_finds_the_copies(pictures: Pictures) -> None:
    mixed = known_sets.mixed(pictures.truth)
    async with calling(on_premises(mixed, without=("ignores_filters",)).app()) as client:
        found = await clusters(client, mixed, vql=DUPLICATES)
        assert sorted(found.values()) == sorted(map(len, pictures.truth.clusters))
        assert await clusters(client, mixed, duplicate_threshold="0.95") == found


@pytest.mark.parametrize("build", [cloud, on_premises])
async def test_a_build_that_only_filters_leaves_fewer_images_in_the_same_clusters(
    pictures: Pictures, build: Any
) -> None:
    mixed = known_sets.mixed(pictures.truth)
    without = ("ignores_filters",) if build is on_premises else ()
    stand_in: StandIn = build(mixed, more=("only_filters",), without=without)
    async with calling(stand_in.app()) as client:
        everything = await clusters(client, mixed)
        found = await clusters(client, mixed, vql=DUPLICATES)
    assert found.keys() <= everything.keys()
    assert all(found[identifier] < everything[identifier] for identifier in found)
    assert sum(found.values()) == sum(map(len, pictures.truth.clusters))
    assert sorted(found.values()) != sorted(map(len, pictures.truth.clusters))


async def test_a_build_that_ignores_the_entity_type_answers_about_images(pictures: Pictures) -> None:
    mixed = known_sets.mixed(pictures.truth)
    async with calling(cloud(mixed, more=("ignores_entity_type",)).app()) as client:
        objects = await clusters(client, mixed, vql=DUPLICATES, entity_type="OBJECTS")
        assert objects == await clusters(client, mixed, vql=DUPLICATES)


async def test_a_quirk_goes_around_any_server() -> None:
    server = Server([copies("a", 3)], [single("s")])
    async with calling(quirky(server.app(), "gzip", "session_cookie", "ignores_filters")) as client:
        (dataset,) = (await client.get("/datasets")).json()
        page = (await client.get(f"/explore/{dataset['id']}", params={"vql": DUPLICATES})).json()
    assert len(page["clusters"]) == 2
    assert "SESSION" in client.cookies


async def test_a_dataset_of_250_pages_is_read_to_its_end() -> None:
    many = generated("many", 25_000, singles=30)
    async with calling(cloud(many).app()) as client:
        assert len(await clusters(client, many, vql=DUPLICATES, page_number="249")) == 100
        assert await clusters(client, many, vql=DUPLICATES, page_number="250") == {}
        assert len(await clusters(client, many, page_number="250")) == 30


async def test_a_stand_in_tells_what_it_was_asked() -> None:
    stand_in, headers = cloud(), bearer()
    async with calling(stand_in.app()) as client:
        await client.get("/datasets", params={"a": "b"}, headers=headers)
        await client.get("/dataset/nonsense")
    assert stand_in.asked("/datasets") == [{"a": "b"}]
    assert [request.headers.get("authorization") for request in stand_in.requests] == [headers["authorization"], None]
