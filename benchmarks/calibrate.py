"""Fits the similarity scale of a model's description to a labelled set of photographs.

    python -m benchmarks.engine.generate PHOTOGRAPHS SET --images 4000
    python -m benchmarks.calibrate SET --signals lite0 --share 0.1 --penalty 0.1 --write lite0.json

Every signal is brought to its rarity, the negative decimal logarithm of the share of random pairs that come as close;
the share of the smaller rarity and the penalty for little detail are those of a small grid that let most copies through
at the false-match rates of 0.95 and 0.90. Rates that fewer than 5 of the set's random pairs reach are read off a
straight line through the two rarest that are reached by so many, and marked so. Score on photographs that were not
fitted on. The scales that ship have the penalty that plain windows of photographs ask for, and the share that goes best
with it: windows without much in them are rare in such a set, and common in folders.
"""

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.engine.labelled import Labelled, labelled
from benchmarks.report import heading, table
from lookalike_engine.comparison import TWIN_COSINE
from lookalike_engine.fusion import Curve, Fusion
from lookalike_engine.signals import load_signals
from lookalike_engine.similarity import FALSE_MATCH_RATE, HASH_BITS, SAME_HASH

ENOUGH: Final = 5
"""Random pairs that reach a rate before it counts as measured: right within a factor of 1.6, two times in three."""
EASY: Final = 0.99
EASY_SHARE: Final = 0.25
"""Three of four easy edits reach 0.99."""
RATES: Final = (0.5, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
SHARES: Final = (0.0, 0.1, 0.2, 0.3, 0.5)
PENALTIES: Final = (0.0, 0.05, 0.1, 0.15)
SAMPLE: Final = 2_000_000
"""Random pairs that are looked at in full; of the others those alone that come close by a signal."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit, print what came out, and write it if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("set", type=Path, help="a set made by benchmarks.engine.generate")
    parser.add_argument("--signals", default="lite0", help="lite0, sscd, or a model description (lite0)")
    parser.add_argument("--share", type=float, help="how much of the smaller rarity is added (the best of a grid)")
    parser.add_argument("--penalty", type=float, help="what a cosine loses without any detail (the best of a grid)")
    parser.add_argument("--write", type=Path, help="the model description to put the fit into")
    options = parser.parse_args(arguments)
    pairs = labelled(options.set, options.signals)
    heading("The similarity scale of " + load_signals(options.signals).name, "numpy", "onnxruntime", "pillow")
    copies, random = np.count_nonzero(pairs.copy), np.count_nonzero(~pairs.copy)
    print(f"{copies:,} pairs of copies, {random:,} random pairs\n")
    fitted = best_fit(
        pairs,
        SHARES if options.share is None else [options.share],
        PENALTIES if options.penalty is None else [options.penalty],
    )
    _print(pairs, fitted)
    if options.write:
        description: dict[str, Any] = json.loads(options.write.read_text(encoding="utf-8"))
        description["fusion"] = fitted.as_json()
        text = json.dumps(description, indent=1)
        points = re.sub(r"\[\s+([-\d.e]+),\s+([-\d.e]+)\s+\]", r"[\1, \2]", text)  # a point on one line
        options.write.write_text(points + "\n", encoding="utf-8")


def best_fit(pairs: Labelled, shares: Sequence[float] = SHARES, penalties: Sequence[float] = PENALTIES) -> Fusion:
    """Return the fit of the grid with the highest recall of copies, on average over the rates of 0.95 and 0.90."""
    fits = [_fit(pairs, share, penalty) for penalty in penalties for share in shares]
    return max(fits, key=lambda fit: recall(pairs, fit, 0.95) + recall(pairs, fit, 0.90))


def recall(pairs: Labelled, fit: Fusion, similarity: float, among: NDArray[np.bool_] | None = None) -> float:
    """Return the share of the copies (of those `among`) that reach a similarity."""
    chosen = pairs.copy if among is None else pairs.copy & among
    reached = rarities(pairs, fit, chosen) >= {level: rarity for rarity, level in fit.anchors}[similarity]
    return float(reached.mean()) if len(reached) else float("nan")


def rarities(pairs: Labelled, fit: Fusion, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how rare the chosen pairs are."""
    return fit.rarity(pairs.distance[chosen], _counted(pairs, fit.detail_penalty, chosen))


def _counted(pairs: Labelled, penalty: float, chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
    return pairs.cosine[chosen] - np.float32(2 * penalty) * (1 - pairs.reliance[chosen])


def _fit(pairs: Labelled, share: float, penalty: float) -> Fusion:
    cosine = _curve(_counted(pairs, penalty, ~pairs.copy), 1.0)
    distance = _curve(-pairs.distance[~pairs.copy].astype(np.float32), 0.0)
    unscaled = Fusion(cosine, tuple((0.0 - x, y) for x, y in distance), share, ((0.0, 0.0), (1.0, 0.5)), penalty)
    rates = list(FALSE_MATCH_RATE.values())
    levels = _reached(rarities(pairs, unscaled, ~pairs.copy), rates)
    twins = 2 * TWIN_COSINE**2 - 1
    top = float(unscaled.rarity(np.zeros(1, dtype=np.int16), np.array([twins]))[0])
    easy = float(np.quantile(rarities(pairs, unscaled, pairs.copy & pairs.easy), EASY_SHARE))
    anchors = [(0.0, 0.0), *zip(levels, FALSE_MATCH_RATE, strict=True), (min(easy, top - 0.1), EASY), (top, SAME_HASH)]
    rounded = tuple((round(rarity, 3), similarity) for rarity, similarity in anchors)
    return Fusion(unscaled.cosine, unscaled.distance, share, rounded, penalty)


def _curve(closeness: NDArray[np.float32], closest: float) -> Curve:
    """Return (closeness, rarity), from what half of the random pairs reach to what a picture has with itself."""
    levels = _reached(closeness, RATES)
    rarity = [float(-np.log10(rate)) for rate in RATES]
    slope = (rarity[-1] - rarity[-3]) / (levels[-1] - levels[-3])
    beyond = (closest, round(rarity[-1] + (closest - levels[-1]) * slope, 3))
    start = (min(0.0, levels[0] - 1e-3) if closest else float(-HASH_BITS), 0.0)
    return (
        start,
        *zip([round(level, 4) for level in levels], [round(each, 3) for each in rarity], strict=True),
        beyond,
    )


def _reached(values: NDArray[np.floating], rates: Sequence[float]) -> list[float]:
    """Return what these shares of the values reach, strictly rising; the rarest ones by a straight line."""
    ordered = np.sort(values)
    levels = [float(ordered[-max(1, round(len(ordered) * rate))]) for rate in rates]
    known = [at for at, rate in enumerate(rates) if len(ordered) * rate >= ENOUGH]
    a, b = known[-2:]
    per_decade = (levels[b] - levels[a]) / np.log10(rates[a] / rates[b])
    for at in range(len(rates)):
        if at > b:
            levels[at] = float(levels[b] + per_decade * np.log10(rates[b] / rates[at]))
        if at:
            levels[at] = max(levels[at], levels[at - 1] + 1e-3)
    return levels


def _print(pairs: Labelled, fit: Fusion) -> None:
    print(f"share of the smaller rarity {fit.share_of_less}, penalty for no detail {fit.detail_penalty}\n")
    table(("cosine", "rarity"), fit.cosine)
    print()
    table(("bits", "rarity"), fit.distance)
    print()
    random = rarities(pairs, fit, ~pairs.copy)
    rows = []
    for rarity, similarity in fit.anchors[1:]:
        rate = FALSE_MATCH_RATE.get(similarity)
        read_off = rate is not None and rate * len(random) < ENOUGH
        reach = [recall(pairs, fit, similarity, among) for among in (None, ~pairs.hard, pairs.hard)]
        rows.append(
            (
                similarity,
                f"{rarity:.2f}" + (" (read off a line)" if read_off else ""),
                "-" if rate is None else f"{rate:.1e}",
                int(np.count_nonzero(random >= rarity)),
                *(f"{each:.3f}" for each in reach),
            )
        )
    table(("similarity", "rarity", "false-match rate", "random pairs", "copies", "not hard", "hard"), rows)


if __name__ == "__main__":
    main()
