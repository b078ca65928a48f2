"""What the engine knows of a local dataset that a reader of an answer should know too."""

import math

from lookalike_tools.explore.models import Dataset
from lookalike_tools.similarity import spelled
from lookalike_tools.untrusted import UntrustedPath, UntrustedText, named

_MOST_REASONS = 20
_FLOAT_ERROR = 1e-9
_FAR_OFF = 3
"""Times as many false matches as the scale expects: beyond chance, since ten are to be expected at least."""


def local_notes(dataset: Dataset) -> list[str]:
    """Joined folders, what was skipped, what was not compared or not kept, a scale that does not fit.

    Nothing for a server's dataset.
    """
    return [
        *_joined(dataset),
        *_skipped(dataset),
        *_uncompared(dataset),
        *_approximate(dataset),
        *_too_many(dataset),
        *_misfit(dataset),
    ]


def unchecked_notes(dataset: Dataset) -> list[str]:
    """Says where the similarity scale could not be checked on the dataset's own images."""
    check = dataset.calibration
    if check is None or check.checked or check.reason is None:
        return []
    return [f"Similarity scale not checked on this dataset: {UntrustedText(check.reason)}"]


def _joined(dataset: Dataset) -> list[str]:
    if not dataset.roots:
        return []
    roots = (f"{named(UntrustedPath(label))} = {named(UntrustedPath(path))}" for label, path in dataset.roots.items())
    return ["Joined folders: " + ", ".join(roots)]


def _skipped(dataset: Dataset) -> list[str]:
    reasons = sorted(dataset.skipped_reasons.items(), key=lambda item: (-(item[1] or 0), item[0]))
    if not reasons:
        return []
    listed = [
        ("" if count is None else f"{count} ") + UntrustedText(reason).shortened(60)
        for reason, count in reasons[:_MOST_REASONS]
    ]
    more = [f"and {len(reasons) - _MOST_REASONS} more reasons"] if len(reasons) > _MOST_REASONS else []
    return ["Skipped: " + ", ".join([*listed, *more])]


def _uncompared(dataset: Dataset) -> list[str]:
    count = dataset.n_uncompared
    if not count:
        return []
    pictures = "1 image has" if count == 1 else f"{count:,} images have"
    return [f"{pictures} too little detail to compare (blank, flat) and no exact copy: neither duplicate nor unique"]


def _approximate(dataset: Dataset) -> list[str]:
    if dataset.search is None or dataset.search.exact:
        return []
    said = "Pairs were looked for by an approximate index: too many images to compare each with each"
    risk = "A missed pair can hide a copy, split a cluster, or let an image pass for unique"
    sample = None if dataset.search.recall is None else dataset.search.recall.sample
    level = next((each for each in sample.levels if each.enough), None) if sample else None
    if sample is None or level is None or level.recall is None:
        return [said, f"How many it missed is not known. {risk}"]
    found = f"{math.floor(level.recall * 1000 + _FLOAT_ERROR) / 10:g}%"
    pairs = f"pairs at {spelled(level.similarity)} or above of {sample.images:,} sampled images"
    return [said, f"It found {found} of the {pairs}. {risk}"]


def _too_many(dataset: Dataset) -> list[str]:
    if dataset.search is None or not dataset.search.floor_raised or dataset.similarity_floor is None:
        return []
    floor = spelled(dataset.similarity_floor)
    return [f"Only pairs at {floor} and above are kept: too many images are nearly identical to each other"]


def _misfit(dataset: Dataset) -> list[str]:
    check = dataset.calibration
    if check is None or check.similarity is None or check.expected is None or check.observed is None:
        return []
    if check.observed <= _FAR_OFF * check.expected:
        return []
    reached = f"{check.observed:,} pairs that 0.95 keeps apart reach {check.similarity:.2f}"
    found = f"{reached}, {check.expected:g} are expected"
    why = "either heavily edited copies, or images that are more alike than photographs are"
    return [f"{found}: {why}. Look before trusting clusters that are not exact"]
