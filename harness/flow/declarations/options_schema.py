"""What a declaration says of a flow beside its methods: the options of its constructor, where its states are kept."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from harness.flow.declarations.part import Declared, Reference, Values

#: The `persistence_type` of a SQLite file.
SQLITE: Final = "SQLiteFlowPersistence"


def _place(value: Any) -> Any:
    return {"ref": value} if isinstance(value, str) else value


class DeclaredPlace(Declared):
    """Something in Python: an instance, or what makes one."""

    ref: Reference


#: The same as `{ref: …}`, or as its reference alone.
AnyPlace = Annotated[DeclaredPlace, BeforeValidator(_place)]


class DeclaredStore(Declared):
    """Where states are kept: a persistence in Python, a SQLite file, or a `FlowPersistence` by its name, with its fields."""

    model_config = ConfigDict(extra="allow")

    ref: Reference | None = None
    persistence_type: str | None = None
    db_path: str | None = None

    @model_validator(mode="after")
    def _check_single(self) -> Self:
        if (self.ref is None) == (self.persistence_type is None):
            raise ValueError(
                "states are kept in the ref of a persistence, or by persistence_type: SQLiteFlowPersistence"
            )
        if self.model_extra and self.persistence_type in (None, SQLITE):
            raise ValueError(f"there is no such field: {', '.join(self.model_extra)}")
        return self


class DeclaredPersistence(Declared):
    """Whether states are kept, and where."""

    enabled: bool = True
    verbose: bool = False
    persistence: Annotated[DeclaredStore, BeforeValidator(_place)] | None = None


class DeclaredCheckpoints(Declared):
    """Whether a flow writes checkpoints, and where; see `CheckpointConfig`."""

    enabled: bool = True
    location: str | None = None
    on_events: list[str] | None = None
    provider: Literal["json", "jsonl", "sqlite"] | None = None
    max_checkpoints: int | None = Field(default=None, ge=1)
    restore_from: str | None = None

    @field_validator("provider", mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        return value.get("provider_type") if isinstance(value, dict) else value


class DeclaredConfig(Declared):
    """Options of the flow, as its constructor takes them."""

    stream: bool | None = None
    max_method_calls: int | None = Field(default=None, ge=1)
    suppress_flow_events: bool | None = None
    defer_trace_finalization: bool | None = None
    input_provider: AnyPlace | None = None
    checkpoint: bool | DeclaredCheckpoints | None = None
    tracing: bool | None = None
    memory: Values | None = None

    @field_validator("tracing", "memory")
    @classmethod
    def _refuse_unsupported(cls, value: Any) -> Any:
        if value:
            raise ValueError("traces are sent nowhere, and there is no memory: leave it out")
        return value
