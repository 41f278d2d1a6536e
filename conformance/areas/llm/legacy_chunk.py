"""The check of `llm.legacy-chunk`: what a frame is to those who read chunks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any

from conformance.areas.observations import LegacyChunk
from conformance.timeline.calls import CHUNKS, delta_kind, tool_call_of
from conformance.timeline.check import Finding, seen
from conformance.timeline.evidence import Evidence
from conformance.timeline.frame_like import FrameLike


def legacy_chunk(evidence: Evidence) -> Iterator[Finding]:
    """A chunk frame projects to a chunk that says the same; every other frame to None."""
    for one in seen(evidence, LegacyChunk):
        frame, chunk = one.frame, one.chunk
        if frame.type not in CHUNKS:
            if chunk is not None:
                yield frame.seq, f"{frame.type} projects to {chunk!r}, not to None"
            continue
        if chunk is None:
            yield frame.seq, f"{frame.type} projects to None"
            continue
        for name, value in _projected(frame).items():
            found = reduce(lambda owner, part: getattr(owner, part, None), name.split("."), chunk)
            # The kinds of a chunk are members of an enumeration in one runtime, and their names in another.
            if getattr(found, "value", found) != value:
                yield frame.seq, f"{name} of the chunk is {found!r}, by its frame {value!r}"


def _projected(frame: FrameLike) -> dict[str, Any]:
    """Return what the legacy chunk of a chunk frame says, by the names of its attributes."""
    payload = frame.data
    is_tool_call = delta_kind(frame) == "tool_call"
    expected = {
        "content": payload.get("chunk"),
        "chunk_type": "tool_call" if is_tool_call else "text",
        **{name: payload.get(name) or "" for name in ("task_name", "task_id", "agent_role", "agent_id")},
    }
    if not is_tool_call:
        return {**expected, "tool_call": None}
    tool_call, function = tool_call_of(frame)
    return {
        **expected,
        "tool_call.tool_id": tool_call.get("id"),
        "tool_call.tool_name": function.get("name"),
        "tool_call.arguments": function.get("arguments"),
        "tool_call.index": tool_call.get("index"),
    }
