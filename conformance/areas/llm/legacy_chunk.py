"""What a frame is to those who read chunks: the expectations of `llm.legacy-chunk`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from typing import Any, Final

from conformance.timeline.any_frame import AnyFrame
from conformance.timeline.calls import CHUNKS, delta_kind, tool_call_of
from conformance.timeline.expected import Expected

_CLAUSE: Final = "llm.legacy-chunk"


def projected(frames: Iterable[AnyFrame], project: Callable[[Any], Any]) -> Iterator[Expected]:
    """Hold what each frame projects to: a chunk frame to a chunk that says the same, every other frame to None."""
    for frame in frames:
        chunk = project(frame)
        if frame.type not in CHUNKS:
            yield Expected(_CLAUSE, f"what {frame.type} projects to", None, chunk, frame.seq)
            continue
        yield Expected(_CLAUSE, f"whether {frame.type} projects to a chunk", True, chunk is not None, frame.seq)
        if chunk is not None:
            for name, value in _due_attributes(frame).items():
                found = reduce(lambda owner, part: getattr(owner, part, None), name.split("."), chunk)
                # The kinds of a chunk are members of an enumeration in one runtime, and their names in another.
                found = getattr(found, "value", found)
                yield Expected(_CLAUSE, f"{name} of the chunk of {frame.type}", value, found, frame.seq)


def _due_attributes(frame: AnyFrame) -> dict[str, Any]:
    """Return what the legacy chunk of a chunk frame says, by the names of its attributes."""
    payload = frame.data
    is_tool_call = delta_kind(frame) == "tool_call"
    due = {
        "content": payload.get("chunk"),
        "chunk_type": "tool_call" if is_tool_call else "text",
        **{name: payload.get(name) or "" for name in ("task_name", "task_id", "agent_role", "agent_id")},
    }
    if not is_tool_call:
        return {**due, "tool_call": None}
    tool_call, function = tool_call_of(frame)
    return {
        **due,
        "tool_call.tool_id": tool_call.get("id"),
        "tool_call.tool_name": function.get("name"),
        "tool_call.arguments": function.get("arguments"),
        "tool_call.index": tool_call.get("index"),
    }
