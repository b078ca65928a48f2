"""The Explore API's objects as they arrive, in every variant that is known; what is not needed is not read.

Strings here are as the server sent them: they pass through `UntrustedText` before anyone reads them.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from lookalike_tools.queries import EntityType

_MOST = 10**12

FEWEST_COPIES = 2
"""A cluster of fewer images is no cluster of duplicates."""


def _no_surrogates(value: Any) -> Any:
    """Lone surrogates are legal in JSON but not in text: they become visible escapes."""
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "backslashreplace").decode()
    return value


def _known(value: Any) -> Any:
    """The contract's "none": -1 where a count is not kept."""
    return None if isinstance(value, (int, float)) and value < 0 else value


def _counts(value: Any) -> Any:
    """Labels and tags: an object of counts; or null, a list of names or of objects with a name, without counts."""
    if isinstance(value, Mapping):
        return {str(name): count for name, count in value.items()}
    if isinstance(value, list):
        names = [item.get("name") if isinstance(item, Mapping) else item for item in value]
        return {name: None for name in names if isinstance(name, str)}
    return {}


def _number(value: Any) -> Any:
    """Progress, whose form is not documented: a number, or nothing that could be passed on."""
    return value if isinstance(value, (int, float)) and abs(value) <= _MOST else None


def _list(value: Any) -> Any:
    return [] if value is None else value


Text = Annotated[str, BeforeValidator(_no_surrogates)]
Count = Annotated[int, Field(ge=0, le=_MOST)]
MaybeCount = Annotated[Count | None, BeforeValidator(_known)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Progress = Annotated[float | None, BeforeValidator(_number)]
Names = Annotated[dict[Text, MaybeCount], BeforeValidator(_counts)]


class Wire(BaseModel):
    """What came from a server: unknown fields are not read, and numbers may stand for text."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)


class Indexing(Wire):
    """How far a first index, or a new one, has come."""

    stage: Text
    done: Count
    total: MaybeCount = None


class Calibration(Wire):
    """The engine's check of its similarity scale against the dataset's own images."""

    checked: bool
    reason: Text | None = None
    similarity: Share | None = None
    expected: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    observed: MaybeCount = None


class SampledPairs(Wire):
    """Of the pairs that sampled images have at a similarity or above, how many an approximate search found."""

    similarity: Share
    recall: Share | None = None
    enough: bool = False


class Sample(Wire):
    """What an approximate search was measured on; the closest level first."""

    images: Count
    levels: list[SampledPairs] = []


class Recall(Wire):
    """How much an approximate search found."""

    sample: Sample


class Search(Wire):
    """How the engine looked for pairs."""

    exact: bool
    floor_raised: bool = False
    recall: Recall | None = None


class SkippedFile(Wire):
    """A file that is not counted as an image."""

    file_path: Text
    reason: Text


class Dataset(Wire):
    """A dataset; `status_new` wins over `status`."""

    id: Identifier
    display_name: Text | None = None
    status: Text | None = None
    status_new: Text | None = None
    fatal_error_msg: Text | None = None
    source_type: Text | None = None
    progress: Progress = None
    n_images: MaybeCount = None
    n_objects: MaybeCount = None
    root_path: Text | None = None
    roots: dict[Text, Text] = {}
    revision: Text | None = None
    similarity_floor: Share | None = None
    n_skipped: MaybeCount = None
    n_uncompared: MaybeCount = None
    skipped_reasons: Names = {}
    skipped: list[SkippedFile] = []
    indexing: Indexing | None = None
    is_refreshing: bool = False
    snapshot_created_at: datetime | None = None
    refresh_error: Text | None = None
    calibration: Calibration | None = None
    search: Search | None = None

    def size(self, entity_type: EntityType) -> int | None:
        """Its images or objects; `None` where the server does not say."""
        return self.n_objects if entity_type == "OBJECTS" else self.n_images


class Preview(Wire):
    """One image of a cluster; `bounding_box`: whether there is one, as only objects have."""

    media_id: Text | None = None
    type: Text | None = None
    bounding_box: Annotated[bool, BeforeValidator(bool)] = False
    file_path: Text | None = None
    file_name: Text | None = None
    media_uri: Text | None = None
    original_uri: Text | None = None
    width: MaybeCount = None
    height: MaybeCount = None
    labels: Names = Field(default_factory=dict[str, int | None])
    file_size: MaybeCount = None
    modified_at: datetime | None = None
    keeper_rank: MaybeCount = None
    relation: Text | None = None
    uniqueness: Share | None = None
    nearest_file_path: Text | None = None
    nearest_similarity: Share | None = None

    @property
    def path(self) -> str:
        """The image's path, else its file name, else the last part of its address."""
        if self.file_path or self.file_name:
            return self.file_path or self.file_name or ""
        address = self.original_uri or self.media_uri or ""
        try:
            return unquote(urlsplit(address).path).rsplit("/", 1)[-1] or "(unnamed)"
        except ValueError:
            return "(unnamed)"

    @property
    def pixels(self) -> int | None:
        """Width times height, where the server says both."""
        return self.width * self.height if self.width and self.height else None


class Cluster(Wire):
    """A cluster with a sample of its members."""

    cluster_id: Identifier
    n_images: MaybeCount = None
    n_objects: MaybeCount = None
    previews: Annotated[list[Preview], BeforeValidator(_list)] = []
    labels: Names = Field(default_factory=dict[str, int | None])
    user_tags: Names = Field(default_factory=dict[str, int | None])
    short_id: Identifier | None = None
    exact: bool | None = None
    lowest_similarity: Share | None = None
    removable_bytes: MaybeCount = None
    keeper_reason: Text | None = None

    def size(self, entity_type: EntityType) -> int:
        """Members, previews or not; the number of previews where the server counts nothing."""
        counted = self._counted(entity_type)
        return len(self.previews) if counted is None else counted

    def is_counted(self, entity_type: EntityType) -> bool:
        """Whether the server says how many members there are."""
        return self._counted(entity_type) is not None

    def _counted(self, entity_type: EntityType) -> int | None:
        return self.n_objects if entity_type == "OBJECTS" and self.n_objects is not None else self.n_images


class PageMetadata(Wire):
    """What a page says about itself."""

    applied_filters: list[Text] | None = None
    revision: Text | None = None


class Page(Wire):
    """Up to 100 clusters."""

    clusters: Annotated[list[Cluster], BeforeValidator(_list)] = []
    metadata: PageMetadata | None = None


class WireTotals(Wire):
    """The engine's own totals."""

    images: Count
    clustered: Count
    single: Count
    clusters: Count
    removable: Count
    bytes_removable: MaybeCount = None
    skipped: MaybeCount = None
    aliases: MaybeCount = None


class WireSize(Wire):
    """How many clusters have `n` images."""

    n: Count
    clusters: Count


class WireGroup(Wire):
    """A first-level folder."""

    name: Text
    images: Count
    removable: Count


class WirePair(Wire):
    """Two groups and the clusters that span them."""

    a: Text
    b: Text
    clusters: Count


class Metadata(Wire):
    """Counts for the same filters as a page, in either of the forms that are known."""

    cluster_count: MaybeCount = Field(default=None, validation_alias=AliasChoices("cluster_count", "clusters_count"))
    media_count: MaybeCount = None
    applied_filters: list[Text] | None = None
    revision: Text | None = None
    totals: WireTotals | None = None
    sizes: list[WireSize] | None = None
    closest_similarity: Share | None = None
    highest_uniqueness: Share | None = None
    groups: list[WireGroup] | None = None
    groups_total: MaybeCount = None
    across: list[WirePair] | None = None
    across_total: MaybeCount = None


class Anchor(Wire):
    """One picture that was compared with a dataset, or why it was not."""

    refusal: Text | None = None
    width: MaybeCount = None
    height: MaybeCount = None
    compared: bool = True
    file_path: Text | None = None


class AlikeImage(Wire):
    """An image beside the picture that was asked about."""

    file_path: Text
    width: Count
    height: Count
    similarity: Share
    exact_copy: bool
    relation: Text
    short_id: Identifier | None = None


class Alike(Wire):
    """Up to 100 of the images that are alike to one picture, and the nearest image whether it is alike or not."""

    anchor: Anchor
    n_images: Count
    n_exact: Count
    images: list[AlikeImage]
    nearest: AlikeImage | None = None


State = Literal["DRAFT", "INDEXING", "READ ONLY", "PARTIAL INDEX", "READY", "ERROR", "UNKNOWN"]

_OLDER_STATES: Mapping[str, State] = {
    "NEW": "DRAFT",
    "INITIALIZING": "INDEXING",
    "PRE PROCESSING": "INDEXING",
    "UPLOADING": "INDEXING",
    "SAVING": "INDEXING",
    "ENRICHING": "INDEXING",
    "FATAL ERROR": "ERROR",
    "DRAFT": "DRAFT",
    "INDEXING": "INDEXING",
    "READ ONLY": "READ ONLY",
    "PARTIAL INDEX": "PARTIAL INDEX",
    "READY": "READY",
    "ERROR": "ERROR",
}


def state_of(dataset: Dataset) -> State:
    """The dataset's status in the Explore words, from either field, spelled with spaces or underscores."""
    spelled = dataset.status_new or dataset.status
    if spelled is None:
        return "UNKNOWN"
    return _OLDER_STATES.get(" ".join(spelled.upper().replace("_", " ").split()), "UNKNOWN")
