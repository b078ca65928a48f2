"""Similarities as they are shown."""

import math

THRESHOLDS = (0.99, 0.95, 0.90, 0.85, 0.80)
"""Where `summarize_clusters` looks."""

_FLOAT_ERROR = 1e-9


def floored(value: float) -> float:
    """`value` with two decimals, never rounded up: 0.999 is 0.99, and only 1.0 itself is 1.0."""
    hundredths = math.floor(value * 100 + _FLOAT_ERROR)
    if value < 1:
        hundredths = min(hundredths, 99)
    return hundredths / 100


def spelled(value: float) -> str:
    """A similarity in words: at least two decimals, as many as were given."""
    return f"{value:.2f}" if round(value, 2) == value else repr(value)
