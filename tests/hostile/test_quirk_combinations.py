"""The one law, on servers made up at random: what is reported is true, what is called complete is, the rest is said."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from lookalike_tools import (
    Answer,
    Credentials,
    DuplicatesAnswer,
    DuplicatesQuery,
    ExploreClient,
    LookalikeError,
    SummaryQuery,
    UniqueAnswer,
    UniqueQuery,
    find_duplicates,
    find_unique,
    summarize_clusters,
)
from lookalike_tools.errors import WrongArgument
from lookalike_tools.results.clusters import Cluster, Totals
from lookalike_tools.untrusted import UntrustedPath
from tests.explore_servers import Heard, Picture, tokens
from tests.hostile.random_servers import LYING, MOVING, NAMING, NOT_FILTERING, SHUFFLING, RandomServer, random_server

pytestmark = pytest.mark.anyio

IN_EVERY_RUN, IN_A_LONG_RUN = 40, 1040
SEEDS = [
    *range(IN_EVERY_RUN),
    *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(IN_EVERY_RUN, IN_A_LONG_RUN)),
]
CREDENTIALS = Credentials(api_key=tokens.KEY, api_secret=tokens.SECRET)
SIMILARITIES = (0.95, 0.95, 1.0, 0.9, 0.5)
MOST_PAGES = 4


def base(path: str) -> str:
    """The last part of a path, which tells the pictures apart, as answers show it."""
    return UntrustedPath(path.rpartition("/")[2])


@dataclass(frozen=True)
class Truth:
    """The duplicates of a server at one similarity, as its export has them where the answer says so."""

    server: RandomServer
    groups: Sequence[frozenset[Picture]]

    @classmethod
    def of(cls, server: RandomServer, asked: float, answer: Answer) -> "Truth":
        """The groups that the answer is about."""
        if any("come from the server's export" in note for note in answer.notes):
            return cls(server, server.exported_groups(asked))
        return cls(server, server.groups(asked))

    def holds(self, cluster: Cluster) -> bool:
        """Whether the cluster is one of the groups: as many images, and none of another one."""
        paths = [cluster.keep, *(it.path for it in cluster.others)]
        shown = {path.rpartition("/")[2] for path in paths if path is not None}
        is_named = not self.server.has(NAMING)
        return any(
            len(group) == cluster.n and (not is_named or shown <= {base(it.path) for it in group})
            for group in self.groups
        )

    def counts(self, totals: Totals) -> bool:
        """Whether the totals are those of the groups; a list that moved for good has lost its first one, or has two."""
        sizes = sorted(map(len, self.groups), reverse=True)
        states = [sizes, sizes[1:], [*sizes[:1], *sizes]] if self.server.has(MOVING) else [sizes]
        counted = (totals.clusters, totals.clustered, totals.removable)
        return counted in [(len(it), sum(it), sum(it) - len(it)) for it in states]


def incomplete_is_said(answer: Answer) -> None:
    assert answer.complete or answer.notes


async def all_pages(explore: ExploreClient, query: DuplicatesQuery) -> list[DuplicatesAnswer]:
    answers = [await find_duplicates(explore, query, Heard(), 0)]
    while answers[-1].next_cursor is not None and len(answers) < MOST_PAGES:
        following = query.model_copy(update={"cursor": answers[-1].next_cursor})
        answers.append(await find_duplicates(explore, following, Heard(), 0))
    return answers


async def check_duplicates(server: RandomServer, explore: ExploreClient, query: DuplicatesQuery) -> None:
    answers = await all_pages(explore, query)
    shown: list[str] = []
    for answer in answers:
        truth = Truth.of(server, query.similarity, answer)
        incomplete_is_said(answer)
        assert answer.totals is not None
        assert answer.clusters is not None
        assert not answer.complete or truth.counts(answer.totals)
        assert [it for it in answer.clusters if not truth.holds(it)] == []
        shown += [it.id for it in answer.clusters]
    is_steady = not server.has(SHUFFLING) or all(it.complete for it in answers)
    if not server.has(LYING) and is_steady:
        assert len(shown) == len(set(shown))
        if answers[0].similarity is not None:
            ids = [group.id for group in server.collection.images.duplicates(query.similarity)]
            assert [it for it in shown if sum(known.startswith(it) for known in ids) != 1] == []
        last = answers[-1]
        if last.next_cursor is None and last.complete:
            assert last.totals is not None
            assert len(shown) == last.totals.clusters


async def check_summary(server: RandomServer, explore: ExploreClient, query: SummaryQuery) -> None:
    try:
        answer = await summarize_clusters(explore, query, Heard(), 0)
    except WrongArgument:
        # Not every server gives paths or labels.
        assert query.group_by is not None
        return
    truth = Truth.of(server, query.similarity, answer)
    incomplete_is_said(answer)
    assert answer.totals is not None
    assert not answer.complete or truth.counts(answer.totals)
    assert [it for it in answer.largest or () if not truth.holds(it)] == []
    for row in answer.thresholds or ():
        assert (row.similarity, row.clusters) == (query.similarity, answer.totals.clusters)


async def check_unique(server: RandomServer, explore: ExploreClient, query: UniqueQuery) -> None:
    answer: UniqueAnswer = await find_unique(explore, query, Heard(), 0)
    unique = server.unique(query.uniqueness)
    incomplete_is_said(answer)
    assert answer.totals is not None
    assert answer.images is not None
    if not server.has(NAMING):
        paths = {str(it.path) for it in answer.images}
        assert paths & names(server.copied) == set()
        assert paths <= names(unique)
    beside = {-1, 0, 1} if server.has(MOVING) else {0}
    assert not answer.complete or answer.totals.at_or_above - len(unique) in beside


def names(pictures: Iterable[Picture]) -> set[str]:
    return {base(it.path) for it in pictures}


def must_answer(server: RandomServer) -> bool:
    """Whether the server filters and does not lie, and its contents show that."""
    shows = 0 < len(server.copied) < len(server.collection.images.pictures)
    return shows and not server.has((*NOT_FILTERING, *LYING, *SHUFFLING))


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_a_made_up_server_is_reported_to_hold_is_true(seed: int) -> None:
    server, draw = random_server(seed), random.Random(-1 - seed)
    with server.listening() as url:
        async with ExploreClient.for_server(url, CREDENTIALS, deadline=30) as explore:
            similarity, limit = draw.choice(SIMILARITIES), draw.choice((20, 37, 100))
            duplicates = DuplicatesQuery(similarity=similarity, limit=limit)
            by: Any = draw.choice((None, None, "folder", "label"))
            summary = SummaryQuery(similarity=draw.choice(SIMILARITIES), group_by=by)
            unique = UniqueQuery(uniqueness=draw.choice((0.0, 0.5, 0.8)), limit=100)
            asks = [
                partial(check_duplicates, server, explore, duplicates),
                partial(check_unique, server, explore, unique),
                partial(check_summary, server, explore, summary),
            ]
            draw.shuffle(asks)
            for ask in asks:
                try:
                    await ask()
                except LookalikeError:
                    if must_answer(server):
                        raise
