"""Claims about threads that read one session, or use it while another one does."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator

import pytest

from harness.bus import emit
from harness.session.session import AsyncStreamSession, StreamSession
from tests.session.bodies import TIMEOUT_S, Note, join_harness_threads, notes, raising
from tests.threads import in_threads


def test_several_threads_on_one_session_each_see_the_whole_timeline() -> None:
    session = StreamSession(notes(200))
    seen: list[list[int]] = []
    in_threads(6, lambda: seen.append([frame.seq for frame in session]))
    assert seen == [list(range(1, 201))] * 6


@pytest.fixture
def _hasty_switches() -> Iterator[None]:
    """Has threads interrupt each other as often as they can, so that what is not guarded shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_hasty_switches")
def test_threads_that_share_one_view_share_its_frames_without_loss() -> None:
    view = StreamSession(notes(300)).events
    seen: list[int] = []
    in_threads(4, lambda: seen.extend(frame.seq for frame in view))
    assert sorted(seen) == list(range(1, 301))


@pytest.mark.usefixtures("_hasty_switches")
@pytest.mark.parametrize("goes_on", [False, True], ids=["the run is over", "the run goes on"])
def test_what_another_thread_took_in_the_meantime_is_for_all_that_share_the_view(
    goes_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    emitted, gate = threading.Event(), threading.Event()
    waited: list[bool] = []

    def body() -> None:
        notes(3)()
        emitted.set()
        waited.append(goes_on and gate.wait(TIMEOUT_S))

    view = StreamSession(body).events
    find = view._next_nowait
    seen: list[int] = []

    def find_nothing_first() -> None:
        monkeypatch.undo()
        assert find() is None
        emitted.wait(TIMEOUT_S)
        if not goes_on:
            join_harness_threads()
        # As another thread does: of the three that it takes, two are left at hand.
        seen.append(next(view).seq)

    monkeypatch.setattr(view, "_next_nowait", find_nothing_first)
    seen.append(next(view).seq)
    gate.set()
    assert (seen, [frame.seq for frame in view], waited) == ([1, 2], [3], [goes_on])


def test_who_reads_an_async_session_is_known_while_threads_take_and_drop_views_of_it() -> None:
    session = AsyncStreamSession(asyncio.Event().wait)
    over = threading.Event()

    def take_views() -> None:
        while not over.is_set():
            # Now more, now fewer.
            views = [session.subscribe() for _ in range(20)]
            del views

    threads = [threading.Thread(target=take_views) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(500):
            assert not session._has_other_readers(None)
    finally:
        over.set()
        for thread in threads:
            thread.join(TIMEOUT_S)


def test_a_body_runs_once_though_many_threads_ask_for_the_first_frame_together() -> None:
    runs: list[int] = []

    def body() -> None:
        runs.append(1)
        emit(None, Note())

    session = StreamSession(body)
    in_threads(6, lambda: next(iter(session)))
    assert runs == [1]
    session.close()


def test_every_thread_that_reads_a_failing_session_gets_its_error() -> None:
    error = ValueError("told")
    session = StreamSession(raising(error))
    raised: list[BaseException] = []

    def read() -> None:
        try:
            list(session)
        except ValueError as caught:
            raised.append(caught)

    in_threads(3, read)
    assert raised == [error] * 3


def test_a_run_that_gets_no_thread_has_failed_for_every_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_thread: threading.Thread) -> None:
        raise error

    error, session = RuntimeError("can't start new thread"), StreamSession(notes(1))
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError) as raised:
            list(session)
    assert (raised.value is error, session.is_completed) == (True, True)
    with pytest.raises(RuntimeError) as raised:
        list(session)
    assert raised.value is error


def test_closing_from_another_thread_ends_every_reader(gate: threading.Event) -> None:
    waiting = threading.Barrier(4)
    ends: list[str] = []

    def body() -> None:
        emit(None, Note())
        gate.wait(TIMEOUT_S)

    session = StreamSession(body)

    def read() -> None:
        view = session.events
        next(view)
        waiting.wait(TIMEOUT_S)
        ends.append("ended" if next(view, None) is None else "read on")

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    waiting.wait(TIMEOUT_S)
    session.close()
    for thread in threads:
        thread.join(TIMEOUT_S)
    assert (ends, gate.is_set()) == (["ended"] * 3, False)


@pytest.mark.parametrize("closer", ["reader", "other"])
def test_a_reader_in_the_thread_of_another_run_can_be_closed(closer: str, gate: threading.Event) -> None:
    blocked = threading.Event()

    def inner() -> None:
        emit(None, Note())
        blocked.set()
        gate.wait(TIMEOUT_S)

    def outer() -> str:
        with StreamSession(inner) as session:
            next(iter(session))
            assert blocked.wait(TIMEOUT_S)
            if closer == "other":
                thread = threading.Thread(target=session.close)
                thread.start()
                thread.join(TIMEOUT_S)
        return "went on"

    session = StreamSession(outer)
    list(session)
    assert (session.result, gate.is_set()) == ("went on", False)
