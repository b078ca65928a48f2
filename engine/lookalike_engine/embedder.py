"""Turns pictures into embeddings with a model that onnxruntime runs.

An embedding is stored as whole numbers: the unit vector times `NORM`, rounded. Then every product of two embeddings,
and every partial sum of one, is a whole number below 2**24, which 32-bit floating point holds exactly: whatever order a
BLAS adds in, the cosine of two pictures is the same to the bit. Rounding moves a cosine by some 0.0001.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lookalike_engine.decode import Picture
from lookalike_engine.errors import EngineError
from lookalike_engine.model import Model

if TYPE_CHECKING:
    import onnxruntime

NORM: Final = 4000
"""Its square, 16,000,000, is below 2**24 with room for rounding."""


class Embedder:
    """Runs one model. `embed` may be called from several threads at once; each call uses its own thread alone."""

    def __init__(self, model: Model) -> None:
        """Load the model. Raises `EngineError` where it cannot be loaded, or is not as its description says."""
        self._model = model
        self._session = _session(model)
        self._mean = np.asarray(model.mean, dtype=np.float32)
        self._std = np.asarray(model.std, dtype=np.float32)
        found = self.embed_pixels(np.zeros((model.side, model.side, 3), dtype=np.uint8)).shape
        if found != (model.dimension,):
            raise EngineError(f"the model {model.name!a} gives {found}, its description says {model.dimension}")

    def embed(self, picture: Picture) -> NDArray[np.int16]:
        """Return a picture's embedding, int16 (dimension,), of norm about `NORM`; zeros where a model gives none."""
        return self.embed_pixels(squared(picture, self._model.side))

    def embed_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.int16]:
        """Return the embedding of a square RGB picture, uint8 (side, side, 3).

        One picture at a time: as fast as batches on CPUs, and its outcome does not depend on what else is in a batch.
        """
        data: NDArray[np.uint8] | NDArray[np.float32] = pixels
        if self._model.type == "float32":
            data = (pixels.astype(np.float32) - self._mean) / self._std
        if self._model.layout == "NCHW":
            data = data.transpose(2, 0, 1)
        outputs = self._session.run(
            [self._model.output_name], {self._model.input_name: np.ascontiguousarray(data)[None]}
        )
        return whole_numbers(np.asarray(outputs[0], dtype=np.float32).reshape(-1))


@lru_cache(maxsize=2)
def embedder_for(model: Model) -> Embedder:
    """Return the loaded model; the last two stay loaded."""
    return Embedder(model)


def whole_numbers(embedding: NDArray[np.float32]) -> NDArray[np.int16]:
    """Return the direction of a vector (dimension,) as whole numbers of norm about `NORM`; zeros for no direction.

    Raises `EngineError` where the vector is not finite.
    """
    norm = float(np.linalg.norm(embedding))
    if not np.isfinite(norm):
        raise EngineError("the model gives numbers that are not finite; choose other signals, or mend its description")
    if norm == 0:
        return np.zeros(len(embedding), dtype=np.int16)
    whole: NDArray[np.int16] = np.rint(embedding * (NORM / norm)).astype(np.int16)
    return whole


def squared(picture: Picture, side: int) -> NDArray[np.uint8]:
    """Return the whole picture brought to a square, whatever its shape; uint8 (side, side, 3)."""
    image = Image.fromarray(np.ascontiguousarray(picture.pixels))
    resized = image.resize((side, side), Image.Resampling.BILINEAR, box=(0, 0, picture.columns, picture.rows))
    return np.asarray(resized)


def _session(model: Model) -> "onnxruntime.InferenceSession":
    import onnxruntime  # noqa: PLC0415 - a tenth of a second, for those alone who index

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(model.path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises many kinds, none of which it documents
        raise EngineError(f"the model {str(model.path)!a} cannot be loaded ({type(error).__name__})") from error
    if model.input_name not in {each.name for each in session.get_inputs()}:
        raise EngineError(f"the model {model.name!a} has no input {model.input_name!a}")
    if model.output_name not in {each.name for each in session.get_outputs()}:
        raise EngineError(f"the model {model.name!a} has no output {model.output_name!a}")
    return session
