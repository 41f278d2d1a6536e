"""Checks of the clauses `channel.*`: where a frame goes."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.timeline.check import Check, has_frames
from conformance.timeline.evidence import AnyFrame, Evidence
from conformance.timeline.expected import Breach
from conformance.timeline.vocabulary import CHANNEL_OF, CHANNELS, is_user_type

#: Parts of a name by which a runtime without a table might route.
_TELLING_PARTS = ("error", "failed", "started", "completed", "finished", "llm_", "tool_", "flow_", "message", "stream")


def closed_set(evidence: Evidence) -> Iterator[Breach]:
    for frame in evidence.frames:
        if frame.channel not in CHANNELS:
            yield frame.seq, f"{frame.type} is on {frame.channel!r}, which is none of {', '.join(sorted(CHANNELS))}"


def built_in(clause: str) -> Check:
    """Return the check that every built-in type of the channel that the clause is named after travels on it."""
    channel = clause.partition(".")[2]

    def find(evidence: Evidence) -> Iterator[Breach]:
        for frame in evidence.frames:
            if CHANNEL_OF.get(frame.type) == channel != frame.channel:
                yield frame.seq, f"{frame.type} is on {frame.channel!r}, not on {channel!r}"

    def testable(evidence: Evidence) -> bool:
        return any(CHANNEL_OF.get(frame.type) == channel for frame in evidence.frames)

    return Check(clause, find, testable)


def custom(evidence: Evidence) -> Iterator[Breach]:
    """A type that is nobody's but the user's is `custom`; what else a runtime says it has built in is `lifecycle`."""
    for frame in evidence.frames:
        if is_user_type(frame.type) and frame.channel != "custom" and not _is_own(frame, evidence):
            where = f"{frame.type} is no built-in type, yet it is on {frame.channel!r}"
            yield frame.seq, f"{where} (`event_types` of a subject names its runtime's own, which are lifecycle)"


def by_table(evidence: Evidence) -> Iterator[Breach]:
    """One type has one channel, and no part of an unknown name decides it."""
    first: dict[str, str] = {}
    for frame in evidence.frames:
        earlier = first.setdefault(frame.type, frame.channel)
        if frame.channel != earlier:
            yield frame.seq, f"{frame.type} is on {frame.channel!r} here and was on {earlier!r} before"
        elif _tempts(frame.type) and frame.channel != "custom" and not _is_own(frame, evidence):
            yield frame.seq, f"the unknown type {frame.type} was put on {frame.channel!r} by a part of its name"


def _is_own(frame: AnyFrame, evidence: Evidence) -> bool:
    return frame.channel == "lifecycle" and frame.type in evidence.own_types


def _tempts(frame_type: str) -> bool:
    return is_user_type(frame_type) and any(part in frame_type for part in _TELLING_PARTS)


def _shows_a_table(evidence: Evidence) -> bool:
    types = [frame.type for frame in evidence.frames]
    return len(set(types)) < len(types) or any(map(_tempts, types))


CHECKS = (
    Check("channel.closed-set", closed_set, has_frames, of_every_run=True),
    built_in("channel.llm"),
    built_in("channel.flow"),
    built_in("channel.tools"),
    built_in("channel.messages"),
    built_in("channel.lifecycle"),
    Check("channel.custom", custom, lambda evidence: any(is_user_type(frame.type) for frame in evidence.frames)),
    Check("channel.by-table", by_table, _shows_a_table),
)
