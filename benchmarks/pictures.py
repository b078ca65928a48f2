"""Draws the pictures of docs/engine.md from a labelled set, and prints the figures behind them.

    python -m benchmarks.engine.generate PHOTOGRAPHS SET --images 4000
    python -m benchmarks.pictures SET

Take photographs that the scale was not fitted to (`benchmarks.calibrate`): a scale always fits those.
"""

import argparse
from collections.abc import Sequence
from math import ceil, floor, log10
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.engine.edits import EDITS
from benchmarks.engine.labelled import Labelled, labelled
from benchmarks.report import heading, table
from benchmarks.svg import Axis, Chart
from lookalike_engine.embedder import NORM
from lookalike_engine.fusion import COSINE_STEPS, Fusion, cosine_steps
from lookalike_engine.signals import load_signals
from lookalike_engine.similarity import FALSE_MATCH_RATE, HASH_BITS, NEAR_DUPLICATE, STEPS, hash_scale

DOTS: Final = 700
"""Of each kind of pair, drawn at random."""
CLOSE: Final = 0.80
"""Random pairs from this similarity on are all shown."""

BLUE: Final = "#0969da"
ORANGE: Final = "#bc4c00"
GREEN: Final = "#1a7f37"
GREY: Final = "#57606a"
TIERS: Final = {"easy": GREEN, "medium": BLUE, "hard": ORANGE}

SIMILARITY: Final = Axis("similarity", 0.5, 1.0, [(value / 100, f"{value / 100:.2f}") for value in range(50, 101, 10)])


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the pictures and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("set", type=Path, help="a set made by benchmarks.engine.generate")
    parser.add_argument("--signals", default="lite0", help="lite0, sscd, or a model description (lite0)")
    parser.add_argument("--to", type=Path, default=Path("docs/pictures"), help="the folder for them (docs/pictures)")
    options = parser.parse_args(arguments)
    fit = load_signals(options.signals).scale
    if not isinstance(fit, Fusion):
        raise SystemExit("the scale of the hash alone is not drawn: give signals with an embedding")
    pairs = labelled(options.set, options.signals)
    fit = fit.stretched(*pairs.stretch)
    scored = fit.steps(pairs.distance, counted(pairs, fit)) / STEPS
    heading("What the similarity scale gives on a labelled set", "numpy", "onnxruntime", "pillow")
    _print_rates(pairs, scored)
    _print_edits(pairs, scored)
    options.to.mkdir(parents=True, exist_ok=True)
    charts = {
        "reliability": _reliability(scored[~pairs.copy]),
        "copies": _copies(pairs, scored),
        "signals": _signals(pairs, scored, fit),
    }
    for name, chart in charts.items():
        (options.to / f"{name}.svg").write_text(chart.svg(), encoding="utf-8")


def counted(pairs: Labelled, fit: Fusion) -> NDArray[np.int16]:
    """Return the cosines as the engine counts them, in steps of 1/4096."""
    products = pairs.cosine * np.float32(NORM**2)
    return cosine_steps(products, pairs.reliance, pairs.reliance, fit.detail_penalty)


def _print_rates(pairs: Labelled, scored: NDArray[np.float64]) -> None:
    random, copies = scored[~pairs.copy], scored[pairs.copy]
    print(
        f"{len(copies):,} pairs of copies, {len(random):,} random pairs; cosines stretched {pairs.stretch.cosine:.3f}"
        f" times, distances {pairs.stretch.distance:.3f} times\n"
    )
    rows = [
        (
            f"{level:.2f}",
            f"{rate * len(random):,.1f}",
            np.count_nonzero(random >= level),
            *(f"{np.mean(scored[among] >= level):.3f}" for among in _kinds(pairs)),
        )
        for level, rate in FALSE_MATCH_RATE.items()
    ]
    table(("similarity", "random pairs promised", "random pairs found", "copies", "not hard", "hard"), rows)
    print()


def _kinds(pairs: Labelled) -> tuple[NDArray[np.bool_], ...]:
    return pairs.copy, pairs.copy & ~pairs.hard, pairs.copy & pairs.hard


def _print_edits(pairs: Labelled, scored: NDArray[np.float64]) -> None:
    """How many copies reach 0.95 with their originals, by edit, and how many by the hash alone."""
    by_hash = hash_scale()[pairs.distance]
    rows: list[tuple[object, ...]] = []
    for place, edit in enumerate(EDITS.values()):
        these = pairs.edit == place
        if these.any():
            reached = [float(np.mean(of[these] >= NEAR_DUPLICATE)) for of in (scored, by_hash)]
            rows.append((f"{edit.tier}: {edit.name}", np.count_nonzero(these), *(f"{each:.2f}" for each in reached)))
    table(("edit", "copies", "reach 0.95", "by the hash alone"), rows)


def _reliability(random: NDArray[np.float64]) -> Chart:
    """Draw the false-match rate that is promised at each similarity beside that of these random pairs."""
    levels = [level / 100 for level in range(50, 100) if np.any(random >= level / 100)]
    measured = [(level, float(np.mean(random >= level))) for level in levels]
    rates = [*FALSE_MATCH_RATE.values(), *(rate for _, rate in measured)]
    powers = range(floor(-log10(2 * max(rates))), ceil(-log10(min(rates))) + 1)
    ticks = [(10.0**-power, f"1 in {10**power:,}") for power in powers]
    up = Axis("share of random pairs as close or closer", ticks[-1][0], ticks[0][0], ticks, logarithmic=True)
    chart = Chart("False matches: promised, and on photographs that were not fitted to", SIMILARITY, up)
    chart.line(list(FALSE_MATCH_RATE.items()), GREY, dashed=True)
    chart.line(measured, BLUE)
    for level, rate in FALSE_MATCH_RATE.items():
        found = np.count_nonzero(random >= level)
        promised = rate * len(random)
        chart.dots([(level, rate)], GREY, 7)
        words = f"{found:,} ({promised:,.0f})"
        if found:
            chart.dots([(level, found / len(random))], BLUE, 7)
            chart.text((level, found / len(random)), words, BLUE, lower=-10)
    chart.text((0.52, ticks[-2][0]), "promised", GREY, lower=18)
    chart.text((0.52, ticks[-2][0]), f"measured: pairs found (pairs promised) of {len(random):,}", BLUE)
    return chart


def _copies(pairs: Labelled, scored: NDArray[np.float64]) -> Chart:
    """Draw how many of the copies come out at a similarity or above it, by tier."""
    up = Axis("share of copies as close or closer", 0, 1, [(share / 5, f"{share * 20} %") for share in range(6)])
    chart = Chart("Copies of photographs that were not fitted to, by how hard the edit is", SIMILARITY, up)
    chart.line([(NEAR_DUPLICATE, 0), (NEAR_DUPLICATE, 1)], GREY, dashed=True)
    tiers = np.array([edit.tier for edit in EDITS.values()])
    levels = np.append(np.arange(0.5, 1, 0.0025), 0.999)
    for lower, (tier, colour) in enumerate(TIERS.items()):
        reached = scored[(pairs.edit >= 0) & (tiers[pairs.edit] == tier)]
        chart.line([(float(level), float(np.mean(reached >= level))) for level in levels], colour)
        share = float(np.mean(reached >= NEAR_DUPLICATE))
        words = f"{tier}: {share:.1%} of {len(reached):,} copies reach 0.95"
        chart.text((0.51, 0.32 - 0.075 * lower), words, colour)
    return chart


def _signals(pairs: Labelled, scored: NDArray[np.float64], fit: Fusion) -> Chart:
    """Draw copies and random pairs by their two signals, and where the scale puts 0.95 and 0.80."""
    across = Axis(
        "bits in which the hashes differ", 0, HASH_BITS, [(bits, str(bits)) for bits in range(0, HASH_BITS + 1, 32)]
    )
    up = Axis("cosine of the embeddings", 0, 1, [(share / 5, f"{share / 5:.1f}") for share in range(6)])
    chart = Chart("Two signals, one similarity: above or left of the line is a near-duplicate", across, up)
    cosine = counted(pairs, fit) / COSINE_STEPS
    rng = np.random.default_rng(1)
    for chosen, shown, colour in ((~pairs.copy, scored >= CLOSE, GREY), (pairs.copy & (scored < 1), None, GREEN)):
        drawn = rng.permutation(np.flatnonzero(chosen))[:DOTS]
        if shown is not None:
            drawn = np.union1d(drawn, np.flatnonzero(chosen & shown))
        chart.dots(zip(pairs.distance[drawn].tolist(), cosine[drawn].tolist(), strict=True), colour)
    for level, dashed, lower in ((NEAR_DUPLICATE, False, -12), (CLOSE, True, 12)):
        least = fit.least_cosine(round(level * STEPS))
        reached = least <= COSINE_STEPS
        border = [(float(bits), float(least[bits]) / COSINE_STEPS) for bits in np.flatnonzero(reached)]
        chart.line(border, ORANGE, dashed=dashed)
        chart.text(border[-1], f"{level:.2f}", ORANGE, anchor="end", lower=lower)
    chart.text((152, 0.58), "green: copies", GREEN)
    chart.text((152, 0.65), "grey: random pairs", GREY)
    return chart


if __name__ == "__main__":
    main()
