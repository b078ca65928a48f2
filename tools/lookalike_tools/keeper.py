"""Which image of a cluster to keep: advice, with the reason."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import StringConstraints

from lookalike_tools.explore.models import Cluster, Preview

Why = Annotated[
    str,
    StringConstraints(
        pattern=r"^(shortest path|largest file|oldest|first path|[0-9]+×[0-9]+, largest|only image seen)$"
    ),
]

_REASONS = {
    "shortest_path": "shortest path",
    "largest_file": "largest file",
    "oldest": "oldest",
    "first_path": "first path",
}
_LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Choice:
    """The keeper, why, and the other images in the order they came."""

    keep: Preview
    why: str
    others: list[Preview]


def suggest_keeper(cluster: Cluster) -> Choice | None:
    """The engine's own keeper where it names one, else the rule over the previews; `None` without previews.

    The rule: exact copies by shortest, then alphabetical path; near copies by most pixels, largest file, oldest, path.
    """
    if not cluster.previews:
        return None
    ranked = [preview for preview in cluster.previews if preview.keeper_rank == 0]
    if len(ranked) == 1:
        reason = _given_reason(cluster, ranked[0])
        if reason is not None:
            return _choice(cluster, ranked[0], reason)
    return _by_rule(cluster)


def _given_reason(cluster: Cluster, keep: Preview) -> str | None:
    if cluster.keeper_reason == "most_pixels" and keep.pixels is not None:
        return f"{keep.width}×{keep.height}, largest"
    return _REASONS.get(cluster.keeper_reason or "")


def _by_rule(cluster: Cluster) -> Choice:
    remaining = list(cluster.previews)
    if cluster.exact is not True:
        measures: list[tuple[str, Callable[[Preview], float | None]]] = [
            ("most_pixels", lambda preview: preview.pixels),
            ("largest_file", lambda preview: preview.file_size),
            ("oldest", _age),
        ]
        for reason, measure in measures:
            values = [measure(preview) for preview in remaining]
            known = [value for value in values if value is not None]
            # Where one image's value is unknown, the values decide nothing.
            if len(known) == len(values):
                best = max(known)
                remaining = [preview for preview, value in zip(remaining, known, strict=True) if value == best]
            if len(remaining) == 1 and len(values) > 1:
                keep = remaining[0]
                why = f"{keep.width}×{keep.height}, largest" if reason == "most_pixels" else _REASONS[reason]
                return _choice(cluster, keep, why)
    shortest = min(len(preview.path) for preview in remaining)
    short = sorted((it for it in remaining if len(it.path) == shortest), key=lambda preview: preview.path)
    why = "shortest path" if len(short) == 1 and len(remaining) > 1 else "first path"
    return _choice(cluster, short[0], "only image seen" if len(cluster.previews) == 1 else why)


def _age(preview: Preview) -> float | None:
    if preview.modified_at is None:
        return None
    modified = preview.modified_at
    return (_LATEST - (modified if modified.tzinfo else modified.replace(tzinfo=UTC))).total_seconds()


def _choice(cluster: Cluster, keep: Preview, why: str) -> Choice:
    return Choice(keep, why, [preview for preview in cluster.previews if preview is not keep])
