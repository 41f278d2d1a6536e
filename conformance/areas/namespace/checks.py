"""The check of the clause `namespace.order`: what a frame's namespace names."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.timeline.check import Check, has_frames
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import Breach

#: What follows the channel, as far as the event has it.
_NAMES = ("flow_name", "method_name", "session_id", "call_id", "tool_name", "agent_role", "task_name")


def order(evidence: Evidence) -> Iterator[Breach]:
    for frame in evidence.frames:
        expected = (frame.channel, *(str(frame.data[name]) for name in _NAMES if frame.data.get(name)))
        if tuple(frame.namespace) != expected:
            yield frame.seq, f"the namespace of {frame.type} is {tuple(frame.namespace)!r}, not {expected!r}"


CHECKS = (Check("namespace.order", order, has_frames, of_every_run=True),)
