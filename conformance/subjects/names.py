"""The public names that a runtime's flows, calls and crews are made of."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from msgspec import Struct


class Names(Struct, frozen=True):
    """A runtime's public names. Those that it needs for what it does not declare may be None."""

    Flow: Any
    start: Any
    listen: Any
    router: Any
    and_: Any
    or_: Any
    #: An event class of the user's own, with a field `note`, and what such classes are made of.
    ProbeEvent: Any
    BaseEvent: Any
    event_bus: Any
    #: What adds a sink `(source, event)` to the context and what takes it back, by the token that the first returns.
    add_stream_sink: Any
    reset_stream_sinks: Any
    #: Contexts `(llm, value)` in which calls of one LLM stream, or stop at these words.
    call_stream_override: Any
    call_stop_override: Any
    #: For turns: the decorator of a flow class, `(llm=…, defer_trace_finalization=…)`, and how its router is set up.
    ConversationConfig: Any = None
    RouterConfig: Any = None
    #: For crews: what they are made of; `tool("name")` is a decorator, which makes a tool of a function.
    Agent: Any = None
    Task: Any = None
    Crew: Any = None
    Process: Any = None
    tool: Any = None
    #: For feedback: the decorator of a method, under `start` and `listen`, and what a provider raises in place of an answer,
    #: and a run that waits has as its value.
    human_feedback: Any = None
    HumanFeedbackPending: Any = None
    #: For feedback and checkpoints: the base class of what keeps states and waiting flows, and what keeps them in a file.
    FlowPersistence: Any = None
    SQLiteFlowPersistence: Any = None
    CheckpointConfig: Any = None


def names_in(places: Mapping[str, str], **own: Any) -> Names:
    """Return the names that modules have: by the name of each, those that are looked up there; and `own` beside them."""
    found = {name: getattr(import_module(place), name) for place, names in places.items() for name in names.split()}
    return Names(**found, **own)
