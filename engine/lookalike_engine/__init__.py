"""The embedded Explore service: a folder of images in, the Explore API out.

engine = Engine([FolderDataset("pets", (Path("~/Pictures/pets").expanduser(),))], EngineSettings(cache_dir))
...  # serve engine.app over HTTP, or call it in-process as an ASGI application
engine.close()
"""

from lookalike_engine.dataset import EngineSettings, FolderDataset
from lookalike_engine.engine import Engine
from lookalike_engine.errors import EngineError
from lookalike_engine.signal_names import DEFAULT_SIGNALS, SignalChoice, resolve_signals, signals_beside

__all__ = [
    "DEFAULT_SIGNALS",
    "Engine",
    "EngineError",
    "EngineSettings",
    "FolderDataset",
    "SignalChoice",
    "resolve_signals",
    "signals_beside",
]
