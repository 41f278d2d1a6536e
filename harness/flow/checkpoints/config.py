"""What a flow is told of checkpoints: where they are written, at which events, and from which one a run begins."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, field_validator

from harness.events import BaseEvent
from harness.flow.checkpoints.json_files import JsonProvider
from harness.flow.checkpoints.json_lines import JsonLinesProvider
from harness.flow.checkpoints.provider import CheckpointProvider
from harness.frames.channels import CHANNEL_OF
from harness.validation import UserModel

#: The events of a flow's own, at which it is known what the run has done; all others are met wherever they are published.
OF_FLOWS: Final = frozenset(
    {
        "flow_started",
        "method_execution_finished",
        "method_execution_paused",
        "flow_paused",
        "flow_finished",
        "flow_failed",
    }
)


def _provider(value: Any) -> Any:
    from harness.flow.checkpoints.sqlite import SqliteProvider  # not every program writes to SQLite

    named: dict[str, type[CheckpointProvider]] = {
        "json": JsonProvider,
        "jsonl": JsonLinesProvider,
        "sqlite": SqliteProvider,
    }
    if isinstance(value, str):
        if value not in named:
            raise ValueError(
                f"a provider of checkpoints is 'json', 'jsonl', 'sqlite' or a CheckpointProvider, not {value!r}"
            )
        return named[value]()
    return value


def _as_text(value: Any) -> Any:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _types_below(event_class: type[BaseEvent]) -> Iterator[str]:
    """Yield the types of events that the subclasses of a class are."""
    for below in event_class.__subclasses__():
        own = below.model_fields["type"].default
        if isinstance(own, str):
            yield own
        yield from _types_below(below)


class CheckpointConfig(UserModel):
    """Where and when checkpoints are written, and which one a run begins from."""

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True, extra="forbid", defer_build=True)

    #: A folder, or for SQLite a file.
    location: Annotated[str, BeforeValidator(_as_text)] = "./.checkpoints"
    #: The types of events at which one is written; `"*"` is every event. One of your own is known once its class is there.
    on_events: list[str] = Field(default_factory=lambda: ["task_completed"])
    #: `"json"`, `"jsonl"`, `"sqlite"`, or an object.
    provider: Annotated[CheckpointProvider, BeforeValidator(_provider)] = Field(default_factory=JsonProvider)
    #: How many of a branch are kept, the newest; None keeps all.
    max_checkpoints: int | None = Field(default=None, ge=1)
    #: The checkpoint from which a run begins, as `checkpoint_completed` names it; None begins anew.
    restore_from: Annotated[str | None, BeforeValidator(_as_text)] = None

    if TYPE_CHECKING:
        # A type checker holds what is given to the type of the field, but for what is said here.
        def __init__(
            self,
            *,
            location: str | os.PathLike[str] = ...,
            on_events: list[str] = ...,
            provider: CheckpointProvider | Literal["json", "jsonl", "sqlite"] = ...,
            max_checkpoints: int | None = ...,
            restore_from: str | os.PathLike[str] | None = ...,
        ) -> None: ...

    @field_validator("on_events")
    @classmethod
    def _check_events(cls, types: list[str]) -> list[str]:
        unknown = [name for name in types if name != "*" and name not in CHANNEL_OF]
        own = set(_types_below(BaseEvent)) if unknown else set()
        for name in unknown:
            if name not in own:
                raise ValueError(f"no event has the type {name!r}; there are {', '.join(sorted({*CHANNEL_OF, *own}))}")
        return types

    def writes_at(self, event_type: str) -> bool:
        """Whether one is written at an event of this type."""
        return event_type in self.on_events or "*" in self.on_events
