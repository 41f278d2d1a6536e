"""What a view of a session is held to: every frame of its channels, in order, each once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from conformance.areas.envelope.checks import FIELDS
from conformance.stage.reader import FramesRead
from conformance.timeline.evidence import AnyFrame
from conformance.timeline.expected import Expected, Relation, Same, shown

#: The views that a session must have and those that it ought to have, with the channels that each shows.
VIEWS: Final = {"events": None, **{name: frozenset({name}) for name in ("llm", "flow", "tools", "messages")}}
MORE_VIEWS: Final = {name: frozenset({name}) for name in ("lifecycle", "custom")}
PROJECTIONS: Final = (*VIEWS, "interleave", "subscribe")


class OnlyItsOwn(Relation, frozen=True):
    """Of all frames of a session no others than those of its channels, as they are, and some where there are any."""

    #: As `frames` has them after the end.
    every: Sequence[AnyFrame]
    channels: frozenset[str] | None = None

    @property
    def due(self) -> list[AnyFrame]:
        return [frame for frame in self.every if self.channels is None or frame.channel in self.channels]

    def breaches(self, seen: FramesRead) -> Iterator[str]:
        yield from self._strangers(seen)
        if self.due and not seen.frames:
            yield f" shows none of its {len(self.due)} frames"

    def _strangers(self, seen: FramesRead) -> Iterator[str]:
        known = {frame.id: frame for frame in self.due}
        for frame in seen.frames:
            if frame.id not in known:
                yield f" shows {_named(frame)} on {frame.channel!r}, which is none of its frames"
            elif others := [
                name for name in FIELDS if getattr(frame, name, None) != getattr(known[frame.id], name, None)
            ]:
                yield f" shows {_named(known[frame.id])} with another {', '.join(others)}"


class AllFrames(OnlyItsOwn, frozen=True):
    """All of them, in order, without an error, of a session that has any."""

    def breaches(self, seen: FramesRead) -> Iterator[str]:
        if seen.raised is not None:
            yield f" raised {shown(seen.raised)}"
        if not self.every:
            yield " is one of no frames at all"
        yield from self._strangers(seen)
        due, ids = [frame.id for frame in self.due], [frame.id for frame in seen.frames]
        missing = [frame for frame in self.due if frame.id not in set(ids)]
        if missing:
            yield f" lacks {len(missing)} of {len(due)} frames, the first is {_named(missing[0])}"
        elif ids != due and set(ids) == set(due):
            yield " shows its frames in another order, or more than once"


def read_again(first: FramesRead, again: Mapping[str, FramesRead]) -> Iterator[Expected]:
    """Hold what was read again of a failed session, by the names of its views, to the first reading, whatever that came to."""
    for name, read in again.items():
        aspect = f"{name}, read again after a failure,"
        frames = AllFrames(first.frames, VIEWS[name])
        yield Expected("session.replay-failed", aspect, frames, FramesRead(read.frames))
        yield Expected("session.replay-failed", f"what {aspect} raised", Same(first.raised), read.raised)


def _named(frame: Any) -> str:
    return f"{frame.type} (seq {frame.seq})"
