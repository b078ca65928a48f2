"""The two kinds of model at the door, `Query` and `Record`, and how their schemas read."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.json_schema import DEFAULT_REF_TEMPLATE, GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema


class PlainSchema(GenerateJsonSchema):
    """A JSON schema without titles, and where an optional value is one that may be left out, not a union with null."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """The value's own schema."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """The default, unless it only stands for "left out"."""
        shape = super().default_schema(schema)
        if shape.get("default", 0) is None:
            del shape["default"]
        return shape

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  (pydantic's signature)
        """Never: a field's name is its title."""
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Without the class name as a title."""
        shape = super().model_schema(schema)
        shape.pop("title", None)
        return shape


class _Described(BaseModel):
    @classmethod
    def model_json_schema(
        cls,
        by_alias: bool | None = True,  # noqa: FBT001, FBT002  (pydantic's signature)
        ref_template: str = DEFAULT_REF_TEMPLATE,
        schema_generator: type[GenerateJsonSchema] = PlainSchema,
        mode: JsonSchemaMode = "validation",
        *,
        union_format: Literal["any_of", "primitive_type_array"] = "any_of",
    ) -> dict[str, Any]:
        return super().model_json_schema(
            True if by_alias is None else by_alias, ref_template, schema_generator, mode, union_format=union_format
        )


def _without_description(schema: dict[str, Any]) -> None:
    # The tool has its own; a class's docstring is for those who read the code.
    schema.pop("description", None)


class Query(_Described):
    """A question: strict and closed; an argument that is null is one that was left out."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, json_schema_extra=_without_description
    )

    @model_validator(mode="before")
    @classmethod
    def _null_means_absent(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if value is not None}


class Record(_Described):
    """A part of an answer: closed; what is not known is left out."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
