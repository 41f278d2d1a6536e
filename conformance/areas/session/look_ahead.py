"""Sessions with a look-ahead limit, read frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.programs import Emit, FlowProgram, Method
from conformance.stage.reader import ENDING_S, FramesRead, in_thread
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import NOTHING, AtMost, Expected, Raised

_LIMIT: Final = 3
#: Enough for an emitter that does not wait to be seen ahead of its reader.
_EVENTS: Final = 60
_NEEDS: Final = "flow backpressure"


def _ahead(consumer: Consumer, *, awaited: bool, retain: bool) -> Evidence:
    """Read frame by frame, looking each time how many are there that nobody has read."""
    steps = tuple(Emit(str(n), awaited=awaited and not consumer.is_sync) for n in range(_EVENTS))
    program = consumer.flow_program(Method("emits", steps))
    limits = {"look_ahead": _LIMIT, "retain": retain}
    make = partial(consumer.subject.bounded, program, consumer.performance, kind=consumer.kind, **limits)
    session = consumer.keep(consumer.in_loop(make))
    iterator = consumer.iterate(session)
    read = most_unread = 0
    while (step := consumer.take(iterator, 1)).frames:
        read += 1
        newest = max((frame.seq for frame in session.frames), default=0)
        most_unread = max(most_unread, newest - read)
    try:
        replayed = consumer.read(session.events)
    except Exception as error:
        replayed = FramesRead(raised=error)
    clause, aspect = "session.backpressure", "a new projection after the end"
    expected = [Expected(clause, "whether any frame was read", True, read > 0)]
    if retain:
        expected.append(Expected(clause, aspect, NOTHING, replayed.raised))
        expected.append(Expected(clause, f"frames of {aspect}", read, len(replayed.frames)))
    else:
        refused = Raised(BaseException)
        expected.append(Expected(clause, f"{aspect}, where none are retained,", refused, replayed.raised))
    # In a loop, those who do not await their emits never wait.
    if consumer.is_sync or awaited:
        expected.append(Expected(clause, "frames that were unread", AtMost(_LIMIT), most_unread))
    return FramesRead(replayed.frames, step.raised).evidence(*expected)


def _beside(consumer: Consumer) -> Iterator[Expected]:
    """Read a session to its end beside a view that has stopped: the limit is the furthest view's."""
    program = FlowProgram((Method("emits", tuple(Emit(str(n)) for n in range(3 * _LIMIT))),))
    make = partial(consumer.subject.bounded, program, consumer.performance, kind="sync", look_ahead=_LIMIT)
    session = consumer.keep(make())
    stopped = consumer.iterate(session.events)
    consumer.take(stopped, 1)
    ended, _ = in_thread(partial(list, session), ENDING_S)
    aspect = "whether a view was read to its end beside one that had stopped"
    yield Expected("session.backpressure", aspect, True, ended)


_CLAUSES: Final = frozenset({"session.backpressure"})

SCENARIOS: Final = Scenarios()
SCENARIOS.both("session/look-ahead/emitters-wait", _CLAUSES, _NEEDS, _ahead, awaited=True, retain=True)
SCENARIOS.both("session/look-ahead/nothing-retained", _CLAUSES, _NEEDS, _ahead, awaited=True, retain=False)
_NEVER: Final = "session/look-ahead/loop-never-waits/async"
SCENARIOS.of_kind("async", _NEVER, _CLAUSES, _NEEDS, _ahead, awaited=False, retain=True)
SCENARIOS.of_kind("sync", "session/look-ahead/beside-another/sync", _CLAUSES, _NEEDS, _beside)
