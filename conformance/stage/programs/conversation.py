"""A conversation: a flow whose runs are turns, each with a message of the user's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from conformance.stage.programs.flow import Method
from conformance.stage.programs.script import Script


@dataclass(frozen=True)
class ConversationProgram:
    """A conversational flow, to be streamed turn by turn; needs the capability turn.

    The user's message says what becomes of its turn: `[route NAME]` gives it to the handler of that name, and
    `[script N]`, which `ScriptedProvider.prompt_for` writes, is how the model of the built-in answer answers it.
    """

    #: Each answers the turns that name it, and has no `after`. All other turns are left to the built-in answer.
    handlers: tuple[Method, ...] = ()
    #: Said of the LLM of the built-in answer when it was made; None says nothing.
    stream: bool | None = None
    #: Whether one flow is started by the first turn and finished when the conversation is, or each turn has its own.
    deferred: bool = True
    #: How a model answers that is asked for the route of each turn, or that classifies a turn with intents. Messages then
    #: name no handlers. None asks no such model.
    chooses: Script | None = None
    #: Who asks it: a router; a turn that is given `intents`; or whatever answers from history where that model says so.
    asked_by: Literal["router", "intents", "history"] = "router"
    name: str = "ProbeConversation"


def label_of(handler: str) -> str:
    """Return the label that a handler listens to, which must not be its own name."""
    return f"to_{handler}"


def route_to(handler: str) -> str:
    """Return what a message says to be given to that handler."""
    return f"[route {handler}]"
