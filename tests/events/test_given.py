"""Claims about what events take of SDKs and of ported code, and what they show of it."""

from __future__ import annotations

import enum
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from harness.bus import emit, event_bus
from harness.errors import UsageError
from harness.events import (
    BaseEvent,
    ConversationTurnFailedEvent,
    FlowFailedEvent,
    LLMCallCompletedEvent,
    LLMCallFailedEvent,
    LLMCallStartedEvent,
    LLMCallType,
    LLMGuardrailCompletedEvent,
    LLMGuardrailStartedEvent,
    LLMStreamChunkEvent,
    MethodExecutionFailedEvent,
    TaskFailedEvent,
    ToolUsageErrorEvent,
    ToolUsageStartedEvent,
)
from harness.flow import Flow, start
from harness.session.session import StreamSession


class Reason(enum.Enum):
    STOP = "stop"


class CallKind(enum.Enum):
    TOOL = "tool_call"


class Details(BaseModel):
    cached: int = 2


class SdkUsage(BaseModel):
    prompt_tokens: int = 1
    details: Details = Details()


class NoTextError(Exception):
    def __str__(self) -> str:
        raise LookupError


COMPLETED: dict[str, Any] = {"call_id": "c", "response": "x"}
NESTED = {"prompt_tokens": 1, "details": {"cached": 2}}

#: What a field is given, and what the event then has in it.
TAKEN: dict[str, tuple[type[BaseEvent], str, Any, Any]] = {
    "nested usage": (LLMCallCompletedEvent, "usage", NESTED, NESTED),
    "an SDK's usage": (LLMCallCompletedEvent, "usage", SdkUsage(), NESTED),
    "an SDK's own usage": (LLMCallCompletedEvent, "raw_usage", SdkUsage(), NESTED),
    "a reason as an enum": (LLMCallCompletedEvent, "finish_reason", Reason.STOP, "stop"),
    "a reason that is no text": (LLMCallCompletedEvent, "finish_reason", 3, None),
    "an id that is no text": (LLMCallCompletedEvent, "response_id", object(), None),
    "a chunk's id that is no text": (LLMStreamChunkEvent, "response_id", 7, None),
    "a call type as an enum": (LLMCallCompletedEvent, "call_type", CallKind.TOOL, "tool_call"),
    "a chunk's call type as an enum": (LLMStreamChunkEvent, "call_type", CallKind.TOOL, "tool_call"),
    "one stop word": (LLMCallStartedEvent, "stop_sequences", "END", ["END"]),
    "stop words in a tuple": (LLMCallStartedEvent, "stop_sequences", ("A", "B"), ["A", "B"]),
    "stop words that are no text": (LLMCallStartedEvent, "stop_sequences", iter([Path("A"), "B"]), ["A", "B"]),
    "stop words that are none": (LLMCallStartedEvent, "stop_sequences", 7, None),
    "a call's error": (LLMCallFailedEvent, "error", ValueError("no"), "no"),
    "a task's error": (TaskFailedEvent, "error", ValueError("no"), "no"),
}


@pytest.mark.parametrize(("kind", "name", "given", "expected"), TAKEN.values(), ids=TAKEN.keys())
def test_an_event_takes(kind: type[BaseEvent], name: str, given: Any, expected: Any) -> None:
    common: dict[type[BaseEvent], dict[str, Any]] = {
        LLMCallCompletedEvent: COMPLETED,
        LLMStreamChunkEvent: {"call_id": "c", "chunk": "x"},
        TaskFailedEvent: {},
    }
    event = kind(**{**common.get(kind, {"call_id": "c"}), name: given})
    assert getattr(event, name) == expected
    frames = list(StreamSession(lambda: emit(None, event)))
    assert frames[0].data[name] == expected


def test_a_call_type_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match="call_type"):
        LLMStreamChunkEvent(call_id="c", chunk="x", call_type=Reason.STOP)  # type: ignore[arg-type]


def test_chunks_of_plain_values_are_not_validated() -> None:
    event = LLMStreamChunkEvent(call_id="c", chunk="x", response_id="r", model="m")
    assert event._lazy_record is not None


#: Events whose `error` is the exception.
FAILURES: dict[type[BaseEvent], dict[str, Any]] = {
    FlowFailedEvent: {"flow_name": "F"},
    MethodExecutionFailedEvent: {"flow_name": "F", "method_name": "m"},
    ConversationTurnFailedEvent: {"flow_name": "F"},
    ToolUsageErrorEvent: {"tool_name": "t"},
}
#: An error, its text and its class as frames have them.
ERRORS: dict[str, tuple[Any, str, str | None]] = {
    "an exception": (ValueError("no"), "no", "ValueError"),
    "one without text": (NoTextError(), "<its text raised LookupError>", "NoTextError"),
    "one that ends programs": (SystemExit(3), "3", "SystemExit"),
    "text": ("no", "no", None),
}


@pytest.mark.parametrize(("error", "text", "error_type"), ERRORS.values(), ids=ERRORS.keys())
@pytest.mark.parametrize(("kind", "fields"), FAILURES.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_the_error_of_a_failure_is_the_exception_and_its_text_in_frames_and_json(
    kind: Any, fields: dict[str, Any], error: Any, text: str, error_type: str | None
) -> None:
    event = kind(**fields, error=error)
    assert event.error is error
    data = next(iter(StreamSession(lambda: emit(None, event)))).data
    assert (data["error"], data["error_type"]) == (text, error_type)
    assert json.loads(event.model_dump_json())["error"] == event.to_json()["error"] == text


def test_listeners_of_a_failed_run_are_given_the_exception_that_was_raised() -> None:
    error = ValueError("no")
    seen: list[Any] = []

    class Failing(Flow):
        @start()
        def fail(self) -> None:
            raise error

    with event_bus.scoped_handlers():
        for kind in (MethodExecutionFailedEvent, FlowFailedEvent):
            event_bus.register_handler(kind, lambda _source, event: seen.append(event.error))
        with pytest.raises(ValueError, match="no"):
            Failing().kickoff()
    assert len(seen) == 2
    assert all(caught is error for caught in seen)


class Anything(BaseEvent):
    type: str = "anything"
    value: Any = None


class Silent:
    def __repr__(self) -> str:
        raise LookupError


JSON_FORMS: dict[str, tuple[Any, Any]] = {
    "what is JSON": ({"a": [1, None]}, {"a": [1, None]}),
    "a model": (SdkUsage(), NESTED),
    "an exception, deeper": ([ValueError("no")], ["no"]),
    "bytes": (b"\xff", "_w=="),
    "an enum": (Reason.STOP, "stop"),
    "no number": (float("nan"), "NaN"),
    "what has no form": (len, "<built-in function len>"),
    "what has no repr": (Silent(), "<its repr raised LookupError>"),
}


@pytest.mark.parametrize(("value", "expected"), JSON_FORMS.values(), ids=JSON_FORMS.keys())
def test_an_event_as_json_shows(value: Any, expected: Any) -> None:
    event = Anything(value=value)
    shown = event.to_json(exclude={"event_id", "task_id"})
    assert shown["value"] == expected
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown
    assert set(shown) == set(Anything.model_fields) - {"event_id", "task_id"}


class Errand:
    """A task, as an event may be given one."""

    id = "t1"
    name = None
    description = "Look at the tide."


class Keeper:
    """An agent, as an event may be given one."""

    id = "a1"
    role = "keeper"


def test_a_task_and_an_agent_that_are_given_fill_their_ids_and_names() -> None:
    event = ToolUsageStartedEvent(tool_name="x", from_task=Errand(), from_agent=Keeper())
    assert (event.task_id, event.task_name) == ("t1", "Look at the tide.")
    assert (event.agent_id, event.agent_role) == ("a1", "keeper")
    assert (event.from_task, event.from_agent) == (None, None)
    said = LLMCallStartedEvent(call_id="c", from_agent=Keeper(), agent_role="captain")
    assert (said.agent_id, said.agent_role, said.from_agent) == ("a1", "captain", None)
    (frame,) = StreamSession(lambda: emit(None, event))
    assert (frame.data["agent_role"], "from_agent" in frame.data) == ("keeper", False)


@pytest.mark.parametrize(("error", "shown"), [({"a": 1}, {"a": 1}), (ValueError("no"), "no"), ("no", "no"), (3, 3)])
def test_the_error_of_a_tool_may_be_anything(error: Any, shown: Any) -> None:
    event = ToolUsageErrorEvent(tool_name="x", error=error)
    assert event.error == error
    frames = list(StreamSession(lambda: emit(None, event)))
    assert frames[0].data["error"] == event.to_json()["error"] == shown


def test_fields_that_only_some_programs_give_are_shown_where_they_were_given() -> None:
    for event in (LLMGuardrailStartedEvent(), LLMGuardrailCompletedEvent(), ToolUsageStartedEvent(tool_name="x")):
        assert (event.from_task, event.from_agent) == (None, None)
        (frame,) = StreamSession(partial(emit, None, event))
        assert {"from_task", "from_agent"} & frame.data.keys() == set()
    bare, told = ToolUsageStartedEvent(tool_name="x"), ToolUsageStartedEvent(tool_name="x", plan_step_number=2)
    frames = list(StreamSession(lambda: (emit(None, bare), emit(None, told))))
    assert [frame.data.get("plan_step_number", "none") for frame in frames] == ["none", 2]


def test_the_kinds_of_calls_are_known_by_name() -> None:
    event = LLMStreamChunkEvent(call_id="c", chunk="x", call_type=LLMCallType.TOOL_CALL)  # type: ignore[arg-type]
    named: Any = LLMCallType.TOOL_CALL
    assert event.call_type == named
    assert str(named) == "tool_call"
