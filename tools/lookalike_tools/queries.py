"""The arguments of the three tools."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from lookalike_tools.schema import Query

EntityType = Literal["IMAGES", "OBJECTS"]


def _integral(value: Any) -> Any:
    """To JSON Schema, and to clients that only know floating point, 20.0 is an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_Whole = Annotated[int, BeforeValidator(_integral)]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
_Dataset = Annotated[
    _Text | None,
    Field(description="Dataset name, id, or path of a served folder. Leave it out if there is just one."),
]
_Similarity = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        description="Lowest similarity of any two images in a cluster; 1 = pixel-equal. Folders: 0.7 or more.",
    ),
]
_Cursor = Annotated[_Text | None, Field(description="next_cursor of the page before; repeat the other arguments.")]
_Entities = Annotated[
    EntityType, Field(description="IMAGES: whole images. OBJECTS: detected objects, on servers that have them.")
]


class DuplicatesQuery(Query):
    """What `find_duplicates` is asked."""

    dataset: _Dataset = None
    similarity: _Similarity = 0.95
    limit: _Whole = Field(default=20, ge=1, le=100, description="Clusters per page.")
    cursor: _Cursor = None
    entity_type: _Entities = "IMAGES"
    image: Annotated[str, StringConstraints(min_length=1, max_length=4096)] | None = Field(
        default=None,
        description=(
            "List only what is alike to this one image: full path of a file on this machine, or path of an image of the"
            " dataset. Local folders only; limit then counts matches."
        ),
    )


class UniqueQuery(Query):
    """What `find_unique` is asked."""

    dataset: _Dataset = None
    uniqueness: float = Field(
        default=0.8, ge=0, le=1, description="Lowest uniqueness to list; a rank, not a similarity."
    )
    limit: _Whole = Field(default=20, ge=1, le=100, description="Images per page.")
    cursor: _Cursor = None
    entity_type: _Entities = "IMAGES"


class SummaryQuery(Query):
    """What `summarize_clusters` is asked."""

    dataset: _Dataset = None
    similarity: _Similarity = 0.95
    group_by: Literal["folder", "label"] | None = Field(
        default=None, description="Also count by first folder below the root, or by label on servers with labels."
    )
