"""The bus: where an event belongs, the listeners, and the way from an emitter to both."""

from __future__ import annotations

from harness.bus.bus import aemit, emit
from harness.bus.bus_object import (
    BaseEventListener,
    EventBus,
    SinkToken,
    add_stream_sink,
    event_bus,
    reset_stream_sinks,
)
from harness.bus.order import CircularDependencyError, Depends
from harness.bus.replay import is_replaying

__all__ = [
    "BaseEventListener",
    "CircularDependencyError",
    "Depends",
    "EventBus",
    "SinkToken",
    "add_stream_sink",
    "aemit",
    "emit",
    "event_bus",
    "is_replaying",
    "reset_stream_sinks",
]
