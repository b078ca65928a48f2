"""How a measurement is printed: what ran, on what, then a table."""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version


def heading(title: str, *packages: str) -> None:
    """Say what is measured, and with which versions on which machine."""
    print(f"## {title}\n")
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}; {versions}\n")


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A Markdown table."""
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
