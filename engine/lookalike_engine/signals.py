"""Which signals a fingerprint holds, and how they make one similarity: the hash, and a model's embedding or none."""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from lookalike_engine.decode import HASH_SIDE_MIN
from lookalike_engine.errors import EngineError
from lookalike_engine.fusion import Fusion, HashScale, Scale
from lookalike_engine.model import Model, read_model
from lookalike_engine.signal_names import resolve_signals

HASH: Final = "hash"

_DESCRIPTIONS: Final = Path(__file__).parent / "models"


@dataclass(frozen=True, slots=True)
class Signals:
    """What is taken of every picture, and the scale that makes similarities of it."""

    name: str
    """`hash`, or the name of the model whose embedding is taken too."""
    model: Model | None
    scale: Scale

    @property
    def names(self) -> tuple[str, ...]:
        """The signals, as a dataset names them."""
        return (HASH,) if self.model is None else (HASH, self.name)

    @property
    def dimension(self) -> int:
        """How many numbers an embedding has; 0 without a model."""
        return 0 if self.model is None else self.model.dimension

    @property
    def small_side(self) -> int:
        """Pixels that both sides of a picture keep, where it has them, as it is shrunk while it is decoded."""
        return HASH_SIDE_MIN if self.model is None else max(HASH_SIDE_MIN, self.model.side)

    @property
    def identity(self) -> str:
        """Tells these fingerprints from those of other signals; letters, digits and hyphens."""
        return HASH if self.model is None else f"{HASH}-{self.model.digest[:16]}"

    def method(self) -> dict[str, Any]:
        """Return what similarities depend on besides the fingerprints, as JSON data."""
        scale = json.dumps(self.scale.as_json(), sort_keys=True).encode()
        return {"signals": self.identity, "scale": hashlib.sha256(scale).hexdigest()}


@lru_cache(maxsize=8)
def load_signals(name: str) -> Signals:
    """Return the signals of this name (`hash`, `lite0`, `sscd`), or of the model description at this path.

    Reads descriptions, and the whole model file once; does not load the model. Raises `EngineError`: no such word or
    file, the extra that it needs is not installed, or the description is wrong.
    """
    choice = resolve_signals(name)
    if choice.name == HASH:
        return Signals(HASH, None, HashScale())
    description = choice.description or _DESCRIPTIONS / f"{choice.name}.json"
    model, fusion = read_model(description)
    try:
        return Signals(model.name, model, Fusion.from_json(fusion))
    except (ValueError, KeyError, TypeError) as error:
        raise EngineError(
            f"the fusion of the model description {str(description)!a} is not right ({type(error).__name__}: {error}); "
            "`python -m benchmarks.calibrate` makes one"
        ) from None
