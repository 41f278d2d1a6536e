"""Edits that break one thing of a run's evidence, and the rows that say which clause each breaks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Any

import msgspec
from msgspec.structs import replace

from conformance.areas.llm.chunks import rechunked
from conformance.timeline.evidence import AnyFrame, Evidence
from tests.conformance import timelines
from tests.conformance.timelines import Frame, frozen

Edit = Callable[[Evidence], Evidence]


def frame_of(evidence: Evidence, seq: int) -> Frame:
    frame = evidence.frames[seq - 1]
    assert isinstance(frame, Frame)
    return frame


def with_frames(evidence: Evidence, frames: list[AnyFrame]) -> Evidence:
    return replace(evidence, frames=tuple(frames))


def put(seq: int, /, **changes: Any) -> Edit:
    """Replace envelope fields of one frame."""

    def edit(evidence: Evidence) -> Evidence:
        frames = list(evidence.frames)
        frames[seq - 1] = dataclasses.replace(frame_of(evidence, seq), **changes)
        return with_frames(evidence, frames)

    return edit


def data(seq: int, /, **changes: Any) -> Edit:
    """Replace keys of one frame's payload."""

    def edit(evidence: Evidence) -> Evidence:
        return put(seq, data=frozen({**frame_of(evidence, seq).data, **changes}))(evidence)

    return edit


def tool_call(seq: int, /, **changes: Any) -> Edit:
    """Replace keys of one tool-call chunk's `tool_call`."""
    return lambda evidence: data(seq, tool_call={**frame_of(evidence, seq).data["tool_call"], **changes})(evidence)


def wire(**changes: Any) -> Edit:
    """Replace what the provider sent for the first call."""

    def edit(evidence: Evidence) -> Evidence:
        facts = evidence.wire[0]
        assert facts is not None
        return replace(evidence, wire=(replace(facts, **changes), *evidence.wire[1:]))

    return edit


def read(place: int, /, **changes: Any) -> Edit:
    """Replace what one read of the result gave."""

    def edit(evidence: Evidence) -> Evidence:
        reads = list(evidence.reads)
        reads[place] = replace(reads[place], **changes)
        return replace(evidence, reads=tuple(reads))

    return edit


def replayed(lost: int, error: BaseException | None = None) -> Edit:
    """Have the run read again without so many of its last frames, and without the error that it raised at first."""

    def edit(evidence: Evidence) -> Evidence:
        frames = evidence.frames[: len(evidence.frames) - lost]
        return replace(evidence, replayed=frames, raised=error, replay_raised=None)

    return edit


def shared(edit: Edit) -> Edit:
    """Have a second reader be given the very frames that the first was given, edited so."""

    def edited(evidence: Evidence) -> Evidence:
        seen = edit(evidence)
        return replace(seen, replayed=seen.frames)

    return edited


def split(seq: int, /, **changes: Any) -> Edit:
    """Replace keys of one frame's payload in the run whose bytes were split otherwise."""

    def edit(evidence: Evidence) -> Evidence:
        other = data(seq, **changes)(evidence).frames
        return resplit(evidence, other)

    return edit


def resplit(evidence: Evidence, other: Sequence[AnyFrame]) -> Evidence:
    """Hold other frames to those of the run whose bytes came whole."""
    return replace(evidence, expected=tuple(rechunked(evidence.frames, {"byte by byte": other})))


def chunk(seq: int, made: Any) -> Edit:
    """Replace the legacy chunk of one frame."""
    return lambda evidence: timelines.projected_call({seq: made})


def swap(seq: int) -> Edit:
    """Deliver one frame before the one that precedes it."""

    def edit(evidence: Evidence) -> Evidence:
        frames = list(evidence.frames)
        frames[seq - 2 : seq] = reversed(frames[seq - 2 : seq])
        return with_frames(evidence, frames)

    return edit


def drop(seq: int) -> Edit:
    """Leave one frame out and number the rest anew, as if it had never been."""

    def edit(evidence: Evidence) -> Evidence:
        rest = [frame_of(evidence, n) for n in range(1, len(evidence.frames) + 1) if n != seq]
        return with_frames(
            evidence, [dataclasses.replace(frame, seq=n, previous_id=None) for n, frame in enumerate(rest, 1)]
        )

    return edit


def untold(frame_type: str) -> Edit:
    """Leave out the frame of that type."""
    return lambda evidence: drop(next(frame.seq for frame in evidence.frames if frame.type == frame_type))(evidence)


def again(seq: int, /, **changes: Any) -> Edit:
    """Add one frame once more at the end, with an id and a number of its own."""

    def edit(evidence: Evidence) -> Evidence:
        extra = dataclasses.replace(frame_of(evidence, seq), id="again", seq=len(evidence.frames) + 1, **changes)
        sources = {**(evidence.source_types or {}), "again": extra.type}
        return replace(evidence, frames=(*evidence.frames, extra), source_types=sources)

    return edit


def as_class(seq: int, cls: type[Frame], **more: Any) -> Edit:
    """Make one frame an instance of another class."""

    def edit(evidence: Evidence) -> Evidence:
        frames = list(evidence.frames)
        frame = frame_of(evidence, seq)
        frames[seq - 1] = cls(**{item.name: getattr(frame, item.name) for item in dataclasses.fields(Frame)}, **more)
        return with_frames(evidence, frames)

    return edit


def then(*edits: Edit) -> Edit:
    def edit(evidence: Evidence) -> Evidence:
        for apply in edits:
            evidence = apply(evidence)
        return evidence

    return edit


@dataclasses.dataclass(frozen=True)
class Versioned(Frame):
    version: str = "v1"


#: A frame that is a struct, with a field more.
Counted: Any = msgspec.defstruct(
    "Counted",
    [*((field.name, Any) for field in dataclasses.fields(Frame)), ("count", int, 1)],
    namespace={name: vars(Frame)[name] for name in ("event", "content", "__str__")},
    frozen=True,
)


class OtherEvent(Frame):
    @property
    def event(self) -> dict[str, Any]:
        return {}


class Talkative(Frame):
    @property
    def content(self) -> str:
        return str(self.data["chunk"])


class Unprintable(Frame):
    def __str__(self) -> str:
        return f"<Frame {self.seq}>"


class Assignable(Frame):
    __setattr__ = object.__setattr__


class Reloading(Frame):
    def model_dump_json(self) -> str:
        return "{}"

    def model_validate_json(self, text: str) -> object:
        return text


class Color(Enum):
    RED = "red"


def nest(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"deeper": value}
    return value


CEST = timezone(timedelta(hours=2))
NAIVE = datetime(2026, 1, 1)
GIVEN = {"id": "t0", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}


@dataclasses.dataclass(frozen=True)
class Mutation:
    what: str
    clause: str
    of: Callable[[], Evidence]
    edit: Edit
    #: Other clauses that the same fault breaks.
    also: frozenset[str] = frozenset()


def row(what: str, clause: str, of: Callable[[], Evidence], edit: Edit, *also: str) -> Mutation:
    return Mutation(what, clause, of, edit, frozenset(also))
