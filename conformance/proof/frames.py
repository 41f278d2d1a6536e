"""Overrides of what is seen of a run, which several areas share: a frame's fields, its payload, and whether it comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from conformance.proof.saboteur import changing, replacing
from harness import StreamFrame

#: Where a frame gets its fields from what the timeline keeps of it, and where its payload and namespace are made for that.
FIELDS: Final = "harness.frames.frame:StreamFrame._lazy_fill"
PAYLOAD: Final = "harness.frames.frame:payload_of"
NAMESPACE: Final = "harness.frames.frame:namespace_of"
#: Where a timeline is given events.
ACCEPT: Final = "harness.frames.timeline:Timeline.accept"


def fields_with(values: Callable[[StreamFrame], dict[str, Any]]) -> Callable[[Any], Any]:
    """Return what has some values of sound frames replaced, which nothing validates."""

    @replacing
    def fill(sound: Any, frame: StreamFrame, record: Any) -> None:
        sound(frame, record)
        for name, value in values(frame).items():
            object.__setattr__(frame, name, value)

    return fill


def payload_with(change: Callable[[Any, Any], None]) -> Callable[[Any], Any]:
    """Return what makes every payload go through `change(record, payload)` once it has been made."""

    @replacing
    def payload_of(sound: Any, record: Any) -> Any:
        payload = sound(record)
        change(record, getattr(payload, "base", payload))
        return payload

    return payload_of


def put(payload: Any, name: str, value: Any) -> None:
    """Put a value into a payload, which is closed to change for everybody else."""
    dict.__setitem__(payload, name, value)


def omitting(name: str) -> Callable[[Any], Any]:
    """Return what takes one key out of every mapping that a function returns."""
    return changing(lambda mapping: {key: value for key, value in mapping.items() if key != name})


def hiding(*types: str) -> Callable[[Any], Any]:
    """Return what keeps events of these types from timelines."""

    @replacing
    def accept(sound: Any, timeline: Any, source: Any, event: Any, scope: Any) -> None:
        if event.type not in types:
            sound(timeline, source, event, scope)

    return accept
