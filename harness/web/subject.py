"""What a served app runs: started with inputs, or turn by turn in conversations."""

from __future__ import annotations

import inspect
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from pydantic import BaseModel

from harness.annotations import signature_of
from harness.errors import UsageError, error_text
from harness.frames.codec import encode
from harness.recording.target import Target
from harness.recording.trust.factories import makes_subject
from harness.validation import ObjectSchema, object_schema

_MOST_CONVERSATIONS: Final = 1_000
#: What a stranger may not choose: a flow that keeps its states would hand over that of somebody else.
_NOT_FROM_OUTSIDE: Final = "id"
#: How a parameter is annotated that is text, or none.
_TEXTS: Final = (str, str | None, "str", "str | None")


class _FieldSchema(ObjectSchema):
    """A field that JSON has no form for takes anything."""

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> dict[str, Any]:
        return {}

    def emit_warning(self, kind: Any, detail: str) -> None:
        """Say nothing: a default that JSON lacks is the run's."""


class ServedSubject:
    """A target that is started anew for each request. Each conversation has a subject of its own."""

    def __init__(self, target: str) -> None:
        """Import `target`. Raises UsageError where it can't be, or starts no session."""
        self.target = target
        try:
            subject = Target(target).subject()
        except UsageError:
            raise
        except Exception as error:
            raise UsageError(f"target {target!r} can't be made: {type(error).__name__}: {error_text(error)}") from error
        #: Whether it is spoken with, turn by turn.
        self.is_conversation = bool(getattr(subject, "conversational", False))
        #: What is shown as its name.
        self.name = _name_of(subject, target)
        #: Whether a prompt is all that it needs.
        self.takes_prompt = "messages" in _entry_parameters(subject)
        #: What it takes: a row per input, or None where any will do.
        self.fields = None if self.is_conversation else _fields_of(subject)
        self._conversations: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, inputs: Mapping[str, Any]) -> tuple[Any, Any]:
        """Return the session of a new run, and the subject. Raises UsageError for inputs that do not fit."""
        if _NOT_FROM_OUTSIDE in inputs:
            raise UsageError("an input 'id' names a state that is kept, and is not taken from a page")
        if self.is_conversation:
            raise UsageError(f"{self.name} is a conversation; send a message")
        subjects: list[Any] = []
        session = next(Target(self.target, inputs=inputs, prepare=subjects.append).sessions())
        return getattr(session, "wrapped", session), subjects[0]

    def resume(self, subject: Any, answer: str) -> Any:
        """Return the session in which a flow that has paused goes on with an answer. Raises UsageError: it does not wait."""
        was_streamed, subject.stream = subject.stream, True
        try:
            return subject.resume(answer)
        finally:
            subject.stream = was_streamed

    def waiting_flow(self, flow_id: str, question: str) -> Any:
        """Return a flow that another process, or this one before, has left waiting for the answer to `question`.

        Only who has read that run knows the question's id, which is random; that of a flow may be a name.

        Raises:
            KeyError: nothing waits for that answer.
        """
        subject = Target(self.target).subject()
        if not hasattr(type(subject), "from_pending"):
            raise KeyError(flow_id)
        try:
            subject = type(subject).from_pending(flow_id, getattr(subject, "persistence", None))
        except UsageError:
            raise KeyError(flow_id) from None
        request_id = subject.pending_feedback.request_id or ""
        if not (request_id and secrets.compare_digest(request_id.encode(), question.encode())):
            raise KeyError(flow_id)
        if self.is_conversation:
            with self._lock:
                self._conversations[flow_id] = subject
        return subject

    def start_turn(self, message: str, conversation: str | None, *, begins: bool = False) -> tuple[Any, str, Any]:
        """Return the session of a turn in a conversation, or in a new one, with the conversation's id and its subject.

        With `begins`, a conversation of that id is a new one if there is none.

        Raises:
            UsageError: this is no conversation.
            KeyError: there is no such conversation any more.
        """
        if not self.is_conversation:
            raise UsageError(f"{self.name} is no conversation; send inputs")
        with self._lock:
            subject = None if conversation is None else self._conversations.get(conversation)
        if subject is None and conversation is not None and not begins:
            raise KeyError(conversation)
        conversation = secrets.token_urlsafe(16) if conversation is None else conversation
        if subject is None:
            subject = Target(self.target).subject()
        # A name that a client has chosen leads to no state that is kept under the same name elsewhere.
        session_id = f"web-{sha256(conversation.encode()).hexdigest()[:32]}" if begins else conversation
        session = subject.stream_turn(message, session_id=session_id)
        with self._lock:
            self._conversations[conversation] = subject
            self._conversations.move_to_end(conversation)
            while len(self._conversations) > _MOST_CONVERSATIONS:
                self._conversations.popitem(last=False)
        return session, conversation, subject


def _name_of(subject: Any, target: str) -> str:
    name = getattr(subject, "name", None)
    return name if isinstance(name, str) and name else target.partition(":")[2].rpartition(".")[2]


def _entry_parameters(subject: Any) -> Mapping[str, inspect.Parameter]:
    return signature_of(subject.stream_events).parameters if hasattr(subject, "stream_events") else {}


def _fields_of(subject: Any) -> list[dict[str, Any]] | None:
    if not hasattr(subject, "stream_events"):
        # What it makes may take any.
        return None if makes_subject(subject) else _parameters_of(subject)
    if "messages" in _entry_parameters(subject):
        return [{"name": "messages", "type": "string", "required": True, "default": None, "description": "The prompt"}]
    state = getattr(subject, "state", None)
    if isinstance(state, BaseModel):
        schema = object_schema(type(state), schema_generator=_FieldSchema)
        return [
            {
                "name": name,
                "type": _type_in(shape),
                "required": name in schema.get("required", ()),
                "default": _default(shape.get("default")),
                "description": shape.get("description", ""),
            }
            for name, shape in schema.get("properties", {}).items()
            if name != _NOT_FROM_OUTSIDE
        ]
    return None


def _type_in(shape: Mapping[str, Any]) -> str:
    """Return the type of a field's JSON, its own or that beside null; "" where there may be several."""
    types = [alternative.get("type", "") for alternative in shape.get("anyOf", ())]
    beside_null = [name for name in types if name != "null"]
    # A box that is checked or not has no third state.
    if len(beside_null) == 1 and beside_null != ["boolean"]:
        return str(beside_null[0])
    return str(shape.get("type", ""))


def _default(value: Any) -> Any:
    """Return a default that JSON has a form for; any other is left to the run, which has it when nothing is sent."""
    return value if encode(value) == value else None


def _parameters_of(subject: Any) -> list[dict[str, Any]] | None:
    try:
        parameters = signature_of(subject).parameters.values()
    except (TypeError, ValueError):
        return None
    return [
        {
            "name": parameter.name,
            "type": "string" if parameter.annotation in _TEXTS else "",
            "required": parameter.default is parameter.empty,
            "default": _default(parameter.default) if isinstance(parameter.default, str | int | float) else None,
            "description": "",
        }
        for parameter in parameters
        if parameter.kind in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}
    ]
