"""A conversation: a flow whose runs are turns, each with a message of the user's."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.programs.flow import Method


@dataclass(frozen=True)
class ConversationProgram:
    """A conversational flow, to be streamed turn by turn; needs the capability turn.

    The user's message names the script with which a model answers it; see `ScriptedProvider.prompt_for`.
    """

    #: What answers every turn: its `name` is the route's and it has no `after`. None leaves it to the built-in answer.
    handler: Method | None = None
    #: Said of the LLM of the built-in answer when it was made; None says nothing.
    stream: bool | None = None
    #: Whether one flow is started by the first turn and finished when the conversation is, or each turn has its own.
    deferred: bool = True
    name: str = "ProbeConversation"
