"""Charts as SVG files: a few lines of text that any browser shows, on a white ground of their own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import log10
from typing import Final, Literal

WIDTH: Final = 720
HEIGHT: Final = 400
_LEFT: Final = 132
_RIGHT: Final = 24
_TOP: Final = 40
_BOTTOM: Final = 56
_INK: Final = "#24292f"
_GRID: Final = "#d8dee4"

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Axis:
    """What one side of a chart stands for."""

    label: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    """(value, what is written there)."""
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """Return how far along the axis a value lies: 0 at `low`, 1 at `high`. Raises ValueError beyond these."""
        if not self.low <= value <= self.high:
            raise ValueError(f"{value} lies beyond the axis {self.label!r}, {self.low} to {self.high}")
        low, high, at = (log10(it) if self.logarithmic else it for it in (self.low, self.high, value))
        return (at - low) / (high - low)


class Chart:
    """A chart under construction; what is added later lies above."""

    def __init__(self, title: str, across: Axis, up: Axis) -> None:
        self._across, self._up = across, up
        self._parts: list[str] = []
        self._frame(title)

    def line(self, points: Sequence[Point], colour: str, *, dashed: bool = False) -> None:
        """Add a line through points."""
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in map(self._place, points))
        dashes = ' stroke-dasharray="6 4"' if dashed else ""
        self._parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>')

    def dots(self, points: Iterable[Point], colour: str, size: float = 3) -> None:
        """Add dots of a diameter in pixels."""
        path = "".join(f"M{x:.0f} {y:.0f}h0" for x, y in map(self._place, points))
        drawn = f'stroke="{colour}" stroke-width="{size}" stroke-linecap="round" stroke-opacity=".75"'
        self._parts.append(f'<path d="{path}" {drawn}/>')

    def text(self, at: Point, words: str, colour: str = _INK, *, anchor: Anchor = "start", lower: float = 0) -> None:
        """Write words beside a point, `lower` pixels below it."""
        x, y = self._place(at)
        self._write(x + {"start": 7, "middle": 0, "end": -7}[anchor], y + 4 + lower, words, colour, anchor)

    def svg(self) -> str:
        """Return the file's text."""
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}"'
        return "\n".join((f'{head} font-family="sans-serif" font-size="13">', *self._parts, "</svg>\n"))

    def _place(self, point: Point) -> Point:
        x, y = self._across.share(point[0]), self._up.share(point[1])
        return _LEFT + x * (WIDTH - _LEFT - _RIGHT), HEIGHT - _BOTTOM - y * (HEIGHT - _TOP - _BOTTOM)

    def _write(self, x: float, y: float, words: str, colour: str = _INK, anchor: Anchor = "middle") -> None:
        place = f'x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}"'
        self._parts.append(f"<text {place}>{escape(words)}</text>")

    def _frame(self, title: str) -> None:
        across, up = self._across, self._up
        self._parts.append(f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#ffffff"/>')
        for value, words in across.ticks:
            (x, bottom), (_, top) = self._place((value, up.low)), self._place((value, up.high))
            self._parts.append(f'<path d="M{x:.1f} {bottom:.1f}V{top:.1f}" stroke="{_GRID}"/>')
            self._write(x, bottom + 18, words)
        for value, words in up.ticks:
            (left, y), (right, _) = self._place((across.low, value)), self._place((across.high, value))
            self._parts.append(f'<path d="M{left:.1f} {y:.1f}H{right:.1f}" stroke="{_GRID}"/>')
            self._write(left - 7, y + 4, words, anchor="end")
        self._write((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 14, across.label)
        turned = f'transform="translate(18 {(HEIGHT - _BOTTOM + _TOP) / 2:.0f}) rotate(-90)" text-anchor="middle"'
        self._parts.append(f'<text {turned} fill="{_INK}">{escape(up.label)}</text>')
        self._parts.append(f'<text x="{_LEFT}" y="24" fill="{_INK}" font-weight="bold">{escape(title)}</text>')
