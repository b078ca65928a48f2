"""The old on-premises build."""

from tests.explore_servers.collection import Collection
from tests.explore_servers.stand_in import StandIn

ON_PREMISES = (
    "gzip",
    "session_cookie",
    "fails_where_it_should_refuse",
    "ignores_filters",
    "serves_healthcheck",
    "serves_members",
    "host_relative_thumbnails",
    "counts_nobody_keeps",
    "labels_as_counts",
    "no_page_metadata",
    "older_counts",
    "older_statuses",
    "thresholds_and_bytes",
)


def on_premises(*collections: Collection, more: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> StandIn:
    """The build, with quirks taken away and others around it. It asks for no credential."""
    return StandIn.of(collections, ON_PREMISES, more, without)
