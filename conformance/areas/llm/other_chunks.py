"""The same bytes in other pieces give the same frames: the expectations of `llm.rechunk`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final

from conformance.timeline.any_frame import AnyFrame
from conformance.timeline.calls import delta_kind, tool_call_of
from conformance.timeline.expected import Expected

#: What a frame of a call says of the answer, beside its tool call.
_ANSWER_KEYS: Final = ("chunk", "call_type", "response", "text", "usage", "finish_reason", "error_type")


def rechunked(whole: Sequence[AnyFrame], split: Mapping[str, Sequence[AnyFrame]]) -> Iterator[Expected]:
    """Hold runs whose bytes were split to the one that had them whole; by each way to split, its frames.

    Of runs that show nothing of the answer nothing is told: they are always equal.
    """
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
