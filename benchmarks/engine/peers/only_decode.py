"""No peer but the ceiling: every file decoded to 224 pixels or so on two processes, and nothing done with it."""

import io
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import simplejpeg
from PIL import Image

from benchmarks.engine.peers.answer import folder, give

PROCESSES = 2
_SIDE = 224


def decode(path: Path) -> int:
    """One file, JPEGs scaled down while decoding; the number of bytes of its pixels."""
    data = path.read_bytes()
    if simplejpeg.is_jpeg(data):
        return int(
            simplejpeg.decode_jpeg(data, fastdct=True, fastupsample=True, min_height=_SIDE, min_width=_SIDE).nbytes
        )
    with Image.open(io.BytesIO(data)) as opened:
        return len(opened.convert("RGB").tobytes())


def main() -> None:
    """Decode everything; no clusters."""
    files = sorted(folder().iterdir())
    with ProcessPoolExecutor(PROCESSES) as pool:
        assert all(pool.map(decode, files, chunksize=16))
    give([], ["simplejpeg", "pillow"])


if __name__ == "__main__":
    main()
