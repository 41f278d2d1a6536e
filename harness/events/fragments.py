"""What a chunk says of a tool call whose arguments are still coming."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from harness.validation import UserModel


class FunctionCall:
    """The function that a tool call names. `arguments` is JSON text, cumulative over the chunks so far.

    The chunks of one call share one list of deltas, each with its own place in it; the text is joined when read.
    """

    __slots__ = ("_count", "_deltas", "name")

    def __init__(self, name: str | None = None, arguments: str = "", *, deltas: list[str] | None = None) -> None:
        self.name = name
        self._deltas = [arguments] if deltas is None else deltas
        self._count = len(self._deltas)

    @property
    def arguments(self) -> str:
        """The arguments' text up to this chunk."""
        return "".join(self._deltas[: self._count])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FunctionCall):
            return NotImplemented
        return (self.name, self.arguments) == (other.name, other.arguments)

    def __hash__(self) -> int:
        return hash((self.name, self.arguments))

    def __repr__(self) -> str:
        return f"FunctionCall(name={self.name!r}, arguments={self.arguments!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def function_call(value: Any) -> FunctionCall:
            if isinstance(value, FunctionCall):
                return value
            if isinstance(value, Mapping) and set(value) <= {"name", "arguments"}:
                return FunctionCall(value.get("name"), value.get("arguments") or "")
            raise ValueError("a function call is a FunctionCall or {name, arguments}")

        return core_schema.no_info_plain_validator_function(
            function_call,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda call: {"name": call.name, "arguments": call.arguments}
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: object) -> dict[str, Any]:
        name = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
        arguments = {"type": "string", "default": ""}
        properties = {"name": name, "arguments": arguments}
        return {"type": "object", "properties": properties, "additionalProperties": False}


class ToolCallFragment(UserModel):
    """What a tool-call chunk says of its call; `index` counts the calls of one response from 0."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    id: str | None = None
    type: str = "function"
    index: int = 0
    function: FunctionCall
