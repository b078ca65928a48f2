from typing import Any

import pytest

from lookalike_tools import ExploreClient, SummaryAnswer, SummaryQuery, summarize_clusters
from lookalike_tools.errors import CannotAnswer, WrongArgument
from tests.explore_servers import Heard, Server, cluster, copies, engine, engine_copies, image, listening, single

pytestmark = pytest.mark.anyio


async def ask_here(server: Server, **arguments: Any) -> SummaryAnswer:
    async with ExploreClient.for_app(server.app()) as explore:
        return await summarize_clusters(explore, SummaryQuery(**arguments), Heard(), 0)


async def ask_there(server: Server, **arguments: Any) -> SummaryAnswer:
    with listening(server.app()) as url:
        async with ExploreClient.for_server(url) as explore:
            return await summarize_clusters(explore, SummaryQuery(**arguments), Heard(), 0)


def local() -> Server:
    groups = [engine_copies([f"{i}.jpg", f"{i}b.jpg"]) for i in range(7)]
    return engine([engine_copies(["x.jpg", "y.jpg", "z.jpg"]), *groups], [single("s")])


async def test_a_local_summary_looks_at_the_usual_thresholds_and_the_asked_one() -> None:
    answer = await ask_here(local(), similarity=0.93)
    assert [it.similarity for it in answer.thresholds or ()] == [0.99, 0.95, 0.93, 0.9, 0.85, 0.8]


async def test_thresholds_below_the_floor_are_not_asked_for() -> None:
    server = local()
    server.dataset["similarity_floor"] = 0.9
    answer = await ask_here(server)
    assert [it.similarity for it in answer.thresholds or ()] == [0.99, 0.95, 0.9]


async def test_the_share_is_of_all_images_and_rounded_down() -> None:
    answer = await ask_here(local())
    assert answer.totals is not None
    assert (answer.totals.removable, answer.totals.images) == (9, 18)
    assert answer.share_removable == 0.5


async def test_the_five_largest_clusters_come_first() -> None:
    answer = await ask_here(local())
    assert [it.n for it in answer.largest or ()] == [3, 2, 2, 2, 2]
    assert [it.model_dump() for it in answer.sizes or ()] == [{"n": 2, "clusters": 7}, {"n": 3, "clusters": 1}]


async def test_folders_beyond_the_tenth_are_shown_as_one() -> None:
    server = local()
    server.singles = [single(f"s{i}") for i in range(300)]
    answer = await ask_here(server, group_by="folder")
    assert len(answer.groups or ()) == 10
    assert answer.rest is not None
    assert answer.rest.groups == 2
    assert answer.rest.images == 317 - sum(20 - i for i in range(10))
    assert "2 other groups" in answer.text()
    assert "folder00, folder01  3 clusters" in answer.text()


async def test_labels_of_a_local_folder_are_refused_by_name() -> None:
    with pytest.raises(WrongArgument, match="label"):
        await ask_here(local(), group_by="label")


async def test_a_remote_summary_knows_the_asked_threshold_only() -> None:
    server = Server([copies(f"a{i}", 3) for i in range(130)], [single("s")])
    answer = await ask_there(server, similarity=0.9)
    assert [it.model_dump() for it in answer.thresholds or ()] == [
        {"similarity": 0.9, "clusters": 130, "removable": 260}
    ]


async def test_remote_labels_are_counted_within_the_clusters() -> None:
    server = Server([copies("a", 3, labels={"cat": 3}), copies("b", 3, labels={"cat": 2, "dog": 1})], [single("s")])
    answer = await ask_there(server, group_by="label")
    assert [it.model_dump() for it in answer.groups or ()] == [
        {"name": "cat", "images": 5, "removable": 3},
        {"name": "dog", "images": 1, "removable": 0},
    ]
    assert [it.model_dump() for it in answer.across or ()] == [{"a": "cat", "b": "dog", "clusters": 1}]


async def test_remote_labels_without_counts_are_counted_among_the_images_shown_and_a_sample_is_called_one() -> None:
    images = [image(f"{i}.jpg", labels=["cat"] if i < 7 else []) for i in range(9)]
    for n, sample in ((14, True), (9, False)):
        server = Server([cluster(images, n, labels=["cat"])], [single("s")])
        answer = await ask_there(server, group_by="label")
        assert [it.model_dump() for it in answer.groups or ()] == [{"name": "cat", "images": 7, "removable": 6}]
        assert (
            any("in 1 of them among the images that the server showed, a sample" in it for it in answer.notes) == sample
        )


async def test_remote_labels_that_are_only_named_count_as_the_least_they_can_be() -> None:
    answer = await ask_there(Server([copies("a", 14, labels=["cat"])], [single("s")]), group_by="label")
    assert any("in 1 of them as one image each, the least it can be" in note for note in answer.notes)


async def test_images_in_several_clusters_make_the_totals_incomplete() -> None:
    images = [image(f"{i}.jpg") for i in range(5)]
    server = Server([cluster(images[:3]), cluster(images[1:4]), cluster(images[3:])], [single("s")])
    answer = await ask_there(server)
    assert any(note.startswith("3 of the images that the server showed are in more than one") for note in answer.notes)
    assert not answer.complete


async def test_remote_labels_that_do_not_exist_are_refused_by_name() -> None:
    with pytest.raises(WrongArgument, match="carry no labels"):
        await ask_there(Server([copies("a")], [single("s")]), group_by="label")


async def test_remote_folders_need_file_paths() -> None:
    with pytest.raises(WrongArgument, match="no file paths"):
        await ask_there(Server([copies("a")], [single("s")]), group_by="folder")
    with_paths = cluster([image("1", file_path="/d/x/1.jpg"), image("2", file_path="/d/y/2.jpg")])
    answer = await ask_there(Server([with_paths], [single("s")]), group_by="folder")
    assert [it.name for it in answer.groups or ()] == ["x", "y"]


async def test_many_sizes_are_cut_and_the_cut_is_said() -> None:
    answer = await ask_there(Server([copies(f"a{n}", n) for n in range(20, 1, -1)], [single("s")]))
    assert len(answer.sizes or ()) == 12
    assert any(note.startswith("sizes: 7 clusters of 14 to 20 images") for note in answer.notes)


async def test_a_server_that_ignores_the_filter_gets_no_summary() -> None:
    with pytest.raises(CannotAnswer):
        await ask_there(Server([copies("a")], [single("s")], honours=frozenset()))
