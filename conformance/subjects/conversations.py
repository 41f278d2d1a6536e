"""Conversational flows, made from programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from conformance.stage.programs import ConversationProgram, Method, route_to


@dataclass(frozen=True)
class ConversationNames:
    """What it takes to make a flow conversational, under the name that this runtime has for it."""

    #: The decorator of a flow class, `(llm=…, defer_trace_finalization=…)`.
    ConversationConfig: Any


def handling(handler: Method) -> Method:
    """Return `handler` as a method of a flow: it listens to its label, which must not be its own name."""
    return replace(handler, after=(_label(handler),))


def conversational(
    names: ConversationNames, flow_class: Any, program: ConversationProgram, handlers: Mapping[str, Any], llm: Any
) -> Any:
    """Return the class of a conversation: a subclass of `flow_class` with these methods, by name.

    `llm` is what gives the built-in answer.
    """

    def route_turn(self: Any, context: Any) -> str | None:
        message = str(self.state.current_user_message)
        return next((_label(handler) for handler in program.handlers if route_to(handler.name) in message), None)

    made = type(program.name, (flow_class,), {**handlers, "route_turn": route_turn})
    return names.ConversationConfig(llm=llm, defer_trace_finalization=program.deferred)(made)


def _label(handler: Method) -> str:
    return f"to_{handler.name}"
