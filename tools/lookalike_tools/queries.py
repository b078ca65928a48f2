"""The arguments of the three tools."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from lookalike_tools.schema import Query

EntityType = Literal["IMAGES", "OBJECTS"]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class DuplicatesQuery(Query):
    """What `find_duplicates` is asked."""

    dataset: _Text | None = Field(
        default=None, description="Dataset name, id, or path of a served folder. May be left out if there is just one."
    )
    similarity: float = Field(
        default=0.95, ge=0, le=1, description="Least similarity within a cluster; 1 = pixel-equal only."
    )
    limit: int = Field(default=20, ge=1, le=100, description="Clusters per page.")
    cursor: _Text | None = Field(default=None, description="next_cursor of the page before.")
    entity_type: EntityType = Field(
        default="IMAGES", description="OBJECTS compares detected objects, where there are any."
    )


class UniqueQuery(Query):
    """What `find_unique` is asked."""

    dataset: _Text | None = Field(
        default=None, description="Dataset name, id, or path of a served folder. May be left out if there is just one."
    )
    uniqueness: float = Field(default=0.8, ge=0, le=1, description="Least uniqueness.")
    limit: int = Field(default=20, ge=1, le=100, description="Images per page.")
    cursor: _Text | None = Field(default=None, description="next_cursor of the page before.")
    entity_type: EntityType = Field(
        default="IMAGES", description="OBJECTS compares detected objects, where there are any."
    )


class SummaryQuery(Query):
    """What `summarize_clusters` is asked."""

    dataset: _Text | None = Field(
        default=None, description="Dataset name, id, or path of a served folder. May be left out if there is just one."
    )
    similarity: float = Field(
        default=0.95, ge=0, le=1, description="Least similarity within a cluster; 1 = pixel-equal only."
    )
    group_by: Literal["folder", "label"] | None = Field(
        default=None, description="Also split by first folder below the root, or by label where the server has labels."
    )
