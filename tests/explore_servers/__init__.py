"""Explore servers that stand in for those that exist, on loopback, over real HTTP."""

from tests.explore_servers import bodies, network, old_builds
from tests.explore_servers.contents import Json, cluster, copies, engine_copies, image, single
from tests.explore_servers.hearing import Heard, listening
from tests.explore_servers.quirks import QUIRKS, quirky
from tests.explore_servers.server import DATASET_ID, Server, engine, engine_count, older_count, plain_count

__all__ = [
    "DATASET_ID",
    "QUIRKS",
    "Heard",
    "Json",
    "Server",
    "bodies",
    "cluster",
    "copies",
    "engine",
    "engine_copies",
    "engine_count",
    "image",
    "listening",
    "network",
    "old_builds",
    "older_count",
    "plain_count",
    "quirky",
    "single",
]
