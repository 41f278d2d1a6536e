"""Claims about runs and scopes: what cancelling reaches, where a context stands, what is found again."""

from __future__ import annotations

import contextvars
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from harness.bus import add_stream_sink, emit, reset_stream_sinks, scope as scopes
from harness.bus.bus import open_scope
from harness.bus.scope import ROOT, Run, Scope
from harness.events import BaseEvent, FlowFinishedEvent, FlowStartedEvent
from tests.threads import in_threads


class Note(BaseEvent):
    type: str = "note"


def in_own_context(function: Callable[[], None]) -> None:
    contextvars.copy_context().run(function)


def test_cancelling_a_run_cancels_those_below_it_and_not_those_above() -> None:
    above = Run()
    middle = Run(above)
    below = Run(middle)
    middle.cancel()
    assert (above.cancelled, middle.cancelled, below.cancelled) == (False, True, True)


def test_a_run_that_has_ended_is_gone_without_the_garbage_collector() -> None:
    class Watched(Run):
        """One that can be referred to weakly."""

    run = Watched(Run())
    left = weakref.ref(run)
    run.end()
    del run
    assert left() is None


def test_a_callback_that_comes_too_late_is_called_at_once() -> None:
    run, calls = Run(), []
    run.cancel()
    run.on_cancel(lambda: calls.append("called"))()
    assert calls == ["called"]


def test_a_callback_that_was_taken_back_is_not_called() -> None:
    run, calls = Run(), []
    take_back = run.on_cancel(lambda: calls.append("called"))
    take_back()
    take_back()
    run.cancel()
    assert calls == []


def test_a_callback_of_a_block_is_called_inside_of_it_and_not_after() -> None:
    def check() -> None:
        run, calls = Run(), []
        scopes.enter(Scope("test", None, ROOT, run, ()))
        with scopes.on_cancel(lambda: calls.append("after")):
            pass
        with scopes.on_cancel(lambda: calls.append("inside")):
            run.cancel()
        assert calls == ["inside"]

    in_own_context(check)


def test_a_run_that_has_ended_is_forgotten_by_its_parent() -> None:
    above = Run()
    below = Run(above)
    below.end()
    above.cancel()
    assert (below.cancelled, above._callbacks) == (False, {})


def test_cancelling_from_many_threads_calls_each_callback_once() -> None:
    run, calls = Run(), []
    for number in range(50):
        run.on_cancel(lambda number=number: calls.append(number))  # type: ignore[misc]
    in_threads(4, run.cancel)
    assert sorted(calls) == list(range(50))


def test_outside_of_everything_there_is_no_run_and_no_path() -> None:
    assert (scopes.current_scope(), scopes.current_run(), scopes.current_path()) == (ROOT, None, ())


def test_the_path_names_the_open_scopes_outermost_first() -> None:
    def check() -> None:
        open_scope(None, FlowStartedEvent(flow_name="A"), label="A")
        open_scope(None, FlowStartedEvent(flow_name="B"))
        open_scope(None, FlowStartedEvent(flow_name="C"), label="C")
        assert scopes.current_path() == ("A", "C")

    in_own_context(check)


CLOSED: dict[str, tuple[bool, bool]] = {
    "is passed over": (False, True),
    "is stayed in when its work was cancelled": (True, False),
}


@pytest.mark.parametrize(("cancelled", "passed"), CLOSED.values(), ids=CLOSED.keys())
def test_a_closed_scope(cancelled: bool, passed: bool) -> None:
    def check() -> None:
        outer = open_scope(None, FlowStartedEvent(flow_name="A"))
        inner = open_scope(None, FlowStartedEvent(flow_name="B"), own_run=True)
        inner.is_open = False
        if cancelled:
            inner.run.cancel()
        assert scopes.current_scope() is (outer if passed else inner)

    in_own_context(check)


def test_a_context_copied_inside_a_scope_stands_in_it_and_a_plain_thread_does_not() -> None:
    seen: list[Scope] = []

    def check() -> None:
        opened = open_scope(None, FlowStartedEvent(flow_name="A"))
        context = contextvars.copy_context()
        in_threads(1, lambda: context.run(look))
        in_threads(1, look)
        assert seen == [opened, ROOT]

    def look() -> None:
        seen.append(scopes.current_scope())

    in_own_context(check)


def test_scopes_that_another_context_has_closed_are_not_kept_by_those_that_begin_after_them() -> None:
    def check() -> None:
        for _ in range(5):
            emit(None, FlowStartedEvent(flow_name="F"))
            contextvars.copy_context().run(emit, None, FlowFinishedEvent(flow_name="F"))
        assert scopes.current.get().outside is ROOT

    in_own_context(check)


def test_sinks_of_a_context_pile_up_until_they_are_taken_back_and_a_scope_opened_under_them_keeps_them() -> None:
    heard: list[tuple[str, Any, str]] = []

    def check() -> None:
        add_stream_sink(lambda source, event: heard.append(("outer", source, event.type)))
        token = add_stream_sink(lambda source, event: heard.append(("inner", source, event.type)))
        emit("me", Note())
        reset_stream_sinks(token)
        open_scope("me", FlowStartedEvent(flow_name="A"))

    in_own_context(check)
    emit("me", Note())
    assert heard == [("outer", "me", "note"), ("inner", "me", "note"), ("outer", "me", "flow_started")]
