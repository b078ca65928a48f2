"""What a client remembers of a server's counts, member lists and exports."""

import asyncio
from dataclasses import dataclass, field

from lookalike_tools.errors import ExportFailed
from lookalike_tools.explore.expiring import Expiring
from lookalike_tools.explore.exported_images import Export

_MOST_EXPORTS = 2
"""One may hold a million images."""


@dataclass(frozen=True)
class Memory:
    """Datasets by id, where it is about exports by their state too.

    `uncounted` are those whose server gives no counts, `memberless` those whose server lists no members of a cluster.
    `export_tasks` are the ids of exports under way. `exporting` is held while one is asked for: two questions at once
    share it.
    """

    uncounted: Expiring[bool] = field(default_factory=Expiring[bool])
    memberless: Expiring[bool] = field(default_factory=Expiring[bool])
    exports: Expiring[Export] = field(default_factory=lambda: Expiring[Export](_MOST_EXPORTS))
    export_tasks: Expiring[str] = field(default_factory=Expiring[str])
    export_failures: Expiring[ExportFailed] = field(default_factory=Expiring[ExportFailed])
    exporting: asyncio.Lock = field(default_factory=asyncio.Lock)
