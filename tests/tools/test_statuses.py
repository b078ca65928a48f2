"""What the model reads when a server answers with anything but 200."""

import json
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from lookalike_tools import Credentials, DuplicatesQuery, ExploreClient, LookalikeError, UniqueQuery, find_unique
from lookalike_tools.errors import (
    BadAnswer,
    DatasetNotReady,
    Forbidden,
    NotFound,
    RefusedParameters,
    ServerFailed,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)
from lookalike_tools.explore.filters import Filter
from tests.explore_servers import DATASET_ID, Heard, Server, copies, listening, single

pytestmark = pytest.mark.anyio


def refusing(status: int, body: str = "{}", where: str = "") -> Server:
    def guard(request: Request) -> Response | None:
        if where not in request.url.path:
            return None
        return Response(body, status, headers={"retry-after": "9999"})

    return Server([copies("a")], [single("s")], guard=guard)


@pytest.mark.parametrize(
    ("status", "kind", "todo"),
    [
        (204, BadAnswer, "base URL"),
        (304, BadAnswer, "base URL"),
        (400, RefusedParameters, "Choose another dataset"),
        (401, Unauthorized, "new API key"),
        (403, Forbidden, "key that has access"),
        (404, NotFound, "Choose one of its datasets"),
        (407, Unreachable, "HTTP_PROXY"),
        (409, DatasetNotReady, "Ask again in a minute"),
        (422, RefusedParameters, "Choose another dataset"),
        (429, TooManyRequests, "Ask again in 167 min"),
        (500, ServerFailed, "Ask again in 167 min"),
        (503, ServerFailed, "Ask again in 167 min"),
    ],
)
@pytest.mark.parametrize(
    "body", ['{"detail": "EVIL TEXT"}', '{"detail": [{"loc": ["EVIL TEXT"], "msg": "EVIL TEXT"}]}', "EVIL"]
)
async def test_every_documented_status_says_what_happened_to_what_and_what_to_do_in_our_words(
    status: int, kind: type[LookalikeError], todo: str, body: str
) -> None:
    body = "" if status in {204, 304} else body
    with listening(refusing(status, body).app()) as url:
        async with ExploreClient.for_server(url, Credentials(token="t"), deadline=5) as explore:
            with pytest.raises(kind) as caught:
                await explore.dataset(DATASET_ID)
    assert type(caught.value) is kind
    assert "EVIL" not in str(caught.value)
    assert f"({status})" in caught.value.what
    assert explore.source in caught.value.what
    assert status in {401, 407, 429} or DATASET_ID in caught.value.what
    assert todo in caught.value.todo


@pytest.mark.parametrize("status", [404, 405, 410])
async def test_a_server_without_a_list_of_datasets_is_no_explore_server(status: int) -> None:
    with listening(refusing(status).app()) as url:
        async with ExploreClient.for_server(url) as explore:
            with pytest.raises(NotFound, match=r"no Explore server at this address.*Check the base URL"):
                await explore.datasets()


@pytest.mark.parametrize("status", [400, 422])
async def test_a_list_of_datasets_that_is_refused_is_no_matter_of_similarity(status: int) -> None:
    with listening(refusing(status, '{"detail": "vql"}').app()) as url:
        async with ExploreClient.for_server(url) as explore:
            with pytest.raises(RefusedParameters, match="Check the base URL"):
                await explore.datasets()


@pytest.mark.parametrize(
    ("detail", "todo"),
    [
        ("vql: too low for this dataset", "Raise or lower the similarity"),
        ("the duplicate_threshold is out of range", "Raise or lower the similarity"),
        ([{"loc": ["query", "vql", 0], "type": "greater_than_equal", "msg": ""}], "Raise the similarity"),
        ([{"loc": ["query", "duplicate_threshold"], "type": "less_than", "msg": ""}], "Lower the similarity"),
        (
            [
                {"loc": ["query", "vql"], "type": "value_error"},
                {"loc": ["query", "page_number"], "type": "less_than"},
            ],
            "Raise or lower the similarity",
        ),
        (
            [
                {"loc": ["query", "vql"], "type": "less_than"},
                {"loc": ["query", "duplicate_threshold"], "type": "greater_than"},
            ],
            "Raise or lower the similarity",
        ),
        ([{"loc": ["query", "entity_type"], "type": "enum", "msg": ""}], "use IMAGES"),
        ([{"loc": ["query", "page_number"], "type": "less_than", "msg": ""}], "without a cursor"),
        ([{"loc": [["vql"], {}, None], "type": {}}, 7, None], "similarity or the entity type"),
        ({"vql": "wrong"}, "similarity or the entity type"),
        (None, "similarity or the entity type"),
    ],
)
async def test_a_refusal_that_names_a_parameter_leads_to_what_to_change(detail: Any, todo: str) -> None:
    with listening(refusing(422, json.dumps({"detail": detail}), "/explore/").app()) as url:
        async with ExploreClient.for_server(url) as explore:
            dataset = await explore.dataset(DATASET_ID)
            with pytest.raises(RefusedParameters) as caught:
                await explore.page(dataset, Filter("duplicates", DuplicatesQuery().similarity, "IMAGES"), 0)
    assert todo in caught.value.todo
    assert '"pets"' in caught.value.what


async def test_a_refused_uniqueness_is_called_so() -> None:
    detail = json.dumps({"detail": "vql"})
    with listening(refusing(422, detail, "/explore/").app()) as url:
        async with ExploreClient.for_server(url) as explore:
            dataset = await explore.dataset(DATASET_ID)
            with pytest.raises(RefusedParameters, match="Raise or lower the uniqueness"):
                await explore.page(dataset, Filter("uniqueness", UniqueQuery().uniqueness, "IMAGES"), 0)
            with pytest.raises(LookalikeError):
                await find_unique(explore, UniqueQuery(), Heard(), 0)


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422])
async def test_nothing_is_asked_twice_where_the_answer_will_not_change(status: int) -> None:
    server = refusing(status)
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            with pytest.raises(LookalikeError):
                await explore.datasets()
    assert len(server.requests) == 1


async def test_what_is_forbidden_without_a_credential_asks_for_one() -> None:
    with listening(refusing(403).app()) as url:
        async with ExploreClient.for_server(url) as explore:
            with pytest.raises(Forbidden, match="Set a key"):
                await explore.datasets()
