"""Who takes part: this engine with each of its signals, its peers as they come, and the decode-only ceiling."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.engine.environments import ROOT, Environment

OURS: Final = "benchmarks.engine.ours"
_PEERS: Final = "benchmarks.engine.peers"


@dataclass(frozen=True, slots=True)
class Entrant:
    """One row: a program that takes a folder and a file for its answer, and then `arguments`."""

    name: str
    licence: str
    program: str
    arguments: tuple[str, ...]
    environment: Environment | None
    """None: the Python that runs this."""
    noncommercial: bool = False
    finds: bool = True
    """False for what only decodes."""

    def command(self, python: str, folder: str, answer: str) -> tuple[str, ...]:
        """What is run."""
        return (python, "-m", self.program, folder, answer, *self.arguments)


_IMMACULATE: Final = Environment("immaculate", ("immaculate[sscd]",), oldest=(3, 12))
_IMAGEDEDUP: Final = Environment("imagededup", ("imagededup",), newest=(3, 12))

PEERS: Final = (
    Entrant(
        "decode only", "-", f"{_PEERS}.only_decode", (), Environment("decode", ("simplejpeg", "pillow")), finds=False
    ),
    Entrant("immaculate pdq", "proprietary", f"{_PEERS}.use_immaculate", ("pdq",), _IMMACULATE),
    Entrant("immaculate sscd_distilled", "proprietary", f"{_PEERS}.use_immaculate", ("sscd_distilled",), _IMMACULATE),
    Entrant("imagededup PHash", "Apache-2.0", f"{_PEERS}.use_imagededup", ("PHash",), _IMAGEDEDUP),
    Entrant("imagededup DHash", "Apache-2.0", f"{_PEERS}.use_imagededup", ("DHash",), _IMAGEDEDUP),
    Entrant("czkawka 10", "MIT", f"{_PEERS}.use_czkawka", ("10",), Environment("czkawka", ("czkawka",))),
    Entrant("cleanvision", "Apache-2.0", f"{_PEERS}.use_cleanvision", (), Environment("cleanvision", ("cleanvision",))),
    Entrant("difPy similar", "MIT", f"{_PEERS}.use_difpy", ("similar",), Environment("difpy", ("difPy",))),
    Entrant(
        "fastdup",
        "CC BY-NC-ND 4.0",
        f"{_PEERS}.use_fastdup",
        (),
        Environment("fastdup", ("fastdup",), newest=(3, 12)),
        noncommercial=True,
    ),
)


def ours(signals: Iterable[str], similarities: Sequence[float]) -> list[Entrant]:
    """This engine with each of `signals`; `sscd` in an environment of its own where this Python is too old for it."""
    values = tuple(str(value) for value in similarities)
    return [
        Entrant(
            f"lookalike {name}",
            "Apache-2.0",
            OURS,
            (name, *values),
            Environment("lookalike-sscd", ("--editable", f"{ROOT}[sscd]"), oldest=(3, 12))
            if name == "sscd" and sys.version_info < (3, 12)
            else None,
        )
        for name in signals
    ]
