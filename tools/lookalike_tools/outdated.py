"""Says that an answer is from the last index while a newer one is being made, or could not be."""

from datetime import UTC

from lookalike_tools.explore.models import Dataset, Indexing

_STAGES = {
    "queued": "another dataset is indexed first",
    "waiting": "another process is indexing the same folders",
    "scanning": "the folders are being looked through for changes",
    "comparing": "the images of a newer one are being compared",
    "publishing": "a newer one is being written",
}


def outdated_notes(dataset: Dataset) -> list[str]:
    """From which index the answer is, how far the next one has come, and what went wrong; nothing where it is fresh."""
    if not dataset.is_refreshing and dataset.refresh_error is None:
        return []
    how_far = f"; {_how_far(dataset.indexing)}" if dataset.is_refreshing else ""
    return [_answered_from(dataset) + how_far, *_failure(dataset)]


def _failure(dataset: Dataset) -> list[str]:
    """What happened, and what to do, which the engine puts after the last semicolon: a note has no room for both."""
    if dataset.refresh_error is None:
        return []
    tried = "The last attempt to bring it up to date" if dataset.is_refreshing else "Bringing it up to date"
    what, _, todo = dataset.refresh_error.rpartition("; ")
    return [f"{tried} failed: {what}", f"What helps: {todo}"] if what else [f"{tried} failed: {todo}"]


def _answered_from(dataset: Dataset) -> str:
    made = dataset.snapshot_created_at
    if made is None:
        return "Answered from the last index"
    known = made.astimezone(UTC) if made.tzinfo is not None else made
    return f"Answered from the index of {known:%Y-%m-%d %H:%M} UTC"


def _how_far(stage: Indexing | None) -> str:
    if stage is None:
        return "a newer one is being made"
    if stage.stage == "decoding":
        of_all = "" if stage.total is None else f" of {stage.total:,}"
        return f"{stage.done:,}{of_all} files of a newer one are read"
    return _STAGES.get(stage.stage, "a newer one is being made")
