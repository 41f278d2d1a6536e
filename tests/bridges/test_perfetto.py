"""Chrome's trace: the trace engine of Chrome's developer tools pairs every scope; that scopes nest in Perfetto is held here."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from harness.bridges import perfetto_trace
from harness.frames.frame import StreamFrame
from tests.bridges.judges import Judge
from tests.bridges.timelines import frame, recorded

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def trace_of(frames: list[StreamFrame]) -> list[dict[str, Any]]:
    document = json.loads(json.dumps(perfetto_trace([("run", frames)])))
    assert document["displayTimeUnit"] in ("ms", "ns")
    events: list[dict[str, Any]] = document["traceEvents"]
    return events


def check(frames: list[StreamFrame]) -> None:
    """Fail where what shares an id does not nest, a time runs back, a field is missing, or a frame has not one event."""
    events = trace_of(frames)
    stacks: dict[tuple[str, str], list[str]] = {}
    latest: dict[tuple[str, str], int] = {}
    for event in events:
        assert event["ph"] in "bneiM"
        assert isinstance(event["name"], str)
        assert isinstance(event["args"], dict)
        assert isinstance(event["ts"], int)
        assert {"pid", "tid"} <= event.keys()
        if event["ph"] in "bne":
            lane = event["cat"], event["id2"]["local"]
            assert event["ts"] >= latest.get(lane, 0)
            latest[lane] = event["ts"]
            stack = stacks.setdefault(lane, [])
            if event["ph"] == "b":
                stack.append(event["name"])
            elif event["ph"] == "e":
                assert stack.pop() == event["name"]
            else:
                assert stack
        elif event["ph"] == "i":
            assert event["s"] in "gpt"
    assert not any(stacks.values())
    assert [event["args"]["seq"] for event in events if "seq" in event["args"]] == [one.seq for one in frames]


def test_every_recording_nests() -> None:
    for frames in recorded().values():
        check(frames)


def scopes_in(frames: list[StreamFrame]) -> list[list[int]]:
    """Return begin and length of each scope, in microseconds, from the frames alone."""
    begun = {one.id: one.timestamp for one in frames}
    ended = {str(one.data["started_event_id"]): one.timestamp for one in frames if one.data.get("started_event_id")}
    micro = timedelta(microseconds=1)
    return sorted([(begun[name] - EPOCH) // micro, (end - begun[name]) // micro] for name, end in ended.items())


def test_the_trace_engine_of_chrome_finds_every_scope(judged: Judge) -> None:
    # Frames of several sessions have the same ids.
    single = {name: frames for name, frames in recorded().items() if [one.seq for one in frames].count(1) == 1}
    assert len(single) > 100
    verdicts = judged("perfetto.mjs", {name: trace_of(frames) for name, frames in single.items()}, "events")
    for name, frames in single.items():
        assert verdicts[name]["error"] is None
        assert sorted(scope[1:] for scope in verdicts[name]["scopes"]) == scopes_in(frames), name


def test_what_overlaps_has_a_lane_of_its_own_and_what_nests_has_not() -> None:
    frames = [
        frame(1, "flow_started", flow_name="F"),
        frame(2, "method_execution_started", "f1", method_name="a"),
        frame(3, "method_execution_started", "f1", method_name="b"),
        frame(4, "llm_call_started", "f3", call_id="c", model="m"),
        frame(5, "llm_stream_chunk", "f4", call_id="c", chunk="word"),
        frame(6, "method_execution_finished", "f1", method_name="a", started_event_id="f2"),
        frame(7, "llm_call_completed", "f3", call_id="c", started_event_id="f4"),
        frame(8, "method_execution_finished", "f1", method_name="b", started_event_id="f3"),
        frame(9, "flow_finished", started_event_id="f1"),
    ]
    lanes = {event["name"]: event["id2"]["local"] for event in trace_of(frames) if event["ph"] in "bn"}
    assert lanes == {"F": "0", "a": "0", "b": "1", "m": "1", "word": "1"}


def test_timelines_stand_side_by_side() -> None:
    frames = [frame(1, "flow_started", flow_name="F"), frame(2, "flow_finished", started_event_id="f1")]
    events = perfetto_trace([("one", frames), ("two", frames)])["traceEvents"]
    assert {(event["pid"], event["args"]["name"]) for event in events if event["ph"] == "M"} == {(1, "one"), (2, "two")}
    assert {(event["pid"], event["id2"]["local"]) for event in events if event["ph"] == "b"} == {(1, "0"), (2, "0")}


def test_a_timeline_whose_name_no_json_holds_is_named_escaped() -> None:
    trace = perfetto_trace([("t\udcff", [frame(1, "flow_started", flow_name="F")])])
    assert rb'"name":"t\\udcff"' in orjson.dumps(trace)
