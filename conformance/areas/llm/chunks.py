"""What `llm.legacy-chunk` and `llm.rechunk` expect of chunks: the same for older readers, and in other pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import zip_longest
from typing import Any, Final

from conformance.timeline.calls import CHUNKS, delta_kind, tool_call_of
from conformance.timeline.evidence import AnyFrame
from conformance.timeline.expected import Expected

_LEGACY: Final = "llm.legacy-chunk"
#: What a frame of a call says of the answer, beside its tool call.
_ANSWER_KEYS: Final = ("chunk", "call_type", "response", "text", "usage", "finish_reason", "error_type")


def projected(frames: Iterable[AnyFrame], project: Callable[[Any], Any]) -> Iterator[Expected]:
    """Hold what each frame projects to: a chunk frame to a chunk that says the same, every other frame to None."""
    for frame in frames:
        chunk = project(frame)
        if frame.type not in CHUNKS:
            yield Expected(_LEGACY, f"what {frame.type} projects to", None, chunk, frame.seq)
            continue
        yield Expected(_LEGACY, f"whether {frame.type} projects to a chunk", True, chunk is not None, frame.seq)
        if chunk is not None:
            for name, value in _due_attributes(frame).items():
                found = reduce(lambda owner, part: getattr(owner, part, None), name.split("."), chunk)
                # The kinds of a chunk are members of an enumeration in one runtime, and their names in another.
                found = getattr(found, "value", found)
                yield Expected(_LEGACY, f"{name} of the chunk of {frame.type}", value, found, frame.seq)


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


def rechunked(whole: Sequence[AnyFrame], split: Mapping[str, Sequence[AnyFrame]]) -> Iterator[Expected]:
    """Hold runs whose bytes were split, by each way, to the whole one; of those without an answer nothing is told."""
    if not any(delta_kind(frame) for frame in whole):
        return
    due = [_answer_part(frame) for frame in whole]
    for pieces, frames in split.items():
        pairs = list(zip_longest(due, map(_answer_part, frames)))
        place = next((place for place, (whole_frame, frame) in enumerate(pairs) if whole_frame != frame), 0)
        seq = frames[place].seq if place < len(frames) else None
        yield Expected("llm.rechunk", f"frame {place + 1} of the answer {pieces}", *pairs[place], seq)


def _answer_part(frame: AnyFrame) -> tuple[Any, ...]:
    """Return what of a frame may not depend on how its bytes came: all but ids, times and the prompt."""
    tool_call, function = tool_call_of(frame)
    called = (tool_call.get("index"), function.get("name"), function.get("arguments"))
    return (frame.type, *called, *(frame.data.get(name) for name in _ANSWER_KEYS))
