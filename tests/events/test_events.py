"""Claims about events: what every class has, that they are frozen, and where their ids and times come from."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

import harness.events
from harness.errors import UsageError
from harness.events import (
    BaseEvent,
    FunctionCall,
    LLMCallStartedEvent,
    LLMStreamChunkEvent,
    ToolCallFragment,
    ToolUsageFinishedEvent,
)
from harness.events.sources import EventIds, sources
from harness.frames.channels import CHANNEL_OF

CLASSES: tuple[type[BaseEvent], ...] = tuple(
    cls
    for cls in (getattr(harness.events, name) for name in dir(harness.events))
    if isinstance(cls, type) and issubclass(cls, BaseEvent)
)
#: Those that are emitted; the others are what several have in common.
CONCRETE = tuple(cls for cls in CLASSES if not cls.model_fields["type"].is_required())


class Note(BaseEvent):
    type: str = "note"


@pytest.mark.parametrize("cls", CONCRETE, ids=lambda cls: cls.__name__)
def test_every_event_has_a_json_schema(cls: type[BaseEvent]) -> None:
    schema = cls.model_json_schema(mode="serialization")
    assert schema["properties"]["type"]["const"] == cls.model_fields["type"].default


def test_the_schema_of_a_tool_call_is_that_of_what_it_takes_and_gives() -> None:
    schema = ToolCallFragment.model_json_schema()["properties"]["function"]
    assert list(schema["properties"]) == list(ToolCallFragment(function=FunctionCall("f")).model_dump()["function"])


def type_of(cls: type[BaseEvent]) -> str:
    return str(cls.model_fields["type"].default)


def test_every_event_class_is_public_in_the_package() -> None:
    def all_below(cls: type[BaseEvent]) -> Iterator[type[BaseEvent]]:
        for below in cls.__subclasses__():
            if below.__module__.startswith("harness."):
                yield below
                yield from all_below(below)

    assert set(all_below(BaseEvent)) == set(CLASSES) - {BaseEvent}


@pytest.mark.parametrize("cls", CONCRETE, ids=type_of)
def test_every_event_class_has_its_row_in_the_channel_table(cls: type[BaseEvent]) -> None:
    assert type_of(cls) in CHANNEL_OF


def test_every_row_of_the_channel_table_has_one_event_class() -> None:
    assert sorted(CHANNEL_OF) == sorted(type_of(cls) for cls in CONCRETE)


def test_every_scope_that_can_be_opened_can_be_closed_and_the_other_way_round() -> None:
    assert {cls.opens for cls in CLASSES} == {cls.closes for cls in CLASSES}


@pytest.mark.parametrize("cls", [cls for cls in CONCRETE if type_of(cls).endswith("_started")], ids=type_of)
def test_every_started_event_opens_a_scope(cls: type[BaseEvent]) -> None:
    assert cls.opens is not None


@pytest.mark.parametrize(
    "cls",
    [cls for cls in CONCRETE if cls.closes is not None],
    ids=type_of,
)
def test_what_closes_a_scope_says_so_in_its_type(cls: type[BaseEvent]) -> None:
    assert type_of(cls).rpartition("_")[2] in {"finished", "completed", "failed", "error", "paused"}


@pytest.mark.parametrize("cls", [cls for cls in CONCRETE if "error" in cls.model_fields], ids=type_of)
def test_a_failure_has_the_class_of_its_error_beside_the_text(cls: type[BaseEvent]) -> None:
    assert "error_type" in cls.model_fields or type_of(cls) == "llm_guardrail_completed"


@pytest.mark.parametrize("name", BaseEvent.model_fields)
def test_an_event_cannot_be_changed(name: str) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(Note(), name, "other")


TIMES: dict[str, tuple[Any, str]] = {
    "naive": (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05+00:00"),
    "utc": (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
    "elsewhere": (datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T01:04:05+00:00"),
    "naive text": ("2026-01-02T03:04:05", "2026-01-02T03:04:05+00:00"),
    "text from elsewhere": ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05+00:00"),
}


@pytest.mark.parametrize(("given", "expected"), TIMES.values(), ids=TIMES.keys())
def test_every_time_of_an_event_is_utc(given: Any, expected: str) -> None:
    event = ToolUsageFinishedEvent(tool_name="t", timestamp=given, started_at=given)
    assert [event.timestamp.isoformat(), event.started_at and event.started_at.isoformat()] == [expected, expected]


def test_the_clock_and_the_ids_can_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(sources, "now", lambda: moment)
    monkeypatch.setattr(sources, "new_id", lambda: "the-id")
    event = Note()
    assert (event.event_id, event.timestamp) == ("the-id", moment)


def test_ids_are_unique_and_sort_in_the_order_of_creation_within_their_length() -> None:
    ids = [sources.new_id() for _ in range(1000)]
    assert len(set(ids)) == len(ids)
    assert sorted(ids, key=lambda made: (len(made), made)) == ids


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_never_repeats_its_parents_ids() -> None:
    new_id = EventIds()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, new_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 100).decode() != new_id()
    os.close(read)
    os.close(write)


def test_a_reissued_event_says_the_same_with_an_id_of_its_own_and_no_links() -> None:
    event = LLMCallStartedEvent(call_id="c", model="m", parent_event_id="p", previous_event_id="q", emission_sequence=7)
    again = event.reissued()
    links = (again.parent_event_id, again.previous_event_id, again.started_event_id, again.emission_sequence)
    assert (again.event_id != event.event_id, again.model, links) == (True, "m", (None,) * 4)


def test_a_fragment_reads_the_arguments_up_to_itself_and_stays_so() -> None:
    deltas = ['{"a"']
    first = FunctionCall("f", deltas=deltas)
    deltas.append(": 1}")
    second = FunctionCall("f", deltas=deltas)
    assert (first.arguments, second.arguments) == ('{"a"', '{"a": 1}')


def test_equal_function_calls_have_equal_hashes_however_they_came() -> None:
    whole, pieces = FunctionCall("f", "ab"), FunctionCall("f", deltas=["a", "b"])
    assert (whole == pieces, hash(whole) == hash(pieces)) == (True, True)
    assert whole != FunctionCall("g", "ab")
    assert whole != "ab"


FUNCTIONS: dict[str, Any] = {
    "a function call": FunctionCall("f", "{}"),
    "a dict": {"name": "f", "arguments": "{}"},
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_a_fragment_takes_its_function_as(function: Any) -> None:
    assert ToolCallFragment(function=function).function == FunctionCall("f", "{}")


@pytest.mark.parametrize("function", [None, "f", {"called": "f"}])
def test_a_fragment_refuses_a_function_that_is(function: Any) -> None:
    with pytest.raises(UsageError, match="a function call is"):
        ToolCallFragment(function=function)


def test_a_chunk_event_is_dumped_and_pickled_whole() -> None:
    fragment = ToolCallFragment(id="t", function=FunctionCall("f", "{}"))
    event = LLMStreamChunkEvent(call_id="c", chunk="{}", tool_call=fragment, call_type="tool_call")
    assert LLMStreamChunkEvent.model_validate_json(event.model_dump_json()) == event
    assert pickle.loads(pickle.dumps(event)) == event
