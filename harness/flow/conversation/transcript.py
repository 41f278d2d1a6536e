"""The transcript of a flow: its messages, read and added to.

The models of messages are loaded by the first conversation.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from harness import events
from harness.bus import bus, scope as scopes
from harness.errors import RunCancelled
from harness.flow.conversation.fields import Role
from harness.flow.state import field_of, id_of
from harness.frames.frozen import FrozenDict
from harness.llm.input.words import has_content, whole_characters, words_in

#: What a message may have beside role and content.
_EXTRA = ("name", "tool_call_id", "tool_calls", "files", "metadata")


def messages_of(flow: Any) -> list[Any]:
    """Return the list in which a flow has its messages: its state's, or, where that has none, one beside the state."""
    messages = field_of(flow.state, "messages")
    if isinstance(messages, list):
        return messages
    spare: list[Any] = flow.__dict__.setdefault("_flow_spare_messages", [])
    return spare


def refuse_closed() -> None:
    """Let nothing be kept of what a turn still does that has been closed: the state may be another user's by now.

    Raises:
        RunCancelled: the turn in which this is called has been closed.
    """
    if scopes.current_scope().run.cancelled:
        raise RunCancelled


def add(flow: Any, role: Role, content: Any, **extra: Any) -> None:
    """Add a message to the transcript, and publish that it was; both or neither.

    Raises:
        RunCancelled: the turn in which this is called has been closed.
    """
    from harness.flow.conversation.state import ConversationMessage

    # Room first: a loop may wait for the lock, and its reader could then make none.
    with scopes.current_scope().lookahead, flow._flow_dialogue.adding:
        messages = messages_of(flow)
        refuse_closed()
        fields = {name: value for name, value in extra.items() if name in _EXTRA and value is not None}
        kind = _kind_of_messages(flow.state)
        message: Any = (kind or ConversationMessage)(role=role, content=content, **fields)
        if kind is None:
            message = model_message(message)
        messages.append(message)
        try:
            bus.emit(
                flow,
                events.ConversationMessageAddedEvent(
                    flow_name=flow._flow_name,
                    session_id=id_of(flow.state),
                    role=role,
                    content=content,
                    message_index=len(messages) - 1,
                ),
            )
        except RunCancelled:
            # It alone, and not one before it that says the same.
            messages[:] = [each for each in messages if each is not message]
            raise
        turn = flow._flow_dialogue.turn
        if role == "assistant" and turn is not None and isinstance(content, str):
            turn.replies.append(content)


def model_message(message: Any) -> dict[str, Any]:
    """Return a message as models are given it: what is set of it, without its metadata."""
    from harness.flow.conversation.state import ConversationMessage

    if isinstance(message, ConversationMessage):
        # Done with all that has been said, in each turn: straight from the fields.
        given = {name: value for name, value in message.__dict__.items() if value is not None and name != "metadata"}
    else:
        if isinstance(message, BaseModel):
            message = message.model_dump(exclude_none=True)
        fields = message if isinstance(message, Mapping) else {"role": "user", "content": str(message)}
        given = {str(key): value for key, value in fields.items() if key != "metadata"}
    content = given.get("content")
    if type(content) is str and content.isascii() and len(given) == 2:
        return given
    return {name: whole_characters(value) for name, value in given.items()}


def model_messages(flow: Any) -> list[dict[str, Any]]:
    """Return the transcript as models are given it, oldest first.

    Without messages that say nothing, such as an empty answer, and calls of tools that a turn left without an output:
    there are providers that refuse a conversation with one.
    """
    messages = list(map(model_message, messages_of(flow)))
    if any("tool_calls" in message for message in messages):
        latest = max((place for place, message in enumerate(messages) if message.get("role") == "user"), default=0)
        given = {message.get("tool_call_id") for message in messages[:latest]}
        messages[:latest] = [_without_open_calls(message, given) for message in messages[:latest]]
    return [message for message in messages if has_content(message)]


def _without_open_calls(message: dict[str, Any], given: Container[Any]) -> dict[str, Any]:
    """Return a message with those of its calls alone whose outputs are `given`."""
    calls = message.get("tool_calls") or ()
    # What is no call is left for the LLM to name.
    closed = [call for call in calls if not isinstance(call, Mapping) or call.get("id") in given]
    rest = {name: value for name, value in message.items() if name != "tool_calls"}
    return {**rest, "tool_calls": closed} if closed else rest


class History:
    """A transcript as routes are chosen by it, which grows from turn to turn: each message is read once, and kept.

    What is kept is not to be changed, and is read anew after a message has been.
    """

    def __init__(self) -> None:
        self._messages: list[Any] = []
        self._shown: list[dict[str, Any]] = []
        self._edits = 0

    def of(self, flow: Any) -> list[dict[str, Any]]:
        """Return the transcript as models are given it, oldest first; the list is the caller's own."""
        from harness.flow.conversation.state import ConversationMessage

        messages = messages_of(flow)
        if _kind_of_messages(flow.state) is None:
            # Anybody may change a dict, and nobody would know.
            return model_messages(flow)
        edits = ConversationMessage.edits
        # As lists: the same objects are known by that, without a look at what they hold.
        if self._edits != edits or messages[: len(self._messages)] != self._messages:
            self._messages, self._shown, self._edits = [], [], edits
        new = messages[len(self._messages) :]
        self._shown += [FrozenDict(shown) for message in new if has_content(shown := model_message(message))]
        self._messages += new
        return list(self._shown)


def as_lines(messages: Iterable[Mapping[str, Any]]) -> str:
    """Return messages as text, a line for each: who, and what."""
    return "\n".join(f"{message.get('role', 'user')}: {words_in(message.get('content'))}" for message in messages)


def input_history_to_messages(entries: Sequence[Any]) -> list[dict[str, Any]]:
    """Return what a flow asked with `ask` and was answered as messages: its questions the assistant's."""
    messages: list[dict[str, Any]] = []
    for entry in entries:
        for role, name in (("assistant", "message"), ("user", "response")):
            text = entry.get(name) if isinstance(entry, Mapping) else getattr(entry, name, None)
            if text:
                messages.append({"role": role, "content": str(text)})
    return messages


def _kind_of_messages(state: Any) -> Any:
    """Return the model of a state's messages; None where they are dicts, or where it has none."""
    from harness.flow.conversation.state import ConversationMessage

    field = type(state).model_fields.get("messages") if isinstance(state, BaseModel) else None
    if field is None or get_origin(field.annotation) is not list:
        return None
    kind = get_args(field.annotation)[0]
    return kind if isinstance(kind, type) and issubclass(kind, ConversationMessage) else None
