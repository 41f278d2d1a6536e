"""A conversation: a flow whose runs are turns, each with a message of the user's."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.stage.programs.flow import Method


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
    name: str = "ProbeConversation"


def route_to(handler: str) -> str:
    """Return what a message says to be given to that handler."""
    return f"[route {handler}]"
