"""The tables of a comparison."""

import statistics
from collections import Counter
from collections.abc import Sequence

from benchmarks.engine.compare import Result
from benchmarks.engine.edits import EDITS
from benchmarks.engine.scoring import Score
from benchmarks.engine.truth import Row
from benchmarks.report import heading, table

_COLUMNS = (
    "who",
    "pair F1",
    "precision",
    "recall",
    "F1 near",
    "F1 strict",
    "clusters pure",
    "groups whole",
    "BCubed F1",
    "images/s",
    "range",
    "peak MB",
)


def print_tables(rows: Sequence[Row], results: Sequence[Result]) -> None:
    """What the set is, one row for each entrant and similarity, why some have none, and the recall of each edit."""
    heading("Duplicates found, beside others", "lookalike-mcp", "numpy", "pillow")
    print(f"{_about(rows)}\n")
    table(_COLUMNS, [line for result in results if result.failure is None for line in _lines(result, len(rows))])
    rounds = max((len(result.seconds) for result in results), default=0)
    print(
        f"\n{rounds} rounds, everyone in turn; images/s is the median, from the start of the process to its end, cold"
        " index. Peak memory: proportional set size of the process tree. Pairs are those inside returned clusters;"
        " near: without hard edits; strict: two shots of one burst count as wrong. Licences and versions:"
    )
    for result in results:
        versions = ", ".join(f"{package} {version}" for package, version in result.versions.items())
        unsteady = "" if result.steady else "; its clusters differed between rounds"
        print(f"- {result.entrant.name} ({result.entrant.licence}): {result.failure or versions}{unsteady}")
    _print_recall(results)


def _about(rows: Sequence[Row]) -> str:
    groups = Counter(row.group for row in rows)
    kinds = Counter(row.kind for row in rows if row.tier == "original")
    tiers = Counter(row.tier for row in rows)
    pairs = sum(count * (count - 1) // 2 for count in groups.values())
    return (
        f"{len(rows):,} images in {len(groups):,} groups, {pairs:,} pairs of copies; "
        f"originals: {_counted(kinds)}; images: {_counted(tiers)}."
    )


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.most_common())


def _lines(result: Result, images: int) -> list[list[str]]:
    rates = [images / seconds for seconds in result.seconds]
    peak = f"{statistics.median(result.peak_bytes) / 2**20:.0f}" if result.peak_bytes else "unknown"
    speed = [f"{statistics.median(rates):.0f}", f"{min(rates):.0f} to {max(rates):.0f}", peak]
    if not result.scores:
        return [[result.entrant.name, *"-" * 8, *speed]]
    lines: list[list[str]] = []
    for similarity, found in result.scores.items():
        name = f"{result.entrant.name} {f'at {similarity}' if similarity else ''}".strip()
        lines.append([name, *_figures(found), *(["", "", ""] if lines else speed)])
    return lines


def _figures(found: Score) -> list[str]:
    pairs = found.pairs
    return [
        f"{pairs.f1:.3f}",
        f"{pairs.precision:.4f}",
        f"{pairs.recall:.3f}",
        f"{found.near.f1:.3f}",
        f"{found.strict.f1:.3f}",
        f"{found.clusters_pure:.4f}",
        f"{found.groups_whole:.3f}",
        f"{found.bcubed_f1:.3f}",
    ]


def _print_recall(results: Sequence[Result]) -> None:
    """How often a copy is in its original's cluster, by edit."""
    found = [(result.entrant.name, next(iter(result.scores.values()))) for result in results if result.scores]
    if not found:
        return
    print()
    lines: list[list[str]] = []
    for name, edit in EDITS.items():
        shares = [score.recall_of.get(name) for _, score in found]
        count = next((share[1] for share in shares if share is not None), 0)
        if count:
            of_each = [f"{share[0]:.2f}" for share in shares if share is not None]
            lines.append([f"{edit.tier}: {name}", str(count), *of_each])
    table(("recall of", "copies", *(name for name, _ in found)), lines)
