"""Checks of the clauses `session.*`, from what a consumer saw a session do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final, Literal

from conformance.areas.observations import (
    ChannelsAsked,
    Drained,
    EditedCopy,
    FailedRead,
    LazyStart,
    LookAhead,
    Repeated,
    Surface,
    Used,
    ViewRead,
)
from conformance.timeline.check import Check, Finding, saw, seen, shown
from conformance.timeline.evidence import Evidence
from conformance.timeline.frame_like import FrameLike
from conformance.timeline.vocabulary import CHANNELS

PROJECTIONS: Final = ("events", "llm", "flow", "tools", "messages", "interleave", "subscribe")
MORE_PROJECTIONS: Final = ("lifecycle", "custom")
_PROPERTIES: Final = ("frames", "result", "is_completed", "is_exhausted", "is_cancelled", "close")


def lazy(evidence: Evidence) -> Iterator[Finding]:
    """A session that nobody has read has started nothing."""
    for start in seen(evidence, LazyStart):
        if start.reached:
            yield None, f"the run had come to {', '.join(start.reached)} before the first frame was asked for"
        if start.started_threads:
            yield None, f"an unused session started the threads {', '.join(start.started_threads)}"
        if start.started_tasks:
            yield None, f"an unused session started {start.started_tasks} tasks"


def iterates(evidence: Evidence) -> Iterator[Finding]:
    """Iterating the session shows every frame, in order."""
    for read in _reads(evidence, "iteration", ("first",)):
        yield from _faults(read)


def projections(evidence: Evidence) -> Iterator[Finding]:
    """Every projection is there, and shows the frames of its channels."""
    yield from _without(evidence, PROJECTIONS)
    for read in seen(evidence, ViewRead):
        if read.view in PROJECTIONS and read.when == "after-end":
            yield from _strangers(read)
            if not read.frames and _expected(read):
                yield None, f"{read.view} shows none of its {len(_expected(read))} frames"


def more_projections(evidence: Evidence) -> Iterator[Finding]:
    """So do the two that ought to be there."""
    yield from _without(evidence, MORE_PROJECTIONS)
    for read in seen(evidence, ViewRead):
        if read.view in MORE_PROJECTIONS:
            yield from _faults(read)


def _without(evidence: Evidence, wanted: Sequence[str]) -> Iterator[Finding]:
    for surface in seen(evidence, Surface):
        missing = [name for name in wanted if name not in surface.names]
        if missing:
            yield None, f"{_article(surface.kind)} session has no {', '.join(missing)}"


def independent_views(evidence: Evidence) -> Iterator[Finding]:
    """A view begun beside another, or after another stopped, shows every frame of its channels."""
    for when in ("beside-another", "after-break"):
        for read in _reads(evidence, None, (when,)):
            yield from _faults(read)


def drain(evidence: Evidence) -> Iterator[Finding]:
    """A projection read to its end has read the session to its end."""
    for drained in seen(evidence, Drained):
        if not drained.is_completed:
            yield None, f"is_completed is False after {drained.view} was read to its end"
        if len(drained.frames) < len(drained.every):
            missing = len(drained.every) - len(drained.frames)
            yield None, f"{missing} of {len(drained.every)} frames were not in frames after {drained.view} had ended"


def replay(evidence: Evidence) -> Iterator[Finding]:
    """Every view read after the end shows the cached frames again, and nothing runs again."""
    for repeated in seen(evidence, Repeated):
        if repeated.runs != 1:
            yield None, f"the run began {repeated.runs} times"
    for read in _reads(evidence, None, ("after-end",)):
        if read.view not in MORE_PROJECTIONS:
            yield from _faults(read)


def replay_failed(evidence: Evidence) -> Iterator[Finding]:
    """A failed session shows the same frames and raises the same error, again."""
    first: FailedRead | None = None
    for read in seen(evidence, FailedRead):
        if first is None or read.when == "first":
            first = read
            continue
        if _ids(read.frames) != _ids(first.frames):
            yield (
                None,
                f"the second reading of a failed session gave {len(read.frames)} frames, not {len(first.frames)}",
            )
        if read.raised is not first.raised:
            yield None, f"the second reading of a failed session {_did(read.raised)}, not {_did(first.raised)}"


def frames_copy(evidence: Evidence) -> Iterator[Finding]:
    """What is done to the list that `frames` gave, the session does not see."""
    for copied in seen(evidence, EditedCopy):
        if copied.after != copied.before:
            yield None, f"frames had {copied.before} frames, and {copied.after} after its list had been emptied"


def bad_channels(evidence: Evidence) -> Iterator[Finding]:
    """Asking for what is no channel is refused at the call, by a ValueError that names the channels."""
    for asked in seen(evidence, ChannelsAsked):
        if not isinstance(asked.raised, ValueError):
            yield None, f"{asked.call} {_did(asked.raised)}, not a ValueError at the call"
        elif not all(channel in str(asked.raised) for channel in CHANNELS):
            yield None, f"{asked.call} raised a ValueError that does not name the channels: {asked.raised}"


def thread_safe(evidence: Evidence) -> Iterator[Finding]:
    """Each of several threads that iterate one session sees all of it."""
    for read in _reads(evidence, None, ("in-a-thread",)):
        yield from _faults(read)


def same_surface(evidence: Evidence) -> Iterator[Finding]:
    """Both kinds of session have the same surface, and can be used from where the contract says."""
    yield from _without(evidence, _PROPERTIES)
    kinds = {surface.kind: surface.names for surface in seen(evidence, Surface)}
    for name in (*PROJECTIONS, *MORE_PROJECTIONS):
        has = [kind for kind, names in kinds.items() if name in names]
        if len(kinds) == 2 and len(has) == 1:
            yield None, f"only the {has[0]} session has {name}"
    for used in seen(evidence, Used):
        if used.raised is not None:
            yield None, f"{used.what} {_did(used.raised)}"
        elif not used.is_completed or used.is_cancelled is not used.cancelled:
            yield None, f"{used.what} left is_completed {used.is_completed} and is_cancelled {used.is_cancelled}"


def backpressure(evidence: Evidence) -> Iterator[Finding]:
    """No more frames are ahead of the furthest reader than were allowed; read ones stay, unless told otherwise."""
    for ahead in seen(evidence, LookAhead):
        if ahead.can_wait and ahead.most_unread > ahead.limit:
            yield None, f"{ahead.most_unread} frames were unread under a look-ahead of {ahead.limit}"
        if not ahead.read:
            yield None, "no frame was read from a session with a look-ahead limit"
        elif ahead.retained and (ahead.raised is not None or ahead.replayed != ahead.read):
            yield None, f"a new projection showed {ahead.replayed} of {ahead.read} frames, {_did(ahead.raised)}"
        elif not ahead.retained and ahead.raised is None:
            yield None, f"a new projection showed {ahead.replayed} frames although they are not retained"


def _reads(evidence: Evidence, view: str | None, moments: Collection[str]) -> list[ViewRead]:
    return [read for read in seen(evidence, ViewRead) if read.when in moments and view in (None, read.view)]


def _faults(read: ViewRead) -> Iterator[Finding]:
    """Give how a view differs from every frame of its channels, in order."""
    where = f"{read.view} read {read.when.replace('-', ' ')}"
    if read.raised is not None:
        yield None, f"{where} {_did(read.raised)}"
    yield from _strangers(read)
    expected, shown = _expected(read), _ids(read.frames)
    missing = [frame for frame in expected if frame.id not in set(shown)]
    if missing:
        yield missing[0].seq, f"{where} lacks {len(missing)} of {len(expected)} frames, the first is {missing[0].type}"
    elif shown != _ids(expected) and set(shown) == set(_ids(expected)):
        yield None, f"{where} shows its frames in another order, or more than once"


def _strangers(read: ViewRead) -> Iterator[Finding]:
    known = set(_ids(_expected(read)))
    for frame in read.frames:
        if frame.id not in known:
            yield frame.seq, f"{read.view} shows {frame.type} on {frame.channel!r}, which is none of its frames"


def _expected(read: ViewRead) -> list[FrameLike]:
    return [frame for frame in read.every if read.channels is None or frame.channel in read.channels]


def _ids(frames: Sequence[FrameLike]) -> list[str]:
    return [frame.id for frame in frames]


def _did(raised: BaseException | None) -> str:
    return "raised nothing" if raised is None else f"raised {shown(raised)}"


def _article(kind: Literal["sync", "async"]) -> str:
    return {"sync": "a sync", "async": "an async"}[kind]


def _has(view: str | None, *moments: str) -> Callable[[Evidence], bool]:
    return lambda evidence: any(read.every for read in _reads(evidence, view, moments))


def _was_read_again(evidence: Evidence) -> bool:
    return any(read.when == "after-end" for read in seen(evidence, FailedRead))


CHECKS = (
    Check("session.lazy", lazy, saw(LazyStart)),
    Check("session.iterates", iterates, _has("iteration", "first")),
    Check("session.projections", projections, saw(Surface)),
    Check("session.more-projections", more_projections, saw(Surface)),
    Check("session.independent-views", independent_views, _has(None, "beside-another", "after-break")),
    Check("session.drain", drain, saw(Drained)),
    Check("session.replay", replay, _has(None, "after-end")),
    Check("session.replay-failed", replay_failed, _was_read_again),
    Check("session.frames-copy", frames_copy, saw(EditedCopy)),
    Check("session.bad-channels", bad_channels, saw(ChannelsAsked)),
    Check("session.thread-safe", thread_safe, _has(None, "in-a-thread")),
    Check("session.same-surface", same_surface, saw(Used)),
    Check("session.backpressure", backpressure, saw(LookAhead)),
)
