"""What a timeline that is kept breaks: the clauses that its frames alone decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.run.judge import judge
from conformance.timeline.evidence import AnyFrame, Ended, Evidence
from harness.viewer import BrokenClause


def broken_clauses(frames: Sequence[AnyFrame]) -> Iterator[BrokenClause]:
    """Yield each clause that `frames` break, session by session, with the place of the frame that shows it."""
    begins = [place for place, frame in enumerate(frames) if frame.seq == 1 or place == 0]
    for begin, end in zip(begins, [*begins[1:], len(frames)], strict=True):
        session = frames[begin:end]
        for violation in judge(Evidence(frames=session, ended=_ended(session))).violations:
            shown = [place for place, frame in enumerate(session, begin) if frame.seq == violation.seq]
            yield BrokenClause(violation.clause, shown[0] if shown else None, violation.message)


def _ended(frames: Sequence[AnyFrame]) -> Ended:
    """Return how a session ended, by the frame that closes its outermost scope; without one it was left before its end."""
    first = frames[0].id
    for frame in reversed(frames):
        if frame.data.get("started_event_id") == first:
            return "failed" if frame.type.endswith("_failed") else "exhausted"
    return "closed"
