"""Overrides of one frame's making, which several areas share: its fields, or its payload, with some values replaced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from harness import StreamFrame

#: Where a frame gets its fields from what the timeline keeps of it, and where its payload and namespace are made for that.
FIELDS: Final = "harness.frames.frame:StreamFrame._fill"
PAYLOAD: Final = "harness.frames.frame:payload_of"
NAMESPACE: Final = "harness.frames.frame:namespace_of"

#: From a sound frame to the values that are to stand in it instead.
Values = Callable[[StreamFrame], dict[str, Any]]


def fields_with(values: Values) -> Callable[[Any], Any]:
    """Return what makes frames have some values replaced, which nothing validates."""

    def breaks(fill: Callable[..., None]) -> Callable[..., None]:
        def broken(frame: StreamFrame, record: Any) -> None:
            fill(frame, record)
            for name, value in values(frame).items():
                object.__setattr__(frame, name, value)

        return broken

    return breaks


def payload_with(change: Callable[[Any, Any], None]) -> Callable[[Any], Any]:
    """Return what makes every payload go through `change(record, payload)` once it has been made."""

    def breaks(payload_of: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def broken(record: Any) -> Any:
            payload = payload_of(record)
            change(record, getattr(payload, "base", payload))
            return payload

        return broken

    return breaks


def put(payload: Any, name: str, value: Any) -> None:
    """Put a value into a payload, which is closed to change for everybody else."""
    dict.__setitem__(payload, name, value)
