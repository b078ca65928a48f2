"""What the engine is asked to serve: named datasets, each of one or more folders, and the limits it keeps."""

import os
from dataclasses import dataclass, field
from pathlib import Path

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FolderDataset:
    """A dataset made of one folder, or of several joined into one so that copies across them are found."""

    name: str
    folders: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Where indexes are kept and what the engine refuses to open."""

    cache_dir: Path
    """Indexes live here, one folder per dataset. The picture folders themselves are only ever read."""
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    """Threads that decode pictures."""
    max_pixels: int = 268_435_456
    """A picture with more pixels is skipped as too large (256 Mpx: above any camera, below a decompression bomb)."""
    max_file_bytes: int = 512 * MEBIBYTE
    """A larger file is skipped as too large."""
    refresh_after_seconds: float = 60.0
    """A question to a folder last looked at longer ago than this walks it again."""
    signals: str = "lite0"
    """Which signals are compared: `hash` alone, `lite0` (hash and the built-in embedding), `sscd` (hash and the
    embedding of the extra `sscd`), or the path of a model description."""
    checks_any_file: bool = False
    """Whether a question may name an image outside the served folders to have it compared with a dataset. Only where
    the one who asks is the user of this process: others would learn which files are images, and of what."""
    background: bool = True
    """Whether what takes long happens in a process of its own and lets everything else go first; else in a thread."""
