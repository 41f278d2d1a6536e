"""What a conversation keeps from turn to turn: its messages, and what agents did behind them.

Flows that do not converse never load this module.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Final, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from harness.errors import UsageError
from harness.flow.conversation.fields import Role, Visibility
from harness.flow.state import FlowState, made_again
from harness.validation import UserModel, all_faults

#: Most flows do not converse: what checks these models is made when the first of them is.
_WHEN_USED: Final = ConfigDict(defer_build=True)


class ConversationMessage(UserModel):
    """One message of a transcript, as models are given it, but for its metadata."""

    model_config = _WHEN_USED

    role: Role
    #: Text, or a provider's content parts.
    content: str | list[dict[str, Any]] | None = None
    name: str | None = None
    tool_call_id: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    files: dict[str, Any] | None = None
    #: The application's own notes; no model sees them.
    metadata: dict[str, Any] = Field(default_factory=dict)

    #: How often a field of any message has been set: what was made of messages before that may no longer hold.
    edits: ClassVar[int] = 0

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value)
            ConversationMessage.edits += 1


class AgentMessage(UserModel):
    """One result in an agent's own thread, which users do not see."""

    model_config = _WHEN_USED

    role: str = "assistant"
    content: Any = None
    metadata: dict[str, Any] = Field(default_factory=dict)


class ConversationEvent(UserModel):
    """Something that happened in a conversation beside its messages, kept with the state."""

    model_config = _WHEN_USED

    type: str
    payload: dict[str, Any] = Field(default_factory=dict)
    agent_name: str | None = None
    visibility: Visibility = "private"


class ConversationState(FlowState):
    """The state of a conversational flow; derive your own from it."""

    model_config = _WHEN_USED

    #: What users see, oldest first.
    messages: list[ConversationMessage] = Field(default_factory=list)
    #: What this turn is to answer; None outside of turns.
    current_user_message: str | None = None
    last_user_message: str | None = None
    #: The route of the last turn.
    last_intent: str | None = None
    #: Whether the last turn ended the conversation.
    ended: bool = False
    events: list[ConversationEvent] = Field(default_factory=list)
    #: By the agents' names: their results, those that users do not see among them.
    agent_threads: dict[str, list[AgentMessage]] = Field(default_factory=dict)
    #: For the application: whether what a session needs has been set up.
    session_ready: bool = False


class ChatState(FlowState):
    """A smaller state with a transcript, for flows that keep one without being conversational."""

    model_config = _WHEN_USED

    messages: list[dict[str, Any]] = Field(default_factory=list)
    last_user_message: str | None = None
    last_intent: str | None = None
    session_ready: bool = False


class OpenConversationState(ConversationState):
    """The state of a conversational flow that declares a dict: its keys are fields beside the conversation's."""

    model_config = ConfigDict(extra="allow")


def conversation_state(declared: Any) -> Any:
    """Return what a conversational flow's state is made of, where it declares `declared`.

    A model that has not all of `ConversationState` gets what it lacks. What it has begins as it says, and is of the type
    that it is of in a conversation. A dict becomes a state with its keys as fields.

    Raises:
        UsageError: it begins with what a conversation has no place for there.
    """
    if declared is None:
        return ConversationState
    if declared is dict or get_origin(declared) is dict:
        return OpenConversationState
    if isinstance(declared, dict):
        return OpenConversationState(**declared)
    if isinstance(declared, type) and issubclass(declared, BaseModel):
        return completed(declared)
    if isinstance(declared, BaseModel) and not isinstance(declared, ConversationState):
        fields = {name: getattr(declared, name) for name in type(declared).model_fields}
        held = {**fields, **(declared.__pydantic_extra__ or {})}
        model = completed(type(declared))
        with _refused(type(declared)):
            return model.model_validate(held, by_alias=True, by_name=True)
    return declared


@functools.lru_cache(maxsize=256)
def completed(model: type[BaseModel]) -> type[BaseModel]:
    """Return `model`, or a subclass of the same name with the fields of a conversation."""
    if issubclass(model, ConversationState):
        return model
    fields: Any = {name: (field.annotation, field) for name, field in ConversationState.model_fields.items()}
    begins = {
        name: field.get_default(call_default_factory=True)
        for name, field in model.model_fields.items()
        if name in fields and name != "id" and not field.is_required()
    }
    with _refused(model):
        begun = ConversationState.model_validate(begins)
    fields |= {name: (fields[name][0], getattr(begun, name)) for name in begins}
    made = create_model(model.__name__, __base__=model, __module__=model.__module__, **fields)
    return made_again(made, model, completed)


@contextlib.contextmanager
def _refused(model: type[BaseModel]) -> Iterator[None]:
    """Translate what a conversation has against a state."""
    try:
        yield
    except ValidationError as error:
        raise UsageError(
            f"the state {model.__name__} begins with what a conversation has no place for: {all_faults(error)}. Give the "
            "field another name, or the type that it has in ConversationState"
        ) from error
