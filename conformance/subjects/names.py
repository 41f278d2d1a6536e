"""The public names that a runtime's flows and calls are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Names:
    """A runtime's public names, under the names that this runtime has for them."""

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
