"""What the engine knows of a local dataset that a reader of an answer should know too."""

from lookalike_tools.explore.models import Dataset
from lookalike_tools.untrusted import UntrustedPath, UntrustedText, named

_MOST_REASONS = 20
_FAR_OFF = 3
"""Times as many false matches as the scale expects: beyond chance, since ten are to be expected at least."""


def local_notes(dataset: Dataset) -> list[str]:
    """Joined folders, what was skipped, what cannot be compared, a scale that does not fit; nothing for a server's."""
    return [*_joined(dataset), *_skipped(dataset), *_uncompared(dataset), *_misfit(dataset)]


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


def _misfit(dataset: Dataset) -> list[str]:
    check = dataset.calibration
    if check is None or check.similarity is None or check.expected is None or check.observed is None:
        return []
    if check.observed <= _FAR_OFF * check.expected:
        return []
    found = f"{check.observed:,} pairs of different ones reach {check.similarity:.2f}, {check.expected:g} are expected"
    advice = "Look before trusting clusters that are not exact"
    return [f"Images of this dataset are more alike than photographs are: {found}. {advice}"]
