"""Overrides of one frame's making, which several areas share: a draft or a frame, with some values replaced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from harness import StreamFrame

#: Where a frame is made from an event, in two steps: what does not depend on the session, and the frame itself.
DRAFT: Final = "harness.frames.frame:Draft.__init__"
FRAME: Final = "harness.frames.frame:Draft.frame"

#: From a sound frame to the values that are to stand in it instead.
Values = Callable[[StreamFrame], dict[str, Any]]


def frame_with(values: Values) -> Callable[[Any], Any]:
    """Return what makes `Draft.frame` give frames with some values replaced, which nothing validates."""

    def breaks(frame: Callable[..., StreamFrame]) -> Callable[..., StreamFrame]:
        def broken(draft: Any, seq: int, parent_id: str | None) -> StreamFrame:
            made = frame(draft, seq, parent_id)
            made.__dict__.update(values(made))
            return made

        return broken

    return breaks


def draft_with(change: Callable[[Any], None]) -> Callable[[Any], Any]:
    """Return what makes every new `Draft` go through `change` once it has been made."""

    def breaks(init: Callable[..., None]) -> Callable[..., None]:
        def broken(draft: Any, event: Any) -> None:
            init(draft, event)
            change(draft)

        return broken

    return breaks


def put(draft: Any, name: str, value: Any) -> None:
    """Put a value into the payload of a draft, which is closed to change for everybody else."""
    dict.__setitem__(draft.payload, name, value)
