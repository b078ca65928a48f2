"""Hashes and embeddings of pictures that were never taken, which lie as those of photographs do."""

import numpy as np
from numpy.typing import NDArray

from lookalike_engine.orientation import Orientation

DIM = 96


def grids(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    """Pictures of 64 x 64 whose detail falls with its frequency, as that of photographs does."""
    frequency = np.hypot(*np.meshgrid(np.arange(64), np.arange(64))) + 1
    spectrum = rng.normal(size=(count, 64, 64)) / frequency**1.3
    cosines = np.cos(np.pi / 64 * np.arange(64)[:, None] * (np.arange(64) + 0.5))
    return (128 + 40 * (cosines.T @ spectrum @ cosines)).astype(np.float32)


def turned(grid: NDArray[np.float32], orientation: Orientation) -> NDArray[np.float32]:
    steps = orientation.steps
    grid = grid.T if steps.transpose else grid
    grid = grid[::-1] if steps.flip_rows else grid
    return grid[:, ::-1] if steps.flip_columns else grid


def whole(vectors: NDArray[np.float64]) -> NDArray[np.int16]:
    """Embeddings of these directions, as they are stored."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    numbers: NDArray[np.int16] = np.rint(unit * 4000).astype(np.int16)
    return numbers


def topics(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Vectors in loose clouds, as embeddings lie; any two are below 0.8 or hardly above."""
    clouds = rng.normal(size=(12, DIM))
    return 0.8 * clouds[rng.integers(12, size=count)] + rng.normal(size=(count, DIM))
