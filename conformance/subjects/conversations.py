"""Conversational flows, made from programs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from conformance.stage.programs import ConversationProgram, label_of, route_to
from conformance.subjects.names import Names


def conversational(
    names: Names, program: ConversationProgram, handlers: Mapping[str, Any], llm: Any, chooser: Any = None
) -> Any:
    """Return the class of a conversation with these methods, whose built-in answer `llm` gives; `chooser` chooses."""

    def route_turn(self: Any, context: Any) -> str | None:
        message = str(self.state.current_user_message)
        return next((label_of(handler.name) for handler in program.handlers if route_to(handler.name) in message), None)

    settings: dict[str, Any] = {"llm": llm, "defer_trace_finalization": program.deferred}
    if chooser is not None and program.asker == "router":
        made = type(program.name, (names.Flow,), dict(handlers))
        settings["router"] = names.RouterConfig(llm=chooser)
    else:
        made = type(program.name, (names.Flow,), {**handlers, "route_turn": route_turn})
        if chooser is not None:
            settings["intent_llm" if program.asker == "intents" else "answer_from_history_llm"] = chooser
    with warnings.catch_warnings():
        # The reference is about to give up answering from history.
        warnings.simplefilter("ignore", DeprecationWarning)
        return names.ConversationConfig(**settings)(made)
