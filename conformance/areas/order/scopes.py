"""The checks of `order.parent-closed` and `order.scope-nesting`: how scopes lie inside each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from conformance.timeline.calls import CHUNKS
from conformance.timeline.evidence import AnyFrame, Evidence
from conformance.timeline.expected import Breach
from conformance.timeline.scopes import FrameScope, ScopeStep, Walk, deferred
from conformance.timeline.vocabulary import opens

#: What a scope's end says of whose it is, as its beginning does.
_WHOSE: Final = ("flow_name", "method_name", "call_id", "tool_name")


def has_scopes(evidence: Evidence) -> bool:
    return any(opens(frame.type, frame.channel) for frame in evidence.frames)


def parent_closed(evidence: Evidence) -> Iterator[Breach]:
    for step in Walk(evidence).steps():
        frame = step.frame
        if frame.parent_id is not None and frame.parent_id not in step.open:
            yield frame.seq, f"the parent {frame.parent_id!r} of {frame.type} is {_why_not_open(step)}"
        elif frame.id not in evidence.user_events and (wrong := _of_wrong_kind(step)):
            yield frame.seq, wrong


def _why_not_open(step: ScopeStep) -> str:
    if step.parent is None:
        return "no earlier frame of this session that opened a scope"
    closer = step.parent.closed_by
    return f"{step.parent.name}, which was closed by seq {closer.seq if closer is not None else '?'}"


def _of_wrong_kind(step: ScopeStep) -> str | None:
    frame, parent = step.frame, step.parent
    if frame.type.startswith("method_execution_"):
        flows = [scope for scope in step.open.values() if scope.kind in ("flow", "turn")]
        if parent not in flows and (flows or parent is not None):
            return f"the parent of {frame.type} is {_name(parent)}, not its flow"
        if parent is not None and _differ(frame, parent.opener, "flow_name"):
            return f"the parent of {frame.type} is another flow's: {_name(parent)}"
    if frame.type in CHUNKS:
        if parent is None or parent.kind != "call":
            return f"the parent of {frame.type} is {_name(parent)}, not its call"
        if _differ(frame, parent.opener, "call_id"):
            return f"the parent of {frame.type} is another call's: {_name(parent)}"
    return None


def _name(scope: FrameScope | None) -> str:
    return "none" if scope is None else scope.name


def _differ(frame: AnyFrame, other: AnyFrame, key: str) -> bool:
    mine, theirs = frame.data.get(key), other.data.get(key)
    return bool(mine) and bool(theirs) and mine != theirs


def scope_nesting(evidence: Evidence) -> Iterator[Breach]:
    deferred_flows = deferred(evidence)
    walk = Walk(evidence)
    for step in walk.steps():
        if step.closes is not None and step.frame.id not in evidence.user_events:
            yield from ((step.frame.seq, message) for message in _wrong_closing(step, evidence, deferred_flows))
    if evidence.ended != "closed":
        paused = any(frame.type.endswith("_paused") for frame in evidence.frames)
        for scope in walk.scopes.values():
            pending = paused and scope.kind == "turn"
            if scope.closed_by is None and not pending and not _exempt(scope, evidence, deferred_flows):
                yield scope.opener.seq, f"{scope.name} is never closed"


def _wrong_closing(step: ScopeStep, evidence: Evidence, deferred_flows: frozenset[str]) -> Iterator[str]:
    closer, target = step.frame.type, step.target
    if target is None or target.kind != step.closes:
        if not _pauses_an_earlier_flow(step):
            yield f"{closer} names no {step.closes} of this session in data.started_event_id"
    elif target.closed_by is not None:
        yield f"{closer} closes {target.name} again, after seq {target.closed_by.seq}"
    elif others := [name for name in _WHOSE if _differ(step.frame, target.opener, name)]:
        yield f"{closer} closes {target.name}, which has another {', '.join(others)}"
    else:
        for scope in step.open.values():
            if scope.is_within(target) and not _exempt(scope, evidence, deferred_flows):
                yield f"{closer} closes {target.name} while {scope.name} is open in it"


def _exempt(scope: FrameScope, evidence: Evidence, deferred_flows: frozenset[str]) -> bool:
    return scope.opener.id in deferred_flows or scope.opener.id in evidence.user_events


def _pauses_an_earlier_flow(step: ScopeStep) -> bool:
    # In a later turn of a deferred conversation the flow was opened in another session, and pauses in this one.
    return step.frame.type == "flow_paused" and any(scope.kind == "turn" for scope in step.open.values())
