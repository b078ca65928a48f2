"""What a tool publishes about its arguments."""

from typing import Any

from pydantic import BaseModel


def input_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The closed JSON Schema of a query model, without the model's own docstring: it is written for developers."""
    schema = model.model_json_schema()
    schema.pop("description", None)
    return schema
