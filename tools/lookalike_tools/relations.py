"""How images are turned relative to each other, from the engine's words to those of an answer."""

from collections.abc import Mapping

from lookalike_tools.results.clusters import Relation

RELATIONS: Mapping[str, Relation] = {
    "mirrored": "mirrored",
    "rotated": "rotated",
    "mirrored_rotated": "mirrored and rotated",
}
"""One that is not turned has none."""
