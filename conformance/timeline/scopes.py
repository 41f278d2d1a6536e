"""The scopes of a timeline: what was open when each frame came, reconstructed from the frames alone."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field

from conformance.timeline.evidence import AnyFrame, Evidence, found_once
from conformance.timeline.vocabulary import closes, opens


class FrameScope(Struct):
    """One opened scope; `closed_by` is filled in when its closing frame is met."""

    kind: str
    opener: AnyFrame
    parent: FrameScope | None
    closed_by: AnyFrame | None = None

    @property
    def name(self) -> str:
        return f"{self.opener.type} (seq {self.opener.seq})"

    def is_within(self, outer: FrameScope) -> bool:
        scope = self.parent
        while scope is not None and scope is not outer:
            scope = scope.parent
        return scope is not None


class ScopeStep(Struct):
    """One frame with the scopes around it, as they are when it comes and before it has its own effect."""

    frame: AnyFrame
    #: The scope that its parent_id names, open or closed; None where no earlier frame of that id opened one.
    parent: FrameScope | None
    #: The scopes open at this moment, by the id of what opened them.
    open: dict[str, FrameScope]
    #: The kind of scope that it closes, if any, and the scope that it names.
    closes: str | None = None
    target: FrameScope | None = None


class Walk(Struct):
    """A pass over a timeline, frame by frame. The scopes are filled in as the steps are taken."""

    evidence: Evidence
    #: Every scope that was opened, by the id of what opened it, in order.
    scopes: dict[str, FrameScope] = field(default_factory=dict)

    def steps(self) -> Iterator[ScopeStep]:
        """Give each frame in the order of delivery; a frame takes effect when the next one is asked for."""
        still_open: dict[str, FrameScope] = {}
        for frame in self.evidence.frames:
            parent = self.scopes.get(frame.parent_id) if frame.parent_id is not None else None
            step = ScopeStep(frame, parent, still_open, closes(frame.type, frame.channel))
            if step.closes is not None:
                started = frame.data.get("started_event_id")
                step.target = self.scopes.get(started) if isinstance(started, str) else None
            yield step
            kind = opens(frame.type, frame.channel)
            if kind is not None and frame.id not in self.scopes:
                self.scopes[frame.id] = still_open[frame.id] = FrameScope(kind, frame, parent)
            target = step.target
            if target is not None and target.kind == step.closes and target.closed_by is None:
                target.closed_by = frame
                still_open.pop(target.opener.id, None)


@found_once
def deferred(evidence: Evidence) -> frozenset[str]:
    """Return the ids of the flows that are opened by a turn, in it or beside it, and not closed in this session.

    Their end comes at finalisation, so here they open no scope (clauses `order.scope-nesting`, `turn.deferred`).
    """
    walk = Walk(evidence)
    list(walk.steps())  # by which the scopes are filled in
    scopes = list(walk.scopes.values())
    first_turn = next((place for place, scope in enumerate(scopes) if scope.kind == "turn"), len(scopes))
    return frozenset(
        scope.opener.id
        for scope in scopes[first_turn:]
        if scope.kind == "flow" and scope.closed_by is None and (scope.parent is None or scope.parent.kind == "turn")
    )
