"""Conversations as functions of any flow that keeps a transcript, for those that drive its turns themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import UsageError
from harness.flow.conversation import transcript
from harness.flow.conversation.config import ConversationConfig
from harness.flow.conversation.fields import Content, Role, content_of
from harness.flow.state import field_of, set_field
from harness.llm.input.words import says_something


def normalize_kickoff_inputs(
    inputs: Mapping[str, Any] | None,
    *,
    user_message: str | Mapping[str, Any] | None = None,
    session_id: str | None = None,
) -> dict[str, Any] | None:
    """Return inputs with a session's `id` and a `user_message` among them; None where there is none of the three."""
    if inputs is None and user_message is None and session_id is None:
        return None
    own = {"id": session_id, "user_message": user_message}
    return {**(inputs or {}), **{name: value for name, value in own.items() if value is not None}}


def get_conversation_messages(flow: Any) -> list[Any]:
    """Return the messages of a flow: the list in its state, or, where the state has none, one beside it."""
    return transcript.messages_of(flow)


def append_message(flow: Any, role: Role, content: Any, **extra: Any) -> None:
    """Add a message to a flow's transcript, and publish that it was."""
    transcript.add(flow, role, content, **extra)


def set_state_field(flow: Any, name: str, value: Any) -> None:
    """Set a field of a flow's state; a model that has none of that name is left as it is."""
    set_field(flow.state, name, value)


def receive_user_message(flow: Any, text: Content, *, outcomes: Sequence[str] | None = None, llm: Any = None) -> str:
    """Add a user's message to a flow's transcript; see `Flow.receive_user_message`."""
    received: str = flow.receive_user_message(text, outcomes=outcomes, llm=llm)
    return received


def prepare_conversational_turn(
    flow: Any,
    *,
    user_message: str | Mapping[str, Any] | None = None,
    intents: Sequence[str] | None = None,
    intent_llm: Any = None,
    config: ConversationConfig | None = None,
) -> None:
    """Add a message to a flow's transcript and classify it anew, in a start method of a flow that does so itself.

    The message is the one given, or the state's `user_message`; without one, or with a blank one, nothing is done.

    Raises:
        UsageError: there are intents, and no LLM to classify by them.
    """
    message = field_of(flow.state, "user_message") if user_message is None else user_message
    content = "" if message is None else content_of(message)
    if not says_something(content):
        return
    set_field(flow.state, "last_intent", None)
    outcomes = intents if intents is not None or config is None else config.default_intents
    llm = intent_llm if intent_llm is not None or config is None else config.intent_llm
    if outcomes and llm is None:
        raise UsageError("intent_llm is required when intents are provided")
    receive_user_message(flow, content, outcomes=outcomes, llm=llm)
