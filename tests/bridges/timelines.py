"""Timelines for the bridges: all that come with the project, and generated ones that keep no rule of the contract."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import given, strategies as st

from harness.bridges.scopes import CLOSES, OPENS
from harness.frames.channels import CHANNEL_OF, channel_of
from harness.frames.codec import encode
from harness.frames.frame import StreamFrame
from harness.recording.files.frames_file import load_frames

ROOT = Path(__file__).parents[2]
_BEGUN = datetime(2026, 11, 29, 3, 4, 5, 678901, tzinfo=UTC)


@cache
def recorded() -> dict[str, list[StreamFrame]]:
    """Return the timelines of all recordings of the project, by their places."""
    files = sorted(
        path for folder in ("cassettes", "examples", "tests") for path in (ROOT / folder).rglob("frames.jsonl")
    )
    assert len(files) > 100
    return {str(path.parent.relative_to(ROOT)): load_frames(path) for path in files}


def texts_of(frames: list[StreamFrame]) -> dict[str, str]:
    """Return what each call streamed, by the id of its first frame, of the timeline of one session."""
    calls = {one.id: "" for one in frames if one.type == "llm_call_started"}
    for one in frames:
        if one.type == "llm_stream_chunk" and one.parent_id is not None:
            calls[one.parent_id] += one.content
    return {call: text for call, text in calls.items() if text}


def frame(seq: int, kind: str, parent: str | None = None, **data: Any) -> StreamFrame:
    """Return a frame that is `f<seq>`, a millisecond after the one before it."""
    return StreamFrame.model_validate(
        {
            "id": f"f{seq}",
            "seq": seq,
            "type": kind,
            "channel": channel_of(kind),
            "namespace": (channel_of(kind),),
            "timestamp": _BEGUN + timedelta(milliseconds=seq),
            "parent_id": parent,
            "previous_id": None,
            "data": encode(data),
        }
    )


def tool_chunk(
    seq: int, chunk: str, call: str = "f1", *, id: str = "t", index: int = 0, name: str = "look", **data: Any
) -> StreamFrame:
    """Return a frame of a call in which a model calls a tool."""
    called = {"id": id, "type": "function", "index": index, "function": {"name": name}}
    return frame(
        seq, "llm_stream_chunk", call, call_id="c", call_type="tool_call", chunk=chunk, tool_call=called, **data
    )


def call_of(*chunks: StreamFrame, **ended: Any) -> list[StreamFrame]:
    """Return the frames of a call at the top of a timeline, which begins with `f1` and completes."""
    started = frame(1, "llm_call_started", call_id="c", model="m")
    told = {"call_id": "c", "started_event_id": "f1", **ended}
    return [started, *chunks, frame(chunks[-1].seq + 1, "llm_call_completed", None, **told)]


THINKS_AND_SAYS = call_of(
    frame(2, "llm_thinking_chunk", "f1", call_id="c", chunk="hm"),
    frame(3, "llm_stream_chunk", "f1", call_id="c", chunk="yes"),
    response="yes",
)

#: Every frame of an agent names the agent and the task; the model is told a tool's name in its own spelling.
_OF: dict[str, Any] = {"agent_role": "Writer", "task_name": "write", "agent_id": "a"}
CREW = [
    frame(1, "flow_started", flow_name="F"),
    frame(2, "crew_kickoff_started", "f1", crew_name="Crew"),
    frame(3, "task_started", "f2", task_name="write"),
    frame(4, "agent_execution_started", "f3", **_OF),
    frame(5, "llm_call_started", "f4", call_id="c", model="m", **_OF),
    tool_chunk(6, "{}", "f5", name="Get_tide", **_OF),
    frame(7, "llm_call_completed", "f4", call_id="c", call_type="tool_call", started_event_id="f5", **_OF),
    frame(8, "tool_usage_started", "f4", tool_name="Get tide", tool_args={}, **_OF),
    frame(9, "tool_usage_finished", "f4", tool_name="Get tide", output="high", started_event_id="f8", **_OF),
    frame(10, "llm_call_started", "f4", call_id="d", model="m", **_OF),
    frame(11, "llm_stream_chunk", "f10", call_id="d", chunk="It is", **_OF),
    frame(12, "llm_call_failed", "f4", call_id="d", error="no", started_event_id="f10", **_OF),
    frame(13, "agent_execution_error", "f3", error="no", started_event_id="f4", **_OF),
    frame(14, "crew_kickoff_completed", "f1", output={"raw": "nothing"}, started_event_id="f2"),
    frame(15, "flow_finished", started_event_id="f1"),
]


_NAMES = st.sampled_from(["", "plan", "search", "call-1", "f1", "née"])
_ANY = st.none() | _NAMES | st.integers(-1, 3) | st.sampled_from([[], {}, {"$text": "\\ud800"}, ["a"], {"a": {"b": 1}}])
_PLAIN_FIELDS = """
    chunk call_id model response text finish_reason error error_type result output tool_name tool_args method_name flow_name
    agent_role session_id request_id message emit state messages
"""
_FIELDS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(_PLAIN_FIELDS.split(), _ANY)
    | {
        "call_type": st.sampled_from(["llm_call", "tool_call", None]),
        "chunk": _NAMES | _ANY,
        "usage": st.dictionaries(st.sampled_from(["prompt_tokens", "total_tokens", "other"]), _ANY | st.integers()),
        "tool_call": _ANY
        | st.fixed_dictionaries(
            {
                "id": _NAMES | st.none(),
                "type": st.just("function"),
                "index": st.integers(0, 1),
                "function": st.fixed_dictionaries({"name": _NAMES | st.none(), "arguments": _NAMES}),
            }
        ),
        "response": _ANY
        | st.lists(
            st.fixed_dictionaries(
                {"id": _NAMES, "function": st.fixed_dictionaries({"name": _NAMES, "arguments": _ANY})}
            )
        ),
    },
)
#: What happens often: chunks, and scopes that open and close.
_TYPES = st.one_of(
    st.sampled_from(["llm_stream_chunk", "llm_thinking_chunk"]),
    st.sampled_from(sorted(OPENS)),
    st.sampled_from(sorted(CLOSES)),
    st.sampled_from([*sorted(CHANNEL_OF), "somebody_elses", ""]),
)


@st.composite
def generated(draw: st.DrawFn) -> list[StreamFrame]:
    """Draw a timeline, any frame in any place: parents and what closes them are earlier frames, or not there at all."""
    frames: list[StreamFrame] = []
    seq = 0
    for kind, fields, begins in draw(st.lists(st.tuples(_TYPES, _FIELDS, st.integers(0, 20)), max_size=25)):
        seq = 1 if begins == 0 else seq + 1
        earlier = st.sampled_from([None, "nowhere", *[one.id for one in frames[-6:]]])
        started = draw(earlier) if kind in CLOSES or begins == 1 else None
        frames.append(frame(seq, kind, draw(earlier), **fields, **({"started_event_id": started} if started else {})))
    return frames


@cache
def drawn() -> list[list[StreamFrame]]:
    """Return many generated timelines, for a judge that is asked about all of them at once."""
    timelines: list[list[StreamFrame]] = []

    @given(generated())
    def collect(frames: list[StreamFrame]) -> None:
        timelines.append(frames)

    collect()
    assert len(timelines) > 50
    return timelines
