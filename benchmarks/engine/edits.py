"""Every edit by name, in four tiers after Copydays and DISC21: exact, easy, medium, hard."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from benchmarks.engine import geometry, overlays, tones
from benchmarks.engine.geometry import Picture, Random

Tier = Literal["original", "exact", "easy", "medium", "hard"]

ON_BACKGROUND: Final = "on_background"
TIER_SHARE: Final[dict[Tier, float]] = {"exact": 0.06, "easy": 0.34, "medium": 0.35, "hard": 0.25}
"""How often an edit is of each tier; all edits of one tier are as likely."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What is done to the picture, and in which format and quality the result is stored."""

    name: str
    tier: Tier
    change: Callable[[Picture, Random], Picture] | None
    """None: the original's very bytes (`exact`), or what needs a second photograph (`on_background`)."""
    stored_as: str = "JPEG"
    quality: int = 90

    @property
    def suffix(self) -> str:
        """Of the file."""
        return {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}[self.stored_as]


def _unchanged(image: Picture, _rng: Random) -> Picture:
    return image


def _combined(image: Picture, rng: Random) -> Picture:
    image = geometry.cropped(image, rng, 0.8)
    image = tones.brighter(image, tones.either(rng, (0.75, 0.85), (1.15, 1.3)))
    return overlays.captioned(tones.rewritten(image, "JPEG", 30), rng)


def _combined_mirrored(image: Picture, rng: Random) -> Picture:
    image = geometry.cropped(geometry.mirrored(image), rng, 0.85)
    return tones.contrasted(image, tones.either(rng, (0.7, 0.85), (1.15, 1.3)))


def _named(edits: Iterable[Edit]) -> dict[str, Edit]:
    return {edit.name: edit for edit in edits}


EDITS: Final[dict[str, Edit]] = _named(
    (
        Edit("exact", "exact", None),
        Edit("jpeg75", "easy", _unchanged, quality=75),
        Edit("jpeg30", "easy", _unchanged, quality=30),
        Edit("png", "easy", _unchanged, "PNG"),
        Edit("webp60", "easy", _unchanged, "WEBP", 60),
        Edit("resize75", "easy", lambda image, _: geometry.scaled(image, 0.75)),
        Edit("resize50", "easy", lambda image, _: geometry.scaled(image, 0.5)),
        Edit("bright", "easy", lambda it, rng: tones.brighter(it, tones.either(rng, (0.85, 0.95), (1.05, 1.15)))),
        Edit("contrast", "easy", lambda it, rng: tones.contrasted(it, tones.either(rng, (0.85, 0.95), (1.05, 1.15)))),
        Edit("crop95", "easy", lambda image, rng: geometry.cropped(image, rng, 0.95)),
        Edit("blur1", "easy", lambda image, _: tones.blurred(image, 1)),
        Edit("sharpen", "easy", lambda image, _: tones.sharpened(image)),
        Edit("jpeg10", "medium", _unchanged, quality=10),
        Edit("resize25", "medium", lambda image, _: geometry.scaled(image, 0.25)),
        Edit("crop90", "medium", lambda image, rng: geometry.cropped(image, rng, 0.9)),
        Edit("crop80", "medium", lambda image, rng: geometry.cropped(image, rng, 0.8)),
        Edit("bright_strong", "medium", lambda it, rng: tones.brighter(it, tones.either(rng, (0.5, 0.65), (1.4, 1.7)))),
        Edit(
            "contrast_strong",
            "medium",
            lambda it, rng: tones.contrasted(it, tones.either(rng, (0.45, 0.65), (1.5, 2.0))),
        ),
        Edit("saturate", "medium", lambda it, rng: tones.saturated(it, tones.either(rng, (0.2, 0.5), (1.6, 2.4)))),
        Edit("gray", "medium", lambda image, _: tones.grey(image)),
        Edit("text", "medium", overlays.captioned),
        Edit("emoji_small", "medium", lambda image, rng: overlays.with_faces(image, rng, (0.14, 0.22), 1)),
        Edit("border", "medium", lambda image, rng: geometry.framed(image, rng, rng.uniform(0.04, 0.08))),
        Edit("blur3", "medium", lambda image, _: tones.blurred(image, 3)),
        Edit("rot3", "medium", lambda image, rng: geometry.tilted(image, rng, 3)),
        Edit("aspect", "medium", geometry.stretched),
        Edit("crop70", "hard", lambda image, rng: geometry.cropped(image, rng, 0.7)),
        Edit("crop50", "hard", lambda image, rng: geometry.cropped(image, rng, 0.5)),
        Edit("rot90", "hard", geometry.quarter_turn),
        Edit("rot15", "hard", lambda image, rng: geometry.tilted(image, rng, 15)),
        Edit("hflip", "hard", lambda image, _: geometry.mirrored(image)),
        Edit("vflip", "hard", lambda image, _: geometry.upside_down(image)),
        Edit("text_big", "hard", overlays.with_big_text),
        Edit("emoji_big", "hard", lambda image, rng: overlays.with_faces(image, rng, (0.4, 0.55), 1)),
        Edit("border_big", "hard", lambda image, rng: geometry.framed(image, rng, rng.uniform(0.15, 0.25))),
        Edit("screenshot", "hard", overlays.screenshot),
        Edit(ON_BACKGROUND, "hard", None),
        Edit("perspective", "hard", geometry.slanted),
        Edit("invert_tone", "hard", lambda image, rng: tones.solarised(image, int(rng.integers(110, 180)))),
        Edit("combo", "hard", _combined, quality=60),
        Edit("combo_flip", "hard", _combined_mirrored, quality=60),
    )
)
