from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lookalike_tools import (
    DuplicatesAnswer,
    DuplicatesQuery,
    ExploreClient,
    SummaryAnswer,
    SummaryQuery,
    find_duplicates,
    summarize_clusters,
)
from tests.explore_servers import Heard, Json, Server, cluster, engine, engine_copies, image, listening, single
from tests.explore_servers.export import Exporting, Members, document, exported

pytestmark = pytest.mark.anyio

SAMPLE_NOTE = "only a sample of the members"


def pictures(name: str, n: int) -> list[Json]:
    """Copies of which the last one, behind the previews, is the largest."""
    return [image(f"{name}-{i:03}.jpg", width=100 + i, height=100) for i in range(n)]


async def ask(server: Server, **arguments: Any) -> DuplicatesAnswer:
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            return await find_duplicates(explore, DuplicatesQuery(**arguments), Heard(), 0)


async def ask_with(exporting: Exporting, server: Server) -> DuplicatesAnswer:
    with exporting.listening(server) as url:
        async with ExploreClient.for_server(url, deadline=6) as explore:
            return await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)


async def summary(exporting: Exporting, server: Server, **arguments: Any) -> SummaryAnswer:
    with exporting.listening(server) as url:
        async with ExploreClient.for_server(url) as explore:
            return await summarize_clusters(explore, SummaryQuery(**arguments), Heard(), 0)


def serving(members: Members, *clusters: Json) -> Server:
    return Server(list(clusters), [single("s")], more_routes=members.routes())


def keepers(answer: DuplicatesAnswer) -> list[str | None]:
    return [it.keep for it in answer.clusters or ()]


async def test_the_keeper_is_chosen_among_all_members_where_the_server_lists_them() -> None:
    members = Members()
    large, small = pictures("a", 230), pictures("b", 12)
    answer = await ask(serving(members, *(members.cluster(cluster(it), it) for it in (large, small))))
    assert keepers(answer) == ["a-229.jpg", "b-011.jpg"]
    assert [it.others_more for it in answer.clusters or ()] == [224, 6]
    assert answer.notes == []
    assert sorted(int(it.query_params["page_number"]) for it in members.requests) == [0, 0, 1, 2]


async def test_members_are_asked_for_with_the_filter_they_were_found_with() -> None:
    members, copies = Members(), pictures("a", 20)
    server = serving(members, members.cluster(cluster(copies), copies))
    await ask(server, similarity=0.9)
    asked = dict(members.requests[0].query_params)
    assert asked.pop("page_number") == "0"
    assert asked in [{k: v for k, v in it.items() if k != "page_number"} for it in server.questions("000001")]


async def test_clusters_that_are_shown_whole_are_not_asked_about() -> None:
    members, copies = Members(), pictures("a", 9)
    await ask(serving(members, members.cluster(cluster(copies), copies)))
    assert members.requests == []


async def test_only_the_clusters_of_the_page_are_asked_about() -> None:
    members = Members()
    found = [members.cluster(cluster(it), it) for it in (pictures(name, 20) for name in "abcd")]
    await ask(serving(members, *found), limit=2)
    assert len(members.requests) == 2


async def test_the_engines_own_keeper_needs_no_member_list() -> None:
    server = engine([engine_copies([f"{i}.jpg" for i in range(20)])])
    async with ExploreClient.for_app(server.app()) as explore:
        await find_duplicates(explore, DuplicatesQuery(), Heard(), 0)
    assert not any("similarity_cluster" in it.url.path for it in server.requests)


def one_missing(members: list[Json]) -> list[Json]:
    return members[:-1]


def one_twice(members: list[Json]) -> list[Json]:
    return [*members[:-1], members[-2]]


def one_strange(members: list[Json]) -> list[Json]:
    return [image("strange.jpg", width=9999, height=9999), *members[1:]]


def one_nameless(members: list[Json]) -> list[Json]:
    return [*members[:-1], {**members[-1], "media_id": None}]


def one_more(members: list[Json]) -> list[Json]:
    return [*members, image("more.jpg", width=9999, height=9999)]


@pytest.mark.parametrize("change", [one_missing, one_twice, one_strange, one_nameless, one_more])
@pytest.mark.parametrize("n", [20, 130])
async def test_a_member_list_that_does_not_agree_is_not_used_and_the_answer_says_so(change: Any, n: int) -> None:
    members, copies = Members(), pictures("a", n)
    answer = await ask(serving(members, members.cluster(cluster(copies), change(copies))))
    assert keepers(answer) == ["a-008.jpg"]
    assert any(SAMPLE_NOTE in note for note in answer.notes)
    assert any("member list contradicted its own count or previews" in note for note in answer.notes)


async def test_a_list_of_another_size_than_the_cluster_is_not_used() -> None:
    members, copies = Members(), pictures("a", 100)
    found = members.cluster(cluster(copies), copies)
    members.of[found["cluster_id"]] |= {"n_images": 200}
    assert keepers(await ask(serving(members, found))) == ["a-008.jpg"]


async def test_a_server_whose_members_are_unknown_to_it_is_asked_once() -> None:
    members = Members()
    server = serving(members, cluster(pictures("a", 20)), cluster(pictures("b", 20)))
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            answers = [await find_duplicates(explore, DuplicatesQuery(), Heard(), 0) for _ in range(3)]
    assert len(members.requests) == 1
    assert all(any(SAMPLE_NOTE in note for note in answer.notes) for answer in answers)


def html(_request: Request) -> Response:
    return Response("<html>the web page</html>", media_type="text/html")


def gone(_request: Request) -> Response:
    return Response(status_code=404)


def not_allowed(_request: Request) -> Response:
    return Response(status_code=405)


def refused(_request: Request) -> Response:
    return JSONResponse({"detail": "no such path"}, 422)


def broken(_request: Request) -> Response:
    return Response(status_code=500)


@pytest.mark.parametrize("answer", [html, gone, not_allowed, refused, broken])
async def test_a_server_without_member_lists_is_asked_for_one_only(answer: Any) -> None:
    asked: list[str] = []

    def members(request: Request) -> Response:
        asked.append(request.path_params["cluster"])
        response: Response = answer(request)
        return response

    routes = [Route("/api/v1/explore/{id}/similarity_cluster/{cluster}", members)]
    server = Server([cluster(pictures(name, 20)) for name in "abc"], [single("s")], more_routes=routes)
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            answers = [await find_duplicates(explore, DuplicatesQuery(), Heard(), 0) for _ in range(2)]
    assert len(set(asked)) == 1
    assert all(any(SAMPLE_NOTE in note for note in found.notes) for found in answers)


async def test_more_lists_than_the_budget_allows_leave_the_rest_a_sample() -> None:
    members = Members()
    found = [members.cluster(cluster(it), it) for it in (pictures(f"c{i:02}", 20) for i in range(40))]
    answer = await ask(serving(members, *found), limit=40)
    assert len(members.requests) == 30
    assert any(
        "10 of the clusters shown the server's member list was not read: 30 requests" in it for it in answer.notes
    )


async def test_where_there_are_no_lists_the_members_come_from_the_export() -> None:
    for key in ("cluster_id", "group"):
        copies = pictures("a", 20)
        whole = cluster(copies)
        items = [
            exported(
                it["file_name"],
                "g1" if key == "group" else None,
                media_id=it["media_id"],
                cluster_id=whole["cluster_id"] if key == "cluster_id" else None,
                file_size=f"{rank}.5KB",
            )
            for rank, it in enumerate(copies)
        ]
        answer = await ask_with(Exporting(document(items)), Server([whole], [single("s")]))
        assert answer.clusters is not None
        assert (answer.clusters[0].keep, answer.clusters[0].why) == ("a-019.jpg", "largest file")
        assert answer.notes == []
        assert answer.similarity == 0.95


async def test_an_export_that_does_not_agree_with_a_cluster_leaves_it_a_sample() -> None:
    copies = pictures("a", 20)
    items = [exported(it["file_name"], "g1", media_id=it["media_id"]) for it in copies[:-1]]
    answer = await ask_with(Exporting(document(items)), Server([cluster(copies)], [single("s")]))
    assert keepers(answer) == ["a-008.jpg"]
    assert any(SAMPLE_NOTE in note for note in answer.notes)


@pytest.mark.parametrize(
    ("exporting", "said"),
    [
        (Exporting(end="REJECTED", message="too many exports"), "too many exports"),
        (Exporting(b"garbage"), "is no JSON"),
        (Exporting(polls=1_000), "not done in time. Ask again"),
        (Exporting(link="http://169.254.169.254/latest/meta-data"), "169.254.169.254|link|leads"),
    ],
    ids=["rejected", "garbage", "slow", "inward"],
)
async def test_an_export_that_cannot_be_had_leaves_the_sample_and_says_why(exporting: Exporting, said: str) -> None:
    answer = await ask_with(exporting, Server([cluster(pictures("a", 20))], [single("s")]))
    assert keepers(answer) == ["a-008.jpg"]
    assert any(SAMPLE_NOTE in note for note in answer.notes)
    assert any(part in note for note in answer.notes for part in said.split("|"))


async def test_a_summary_chooses_keepers_among_all_members_too() -> None:
    members, copies = Members(), pictures("a", 20)
    server = serving(members, members.cluster(cluster(copies), copies))
    answer = await summary(Exporting(), server)
    assert [it.keep for it in answer.largest or ()] == ["a-019.jpg"]


async def test_folders_are_counted_among_all_members_where_the_export_has_them() -> None:
    copies = pictures("a", 20)
    whole = cluster(copies)
    items = [
        exported(f"d/{'train' if rank < 12 else 'test'}/{it['file_name']}", "g1", media_id=it["media_id"])
        for rank, it in enumerate(copies)
    ]
    answer = await summary(Exporting(document(items)), Server([whole], [single("s")]), group_by="folder")
    assert [it.model_dump() for it in answer.groups or ()] == [
        {"name": "train", "images": 12, "removable": 11},
        {"name": "test", "images": 8, "removable": 7},
    ]
    assert not any("sample" in note for note in answer.notes)
