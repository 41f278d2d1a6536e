"""Claims about results and errors, for both kinds of session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from harness.errors import RunCancelled
from harness.frames.states import State
from tests.session.bodies import KINDS, AnySession, Driver, Kind, notes, raising, session_of

pytestmark = pytest.mark.parametrize("kind", KINDS)

VALUES: tuple[Any, ...] = (None, False, 0, "", [], {}, "text", {"a": 1}, ValueError("as a value"))


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_the_result_is_the_runs_value(value: Any, kind: Kind, driver: Driver) -> None:
    session = session_of(kind, lambda: value)
    assert driver.all(session) == []
    assert session.result is value
    assert session.result is value


def unread(session: AnySession, driver: Driver) -> None:
    return None


def half(session: AnySession, driver: Driver) -> None:
    driver.next(session.events)


def all_but_the_end(session: AnySession, driver: Driver) -> None:
    view = session.events
    for _ in range(3):
        driver.next(view)


def whole(session: AnySession, driver: Driver) -> None:
    driver.failure(session)


def closed(session: AnySession, driver: Driver) -> None:
    session.close()


def half_then_closed(session: AnySession, driver: Driver) -> None:
    half(session, driver)
    session.close()


def whole_then_closed(session: AnySession, driver: Driver) -> None:
    whole(session, driver)
    session.close()


PENDING = "Streaming has not completed yet"
CLOSED = "The stream was closed"
#: What was done → completed, exhausted, cancelled, and what `result` raises; None where it is the value.
STATES: dict[str, tuple[Callable[[AnySession, Driver], None], tuple[bool, bool, bool], str | None]] = {
    "unread": (unread, (False, False, False), PENDING),
    "half read": (half, (False, False, False), PENDING),
    "read up to the last frame": (all_but_the_end, (False, False, False), PENDING),
    "exhausted": (whole, (True, True, False), None),
    "closed unread": (closed, (True, False, True), CLOSED),
    "closed half read": (half_then_closed, (True, False, True), CLOSED),
    "closed when exhausted": (whole_then_closed, (True, True, False), None),
}


@pytest.mark.parametrize(("act", "flags", "message"), STATES.values(), ids=STATES.keys())
def test_the_result_is_gated_by_the_state(
    act: Callable[[AnySession, Driver], None],
    flags: tuple[bool, bool, bool],
    message: str | None,
    kind: Kind,
    driver: Driver,
) -> None:
    session = session_of(kind, notes(3))
    act(session, driver)
    assert (session.is_completed, session.is_exhausted, session.is_cancelled) == flags
    if message is None:
        assert session.result == "done"
    else:
        with pytest.raises(RuntimeError, match=message):
            session.result  # noqa: B018
    session.close()
    driver.settle()


def test_closing_a_failed_session_that_was_read_changes_nothing(kind: Kind, driver: Driver) -> None:
    error = ValueError("told")
    session = session_of(kind, raising(error))
    whole_then_closed(session, driver)
    assert (session.is_completed, session.is_exhausted, session.is_cancelled) == (True, False, False)
    with pytest.raises(ValueError, match="told") as caught:
        session.result  # noqa: B018
    assert caught.value is error


def test_the_result_is_gated_however_far_the_producer_has_run(kind: Kind, driver: Driver) -> None:
    session = session_of(kind, notes(1))
    view = session.events
    driver.next(view)
    while session._timeline.state is not State.RETURNED:
        # A waiter is told of the end without reading it.
        driver.next(session.events)
    with pytest.raises(RuntimeError, match=PENDING):
        session.result  # noqa: B018
    assert driver.all(view) == []
    assert session.result == "done"


def test_leaving_a_loop_early_completes_nothing_and_iterating_again_loses_nothing(kind: Kind, driver: Driver) -> None:
    session = session_of(kind, notes(4))
    for frame in driver.iterate(session):
        if frame.seq == 2:
            break
    assert not session.is_completed
    with pytest.raises(RuntimeError, match=PENDING):
        session.result  # noqa: B018
    assert [frame.seq for frame in driver.iterate(session)] == [1, 2, 3, 4]
    assert session.result == "done"


ERRORS: dict[str, BaseException] = {
    "an error": ValueError("told"),
    "an exit": SystemExit(3),
    "an interrupt": KeyboardInterrupt(),
    "a generator's exit": GeneratorExit("told"),
    "a cancellation": asyncio.CancelledError("told"),
    "a cancelled run": RunCancelled("told"),
    "a group": ExceptionGroup("told", [ValueError()]),
}


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS.keys())
def test_what_the_run_raises_reaches_the_reader_after_the_frames_and_the_result(
    error: BaseException, kind: Kind, driver: Driver
) -> None:
    session = session_of(kind, raising(error))
    frames, raised = driver.failure(session)
    assert ([frame.seq for frame in frames], raised is error) == ([1, 2], True)
    with pytest.raises(type(error)) as caught:
        session.result  # noqa: B018
    assert caught.value is error
    assert (session.is_completed, session.is_exhausted, session.is_cancelled) == (True, False, False)


@pytest.mark.parametrize("error", [StopIteration("told"), StopAsyncIteration("told")], ids=lambda e: type(e).__name__)
def test_what_an_iterator_cannot_raise_is_the_cause_of_a_runtime_error(
    error: BaseException, kind: Kind, driver: Driver
) -> None:
    session = session_of(kind, raising(error))
    frames, raised = driver.failure(session)
    assert (len(frames), type(raised)) == (2, RuntimeError)
    with pytest.raises(RuntimeError) as caught:
        session.result  # noqa: B018
    assert caught.value is raised
    cause = caught.value.__cause__
    # A coroutine turns a StopIteration into a RuntimeError of its own.
    assert cause is error


def test_an_error_before_the_first_frame_is_raised_by_the_first_read(kind: Kind, driver: Driver) -> None:
    error = ValueError("told")
    assert driver.failure(session_of(kind, raising(error, 0))) == ([], error)


def test_a_reader_that_handles_the_error_can_read_the_result_inside_the_handler(kind: Kind, driver: Driver) -> None:
    error = ValueError("told")
    session = session_of(kind, raising(error))
    try:
        driver.all(session)
    except ValueError:
        with pytest.raises(ValueError, match="told"):
            session.result  # noqa: B018
    assert error.__context__ is None
