"""Servers whose answers do not add up: what cannot be true is refused, what is doubtful is said."""

import json
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from lookalike_tools import (
    DuplicatesAnswer,
    DuplicatesQuery,
    ExploreClient,
    SummaryAnswer,
    SummaryQuery,
    UniqueAnswer,
    UniqueQuery,
    find_duplicates,
    find_unique,
    summarize_clusters,
)
from lookalike_tools.errors import CannotAnswer, RefusedCursor, UnknownDataset
from tests.explore_servers import DATASET_ID, Heard, Server, cluster, copies, image, listening, single

pytestmark = pytest.mark.anyio


async def duplicates_of(server: Server, **arguments: Any) -> DuplicatesAnswer:
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            return await find_duplicates(explore, DuplicatesQuery(**arguments), Heard(), 0)


async def unique_of(server: Server, **arguments: Any) -> UniqueAnswer:
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            return await find_unique(explore, UniqueQuery(**arguments), Heard(), 0)


async def summary_of(server: Server, **arguments: Any) -> SummaryAnswer:
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            return await summarize_clusters(explore, SummaryQuery(**arguments), Heard(), 0)


def vendor(groups: int = 3, singles: int = 5, **changes: Any) -> Server:
    return Server([copies(f"a{i}", 3) for i in range(groups)], [single(f"s{i}") for i in range(singles)], **changes)


async def test_a_cluster_of_one_on_a_later_page_proves_that_the_filter_was_ignored() -> None:
    server = vendor(groups=150, honours=frozenset(), counts=None)
    pages = 0

    def shifting(path: str, answer: Any) -> Any:
        nonlocal pages
        if "/explore/" not in path:
            return answer
        pages += 1
        return {**answer, "clusters": answer["clusters"][::-1]} if pages % 2 else answer

    server.mend = shifting
    with pytest.raises(CannotAnswer):
        await duplicates_of(server)


async def test_a_dataset_that_shows_nothing_and_does_not_say_its_size_is_not_called_free_of_duplicates() -> None:
    with pytest.raises(CannotAnswer):
        await duplicates_of(vendor(0, 0, dataset={"n_images": None}))


async def test_a_count_that_differs_from_what_was_read_makes_the_answer_incomplete() -> None:
    def more(server: Server, clusters: list[Any], _request: Request) -> dict[str, Any]:
        return {"cluster_count": len(clusters) + 2 if clusters == server.duplicates else len(clusters)}

    answer = await duplicates_of(vendor(counts=more))
    assert not answer.complete
    assert any("counts 5 clusters" in note and "3 were read" in note for note in answer.notes)


async def test_a_dataset_smaller_than_its_clusters_yields_no_share() -> None:
    answer = await summary_of(vendor(groups=3, dataset={"n_images": 4}))
    assert answer.totals is not None
    assert answer.totals.single is None
    assert answer.share_removable is None
    assert not answer.complete
    assert any("4 images" in note for note in answer.notes)


async def test_a_page_past_the_end_is_no_proof_that_there_are_no_duplicates() -> None:
    server = vendor(groups=30)
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            first = await find_duplicates(explore, DuplicatesQuery(limit=20), Heard(), 0)
            server.counts = lambda _server, _clusters, _request: {"cluster_count": 30}
            server.dataset = {"n_images": 95}
            del server.duplicates[10:]
            with pytest.raises(RefusedCursor, match="changed"):
                await find_duplicates(explore, DuplicatesQuery(limit=20, cursor=first.next_cursor), Heard(), 0)


@pytest.mark.parametrize("missing", [Response("<html>", 200), Response("{}", 405), Response("{}", 422)])
async def test_a_server_without_the_counting_call_still_answers(missing: Response) -> None:
    def guard(request: Request) -> Response | None:
        return missing if request.url.path.endswith("exploration_metadata") else None

    answer = await duplicates_of(vendor(guard=guard))
    assert answer.totals is not None
    assert answer.totals.clusters == 3
    assert answer.complete


async def test_unique_images_of_a_server_that_ranks_nothing_are_not_called_ranked() -> None:
    answer = await unique_of(vendor())
    assert any("order" in note for note in answer.notes)


async def test_unique_images_with_a_known_uniqueness_come_most_unique_first() -> None:
    singles = [single(f"s{i}", uniqueness=0.8 + i / 100) for i in range(3)]
    answer = await unique_of(Server([copies("a")], singles))
    assert answer.images is not None
    assert [it.uniqueness for it in answer.images] == [0.82, 0.81, 0.8]
    assert not any("order" in note for note in answer.notes)


async def test_unique_images_that_the_server_does_not_count_are_no_complete_count() -> None:
    uncounted = {**cluster([image(f"{i}.jpg") for i in range(9)]), "n_images": -1}
    answer = await unique_of(Server([copies("a")], [uncounted], dataset={"n_images": 50}))
    assert not answer.complete
    assert any("does not count" in note for note in answer.notes)


async def test_a_cluster_with_absurdly_many_labels_is_summarized_all_the_same() -> None:
    many = copies("a", labels={f"label {i}": i for i in range(3000)})
    answer = await summary_of(Server([many], [single("s")]), group_by="label")
    assert answer.across is not None
    assert len(answer.across) == 10
    assert any("across" in note and "20" in note for note in answer.notes)


async def test_a_path_of_nobodys_home_is_an_unknown_dataset() -> None:
    with pytest.raises(UnknownDataset):
        await duplicates_of(vendor(dataset={"root_path": "/photos"}), dataset="~nobody-of-that-name/pets")


@pytest.mark.parametrize(
    ("progress", "done", "said"),
    [
        (37, 37, "percent"),
        (0.5, 0, "percent"),
        (250, None, "250"),
        ("1e9999", None, None),
        (10**400, None, None),
        (None, None, None),
        ({}, None, None),
    ],
)
async def test_a_server_that_is_indexing_says_its_own_progress(
    progress: Any, done: int | None, said: str | None
) -> None:
    answer = await duplicates_of(vendor(dataset={"status_new": "INDEXING", "progress": progress}))
    assert answer.status == "indexing"
    assert (answer.done, answer.total) == (done, None if done is None else 100)
    assert len(answer.notes) == (0 if said is None else 1)
    assert all((said or "") in note for note in answer.notes)
    json.dumps(answer.structured(), allow_nan=False)


async def test_an_exact_cluster_says_once_that_its_images_are_equal() -> None:
    made = copies("a", exact=True, lowest_similarity=1.0)
    answer = await duplicates_of(Server([made], [single("s")]))
    assert "2 exact  keep" in answer.text()


async def test_the_next_pages_of_a_server_are_not_read_again_from_the_beginning() -> None:
    server = vendor(groups=250)
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            answer = await find_duplicates(explore, DuplicatesQuery(limit=100), Heard(), 0)
            pages = len(server.questions(f"/explore/{DATASET_ID}"))
            ids = [it.id for it in answer.clusters or ()]
            while answer.next_cursor is not None:
                answer = await find_duplicates(
                    explore, DuplicatesQuery(limit=100, cursor=answer.next_cursor), Heard(), 0
                )
                ids += [it.id for it in answer.clusters or ()]
                assert answer.complete
    assert len(set(ids)) == 250
    # Each asks for the first page alone, which shows whether the list is still the same.
    assert len(server.questions(f"/explore/{DATASET_ID}")) - pages == 2
