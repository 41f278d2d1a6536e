"""Checks of the clauses `order.*` that read numbers and links. How scopes nest has its own file, `scopes`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from conformance.areas.order.scopes import has_scopes, parent_closed, scope_nesting
from conformance.timeline.calls import calls_of, has_calls
from conformance.timeline.check import Check, has_frames
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import Breach
from conformance.timeline.scopes import Walk

#: What a session runs, outermost first; the frame that closes it is the last of all.
_RUNS = ("turn", "flow", "crew")
#: What may come whole before the run that a session is about.
_PRELUDE = ("checkpoint", "checkpoint_restore")


def seq_gapless(evidence: Evidence) -> Iterator[Breach]:
    used: set[int] = set()
    for frame in evidence.frames:
        if type(frame.seq) is not int or frame.seq < 1:
            yield None, f"the seq of {frame.type} is {frame.seq!r}, not a number from 1"
        elif frame.seq in used:
            yield frame.seq, f"seq {frame.seq} of {frame.type} was used by an earlier frame"
        else:
            used.add(frame.seq)
    expected = 1
    for seq in sorted(used):
        if seq != expected:
            missing = f"seq {expected} is" if seq == expected + 1 else f"seq {expected} to {seq - 1} are"
            yield seq, f"{missing} missing"
        expected = seq + 1


def delivery(evidence: Evidence) -> Iterator[Breach]:
    highest = 0
    for frame in evidence.frames:
        if type(frame.seq) is not int:
            continue
        if frame.seq < highest:
            yield frame.seq, f"{frame.type} with seq {frame.seq} was delivered after seq {highest}"
        highest = max(highest, frame.seq)


def previous_earlier(evidence: Evidence) -> Iterator[Breach]:
    earlier: set[str] = set()
    for frame in evidence.frames:
        if frame.previous_id is not None and frame.previous_id not in earlier:
            yield frame.seq, f"previous_id {frame.previous_id!r} of {frame.type} is no earlier frame of this session"
        earlier.add(frame.id)


def single_completion(evidence: Evidence) -> Iterator[Breach]:
    """A call ends once, and nothing of it follows; a session closed early need not end it."""
    for call in calls_of(evidence):
        if not call.terminals and evidence.ended != "closed" and not call.by_user:
            yield call.started.seq, f"the call {call.name} has no terminal frame"
        for again in call.terminals[1:]:
            yield again.seq, f"the call {call.name} ended with {call.terminals[0].type} and has {again.type} too"
        for late in call.after_terminal:
            yield late.seq, f"{late.type} of the call {call.name} follows its {call.terminals[0].type}"


def terminal_last(evidence: Evidence) -> Iterator[Breach]:
    terminal = _outermost_terminal(evidence)
    if terminal is not None:
        for frame in evidence.frames[terminal + 1 :]:
            yield frame.seq, f"{frame.type} follows the outermost terminal frame {evidence.frames[terminal].type}"


def _outermost_terminal(evidence: Evidence) -> int | None:
    """Return the place of the frame that closes the run, or None where it was not closed."""
    walk = Walk(evidence)
    # What closes a scope and names none, which is for `order.scope-nesting` to say, can only be meant for the outermost.
    nameless = {step.closes: place for place, step in enumerate(walk.steps()) if step.closes and step.target is None}
    top = [scope for scope in walk.scopes.values() if scope.parent is None and scope.kind not in _PRELUDE]
    runs = [scope for scope in top if scope.kind in _RUNS]
    if runs:
        first = runs[0].closed_by
        if first is None:
            return nameless.get(runs[0].kind)
        # A crew that is run for each of several inputs at once has no outermost one among its runs.
        begun = {id(frame) for frame in takewhile(lambda frame: frame is not first, evidence.frames)}
        top = [scope for scope in runs if scope.kind == runs[0].kind and id(scope.opener) in begun]
    # A session over something smaller, such as a direct call, may hold several, too: the one that ends last counts.
    ends = [scope.closed_by for scope in top]
    if not ends or None in ends:
        return None
    return max(place for place, frame in enumerate(evidence.frames) if any(frame is end for end in ends))


CHECKS = (
    Check("order.seq-gapless", seq_gapless, has_frames, of_every_run=True),
    Check("order.delivery", delivery, has_frames, of_every_run=True),
    Check("order.parent-closed", parent_closed, has_frames, of_every_run=True),
    Check("order.scope-nesting", scope_nesting, has_scopes, of_every_run=True),
    Check("order.previous-earlier", previous_earlier, has_frames, of_every_run=True),
    Check("order.one-completion", single_completion, has_calls),
    Check(
        "order.terminal-last",
        terminal_last,
        lambda evidence: _outermost_terminal(evidence) is not None,
        of_every_run=True,
    ),
)
