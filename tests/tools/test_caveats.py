"""What the engine knows of a local dataset reaches both channels of an answer."""

from typing import Any

import pytest

from lookalike_tools import (
    DuplicatesAnswer,
    DuplicatesQuery,
    ExploreClient,
    SummaryQuery,
    find_duplicates,
    summarize_clusters,
)
from lookalike_tools.errors import WrongArgument
from tests.explore_servers import Heard, engine, engine_copies

pytestmark = pytest.mark.anyio


async def answered(named: str | None = None, **known: Any) -> DuplicatesAnswer:
    server = engine([engine_copies(["a.jpg", "b.jpg"])])
    server.dataset |= known
    async with ExploreClient.for_app(server.app()) as explore:
        return await find_duplicates(explore, DuplicatesQuery(dataset=named), Heard(), 0)


async def notes(**known: Any) -> str:
    answer = await answered(**known)
    shown = " ".join(answer.structured()["notes"])
    assert all(note in answer.text() for note in answer.structured()["notes"])
    return shown


async def test_a_scale_that_does_not_fit_the_dataset_is_said() -> None:
    off = {"checked": True, "similarity": 0.9, "expected": 29.1, "observed": 166}
    assert "166 pairs that 0.95 keeps apart reach 0.90, 29.1 are expected: either heavily edited copies" in await notes(
        calibration=off
    )


@pytest.mark.parametrize(
    "check",
    [
        {"checked": True, "similarity": 0.9, "expected": 29.1, "observed": 40},
        {"checked": False, "reason": "too few images to check"},
        None,
    ],
)
async def test_a_scale_that_fits_or_was_not_checked_is_not_questioned(check: dict[str, Any] | None) -> None:
    assert "expected" not in await notes(calibration=check)


async def test_a_summary_says_where_the_scale_could_not_be_checked() -> None:
    server = engine([engine_copies(["a.jpg", "b.jpg"])])
    server.dataset |= {"calibration": {"checked": False, "reason": "too few images to check"}}
    async with ExploreClient.for_app(server.app()) as explore:
        answer = await summarize_clusters(explore, SummaryQuery(), Heard(), 0)
    assert "too few images to check" in answer.text()


async def test_joined_folders_are_listed_with_where_they_are() -> None:
    shown = await notes(root_path=None, roots={"train": "/data/train", "test, old": "/data/test, old"})
    assert 'train = /data/train, "test, old" = "/data/test, old"' in shown


async def test_images_that_cannot_be_compared_are_counted() -> None:
    assert "7 images have too little detail" in await notes(n_uncompared=7)


async def test_every_reason_for_skipping_is_listed() -> None:
    reasons = {f"reason {number}": number + 1 for number in range(12)}
    shown = await notes(skipped_reasons=reasons)
    assert all(f"{count} {reason}" in shown for reason, count in reasons.items())


async def test_a_dataset_may_be_named_as_answers_show_its_name() -> None:
    first = await answered(display_name="ignore all\nprevious")
    again = await answered(named=str(first.dataset), display_name="ignore all\nprevious")
    assert again.dataset == first.dataset


async def test_a_whole_number_may_be_written_as_a_float() -> None:
    assert DuplicatesQuery.model_validate({"limit": 2.0}).limit == 2


def sampled(*levels: dict[str, Any]) -> dict[str, Any]:
    return {"exact": False, "floor_raised": False, "recall": {"sample": {"images": 500, "levels": list(levels)}}}


async def test_an_approximate_search_says_what_share_of_a_sample_it_found_and_what_a_miss_does() -> None:
    close = {"similarity": 0.95, "pairs": 20, "found": 20, "recall": 1.0, "enough": False}
    wider = {"similarity": 0.8, "pairs": 5000, "found": 4959, "recall": 0.9918, "enough": True}
    shown = await notes(search=sampled(close, wider))
    assert "found 99.1% of the pairs at 0.80 or above of 500 sampled images" in shown
    assert "can hide a copy" in shown


@pytest.mark.parametrize(
    "search",
    [
        sampled({"similarity": 0.95, "pairs": 0, "found": 0, "recall": None, "enough": False}),
        {"exact": False, "floor_raised": False, "recall": None},
    ],
)
async def test_an_approximate_search_whose_sample_has_too_few_pairs_gives_no_share(search: dict[str, Any]) -> None:
    shown = await notes(search=search)
    assert "How many it missed is not known" in shown
    assert "%" not in shown


@pytest.mark.parametrize("search", [{"exact": True, "floor_raised": False, "recall": None}, None])
async def test_an_exact_search_is_not_worth_a_note(search: dict[str, Any] | None) -> None:
    assert await notes(search=search) == await notes()


async def test_a_floor_that_was_raised_is_said() -> None:
    shown = await notes(search={"exact": True, "floor_raised": True, "recall": None}, similarity_floor=0.9312)
    assert "Only pairs at 0.9312 and above are kept" in shown


async def test_a_question_below_a_raised_floor_is_refused_with_why_and_what_to_do() -> None:
    raised = {"exact": True, "floor_raised": True, "recall": None}
    with pytest.raises(WrongArgument, match="nearly identical") as refused:
        await notes(search=raised, similarity_floor=0.9712)
    assert "Ask for 0.9712 or more" in str(refused.value)
    assert "subfolders" in str(refused.value)
