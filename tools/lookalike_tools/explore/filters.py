"""The filters of a question, as the parameters that Explore servers know."""

import json
from dataclasses import dataclass
from typing import Literal

from lookalike_tools.queries import EntityType

FilterName = Literal["duplicates", "uniqueness"]
Spelling = Literal["vql", "duplicate_threshold"]


@dataclass(frozen=True)
class Filter:
    """One filter (or none, where `name` is `None`) on one kind of entity, in one of the spellings."""

    name: FilterName | None
    value: float
    entity_type: EntityType
    spelling: Spelling = "vql"

    def params(self) -> dict[str, str]:
        """The query parameters; the granularity level 0 and the entity type are always among them."""
        params = {"threshold": "0", "entity_type": self.entity_type}
        if self.name is not None and self.spelling == "vql":
            params["vql"] = json.dumps([{self.name: {"op": self.name, "value": self.value}}])
        elif self.name is not None:
            params["duplicate_threshold"] = json.dumps(self.value)
        return params

    def without(self) -> "Filter":
        """The same question, unfiltered."""
        return Filter(None, self.value, self.entity_type)

    def spelled(self, spelling: Spelling) -> "Filter":
        """The same filter in another spelling."""
        return Filter(self.name, self.value, self.entity_type, spelling)

    def at(self, value: float) -> "Filter":
        """The same filter at another value."""
        return Filter(self.name, value, self.entity_type, self.spelling)

    def about(self, entity_type: EntityType) -> "Filter":
        """The same filter on another kind of entity."""
        return Filter(self.name, self.value, entity_type, self.spelling)
