"""The three tools, asked about the same sets through the tools' own client: the same answers from every backend."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from lookalike_tools import (
    Answer,
    Credentials,
    DuplicatesQuery,
    ExploreClient,
    SummaryQuery,
    UniqueQuery,
    find_duplicates,
    find_unique,
    summarize_clusters,
)
from lookalike_tools.errors import CannotAnswer, DatasetNotReady, Forbidden, WrongArgument
from tests.conformance import known_sets
from tests.conformance.backends import (
    CROWD_COPIES,
    CROWD_SINGLES,
    ENGINES,
    Explore,
    Pictures,
    documented_cloud,
    old_on_premises,
    on,
)
from tests.explore_servers import Collection, Entities, Heard, StandIn, cloud, listening, on_premises, tokens
from tests.explore_servers.export import Exporting

pytestmark = pytest.mark.anyio

HONOURING = on(*ENGINES, documented_cloud)
EMPTY = Entities({0: ()})
CREDENTIALS = Credentials(api_key=tokens.KEY, api_secret=tokens.SECRET)

Ask = Callable[[ExploreClient], Awaitable[Answer]]


def base(path: object) -> str:
    return str(path).rpartition("/")[2]


def duplicates(dataset: str | None = None, **given: Any) -> Ask:
    return lambda client: find_duplicates(client, DuplicatesQuery(dataset=dataset, **given), Heard(), None)


def unique(dataset: str | None = None, **given: Any) -> Ask:
    return lambda client: find_unique(client, UniqueQuery(dataset=dataset, **given), Heard(), None)


def summary(dataset: str | None = None, **given: Any) -> Ask:
    return lambda client: summarize_clusters(client, SummaryQuery(dataset=dataset, **given), Heard(), None)


async def asked(explore: Explore, ask: Ask) -> dict[str, Any]:
    # A served engine indexes when it is first asked, and the tools do not wait for a server.
    for dataset in (explore.mixed, explore.crowd):
        await explore.ok(f"/explore/{dataset}")
    async with explore.connect() as client:
        return (await ask(client)).structured()


@asynccontextmanager
async def client_of(stand_in: StandIn, credentials: Credentials | None = CREDENTIALS) -> AsyncIterator[ExploreClient]:
    with listening(stand_in.app()) as url:
        async with ExploreClient.for_server(url, credentials) as client:
            yield client


async def structured(stand_in: StandIn, ask: Ask) -> dict[str, Any]:
    async with client_of(stand_in) as client:
        return (await ask(client)).structured()


def members(answer: dict[str, Any]) -> set[tuple[int, frozenset[str]]]:
    """The clusters of an answer, as their sizes and the file names of their members."""
    return {
        (it["n"], frozenset([base(it["keep"]), *(base(other["path"]) for other in it["others"])]))
        for it in answer["clusters"]
    }


def expected_members(pictures: Pictures) -> set[tuple[int, frozenset[str]]]:
    return {(len(cluster), frozenset(map(base, cluster))) for cluster in pictures.truth.clusters}


def expected_totals(pictures: Pictures) -> dict[str, int]:
    truth = pictures.truth
    clustered = sum(map(len, truth.clusters))
    return {
        "images": len(truth.images),
        "clustered": clustered,
        "single": len(truth.singles),
        "clusters": len(truth.clusters),
        "removable": clustered - len(truth.clusters),
    }


@HONOURING
async def test_the_same_duplicate_clusters_and_totals_are_found(explore: Explore, pictures: Pictures) -> None:
    answer = await asked(explore, duplicates("mixed"))
    assert members(answer) == expected_members(pictures)
    assert answer["totals"].items() >= expected_totals(pictures).items()
    assert (answer["status"], answer["complete"]) == ("ready", True)


@HONOURING
async def test_a_cluster_of_more_members_than_a_page_is_counted_in_full(explore: Explore) -> None:
    answer = await asked(explore, duplicates("crowd"))
    (cluster,) = answer["clusters"]
    assert (cluster["n"], len(cluster["others"]) + cluster["others_more"]) == (CROWD_COPIES, CROWD_COPIES - 1)
    assert (answer["totals"]["removable"], answer["totals"]["single"]) == (CROWD_COPIES - 1, CROWD_SINGLES)


@HONOURING
async def test_a_stricter_similarity_leaves_the_exact_copies(explore: Explore, pictures: Pictures) -> None:
    answer = await asked(explore, duplicates("mixed", similarity=1.0))
    assert sorted(cluster["n"] for cluster in answer["clusters"]) == sorted(map(len, pictures.truth.exact))


@HONOURING
async def test_the_same_unique_images_are_found(explore: Explore, pictures: Pictures) -> None:
    answer = await asked(explore, unique("mixed", uniqueness=0.0))
    assert {base(image["path"]) for image in answer["images"]} == {base(path) for path in pictures.truth.singles}
    assert answer["totals"] == {"images": len(pictures.truth.images), "at_or_above": len(pictures.truth.singles)}


@HONOURING
async def test_the_same_summary_is_given(explore: Explore, pictures: Pictures) -> None:
    answer = await asked(explore, summary("mixed"))
    assert answer["totals"].items() >= expected_totals(pictures).items()
    assert answer["sizes"] == [{"n": n, "clusters": 1} for n in sorted(map(len, pictures.truth.clusters))]
    at_095 = next(at for at in answer["thresholds"] if at["similarity"] == 0.95)
    assert (at_095["clusters"], at_095["removable"]) == (4, answer["totals"]["removable"])


@on(old_on_premises)
@pytest.mark.parametrize("ask", [duplicates, unique, summary])
@pytest.mark.parametrize("dataset", ["mixed", "crowd"])
async def test_the_old_build_gives_no_answer_rather_than_a_false_one(explore: Explore, ask: Any, dataset: str) -> None:
    with pytest.raises(CannotAnswer, match=dataset):
        await asked(explore, ask(dataset))


@pytest.mark.parametrize("more", [(), ("gzip", "session_cookie"), ("counts_nobody_keeps", "host_relative_thumbnails")])
async def test_the_clusters_are_the_same_through_the_quirks_of_a_cloud(
    pictures: Pictures, more: tuple[str, ...]
) -> None:
    answer = await structured(cloud(known_sets.mixed(pictures.truth), more=more), duplicates())
    assert members(answer) == expected_members(pictures)
    assert answer["totals"] == expected_totals(pictures)


async def test_the_clusters_are_the_same_from_an_old_build_that_honours_filters(pictures: Pictures) -> None:
    stand_in = on_premises(known_sets.mixed(pictures.truth), without=("ignores_filters",))
    answer = await structured(stand_in, duplicates())
    assert members(answer) == expected_members(pictures)
    assert answer["totals"] == expected_totals(pictures)


async def test_duplicates_are_summarized_by_the_labels_that_a_server_gives(pictures: Pictures) -> None:
    stand_in = cloud(known_sets.mixed(pictures.truth), more=("labels_as_counts",))
    answer = await structured(stand_in, summary(group_by="label"))
    assert answer["groups"] == [
        {"name": "sea", "images": 8, "removable": 6},
        {"name": "beach", "images": 5, "removable": 4},
    ]
    assert answer["across"] == [{"a": "beach", "b": "sea", "clusters": 1}]


async def test_labels_that_the_cloud_does_not_give_are_refused(pictures: Pictures) -> None:
    with pytest.raises(WrongArgument, match="label"):
        await structured(cloud(known_sets.mixed(pictures.truth)), summary(group_by="label"))


async def test_duplicate_objects_are_found_where_there_are_objects(pictures: Pictures) -> None:
    stand_in = cloud(known_sets.mixed(pictures.truth))
    answer = await structured(stand_in, duplicates(entity_type="OBJECTS"))
    (cluster,) = answer["clusters"]
    assert (cluster["n"], answer["totals"]["images"], answer["totals"]["single"]) == (3, 4, 1)
    assert any("object" in note for note in answer["notes"])


@pytest.mark.parametrize("ask", [duplicates, unique, summary])
async def test_a_dataset_that_the_cloud_is_indexing_is_answered_as_such(ask: Any) -> None:
    indexing = Collection("pets", EMPTY, described={"status_new": "INDEXING", "progress": 40, "n_images": 9})
    answer = await structured(cloud(indexing), ask())
    assert (answer["status"], answer["done"], answer["total"], answer["complete"]) == ("indexing", 40, 100, False)
    assert "totals" not in answer


@pytest.mark.parametrize(
    ("status", "said", "word"), [("READ ONLY", "ready", "read-only"), ("PARTIAL INDEX", "partial", "part")]
)
async def test_a_dataset_that_can_only_be_read_or_in_part_is_answered_with_a_note(
    pictures: Pictures, status: str, said: str, word: str
) -> None:
    mixed = known_sets.mixed(pictures.truth)
    described = Collection("mixed", mixed.images, described={"status_new": status})
    answer = await structured(cloud(described), duplicates())
    assert (answer["status"], answer["complete"]) == (said, said == "ready")
    assert any(word in note for note in answer["notes"])
    assert members(answer) == expected_members(pictures)


@pytest.mark.parametrize("stand_in", [cloud, on_premises])
@pytest.mark.parametrize(("status", "said"), [("DRAFT", "pets.*never indexed"), ("ERROR", 'pets.*"no disk"')])
async def test_a_dataset_that_was_never_indexed_or_failed_is_an_error_that_names_it(
    stand_in: Any, status: str, said: str
) -> None:
    pets = Collection("pets", EMPTY, described={"status_new": status, "fatal_error_msg": "no disk", "n_images": 9})
    async with client_of(stand_in(pets)) as client:
        with pytest.raises(DatasetNotReady, match=said):
            await duplicates()(client)


async def test_a_key_without_access_is_told_so() -> None:
    credentials = Credentials(api_key=tokens.KEY_WITHOUT_ACCESS, api_secret=tokens.SECRET)
    async with client_of(cloud(Collection("pets", EMPTY)), credentials) as client:
        with pytest.raises(Forbidden):
            await duplicates()(client)


@pytest.mark.parametrize("ask", [duplicates, summary])
async def test_clusters_that_were_merely_filtered_are_not_called_duplicates(pictures: Pictures, ask: Any) -> None:
    with pytest.raises(CannotAnswer, match="mixed"):
        await structured(cloud(known_sets.mixed(pictures.truth), more=("only_filters",)), ask())


@pytest.mark.parametrize("build", ["an old build", "a build that only filters"])
async def test_an_export_gives_the_clusters_that_the_filter_does_not(pictures: Pictures, build: str) -> None:
    mixed = known_sets.mixed(pictures.truth)
    stand_in = on_premises(mixed) if build == "an old build" else cloud(mixed, more=("only_filters",))
    with Exporting(known_sets.mixed_export(pictures.truth)).listening(stand_in) as url:
        async with ExploreClient.for_server(url, CREDENTIALS) as client:
            found = (await duplicates()(client)).structured()
            summed = (await summary()(client)).structured()
    assert members(found) == expected_members(pictures)
    for answer in (found, summed):
        assert answer["totals"].items() >= expected_totals(pictures).items()
        assert any("export" in note for note in answer["notes"])


async def test_unique_images_left_in_merely_filtered_clusters_are_still_unique(pictures: Pictures) -> None:
    stand_in = cloud(known_sets.mixed(pictures.truth), more=("only_filters",))
    answer = await structured(stand_in, unique(uniqueness=0.0))
    assert {base(image["path"]) for image in answer["images"]} == {base(path) for path in pictures.truth.singles}


async def test_images_are_not_called_objects(pictures: Pictures) -> None:
    stand_in = cloud(known_sets.mixed(pictures.truth), more=("ignores_entity_type",))
    with pytest.raises(WrongArgument, match="mixed"):
        await structured(stand_in, duplicates(entity_type="OBJECTS"))


async def test_objects_of_a_dataset_that_has_none_are_refused_with_what_it_has() -> None:
    stand_in = cloud(known_sets.crowd(CROWD_COPIES, CROWD_SINGLES))
    with pytest.raises(WrongArgument, match=r"crowd.*IMAGES"):
        await structured(stand_in, duplicates(entity_type="OBJECTS"))
