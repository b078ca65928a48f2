"""Explore servers that stand in for those that exist, on loopback, over real HTTP.

`Server` is small and serves what a test puts into it. `cloud(...)` and `on_premises(...)` serve collections, described
by what is true of their pictures, behind the quirks that the documented cloud and the old on-premises build have. Every
quirk has a name in QUIRKS and goes with any other:

    cloud(pets, more=("gzip", "session_cookie"))
    on_premises(pets, without=("ignores_filters",))
    quirky(Server(...).app(), "gzip", "session_cookie")

The cloud's: bearer_token, requires_entity_type, sizes_for_half.
The old build's: gzip, session_cookie, fails_where_it_should_refuse, ignores_filters, host_relative_thumbnails,
counts_nobody_keeps, no_page_metadata, older_statuses, and the switches serves_healthcheck, serves_members,
labels_as_counts, older_counts, thresholds_and_bytes.
Of other builds: ignores_entity_type, and the switch only_filters.
A bad network's and a hostile server's are in `network` and `bodies`.

A switch is carried out by the service behind `cloud` and `on_premises` alone (quirks.py says why); around a `Server` it
does nothing. `gzip` goes first among quirks, because the others read what they change.
"""

from tests.explore_servers import bodies, network, old_builds, tokens
from tests.explore_servers.cloud import CLOUD, cloud
from tests.explore_servers.collection import Collection, Entities, Group, OnDemand, Picture, generated, in_order
from tests.explore_servers.contents import Json, cluster, copies, dataset, engine_copies, image, single
from tests.explore_servers.hearing import Heard, listening
from tests.explore_servers.on_premises import ON_PREMISES, on_premises
from tests.explore_servers.quirks import QUIRKS, quirky
from tests.explore_servers.server import DATASET_ID, Server, engine, engine_count, older_count, plain_count
from tests.explore_servers.stand_in import StandIn

__all__ = [
    "CLOUD",
    "DATASET_ID",
    "ON_PREMISES",
    "QUIRKS",
    "Collection",
    "Entities",
    "Group",
    "Heard",
    "Json",
    "OnDemand",
    "Picture",
    "Server",
    "StandIn",
    "bodies",
    "cloud",
    "cluster",
    "copies",
    "dataset",
    "engine",
    "engine_copies",
    "engine_count",
    "generated",
    "image",
    "in_order",
    "listening",
    "network",
    "old_builds",
    "older_count",
    "on_premises",
    "plain_count",
    "quirky",
    "single",
    "tokens",
]
