"""Values of which a run's memory is made: plain, saved as JSON, and read again from what may be no such JSON."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, structs
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Saveable(Struct):
    """A value of such parts. Where pydantic reads one, it names the part that does not fit."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        parts = {
            part.name: core_schema.typed_dict_field(handler.generate_schema(part.type), required=part.required)
            for part in structs.fields(cls)
        }
        return core_schema.no_info_after_validator_function(
            lambda read: cls(**read), core_schema.typed_dict_schema(parts)
        )
