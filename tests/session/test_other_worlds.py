"""Sessions where they can't work: in a process forked from theirs, and on another kind of loop. Each says so."""

from __future__ import annotations

import os

import pytest

from harness import LLM
from harness.errors import UsageError
from harness.llm import TextDelta
from tests.llm.scripted import Scripted
from tests.programs import run_program

FORKED = """
import asyncio, os, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # that threads are running is the point
from harness import Flow, start
from harness.errors import UsageError

going = threading.Event()

class Slow(Flow):
    @start()
    def wait(self):
        going.wait(30)
        return "done"

ended = Slow().stream_events()
going.set()
list(ended)
fresh = Slow()

def in_child(session, view):
    try:
        list(view)
    except UsageError as error:
        print("child:", error, flush=True)
    session.close()
    print("replayed:", len(list(ended)) == len(ended.frames), flush=True)
    print("own:", len(list(fresh.stream_events())) > 0, flush=True)

going.clear()
session = Slow().stream_events()
view = session.events
next(view)
if (child := os.fork()) == 0:
    going.set()
    in_child(session, view)
    os._exit(0)
os.waitpid(child, 0)
going.set()
list(view)
print("parent:", session.result, session.is_exhausted, flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_session_that_was_inherited_says_where_it_runs_and_is_left_alone() -> None:
    code, printed, warned = run_program(FORKED)
    assert (code, warned) == (0, "")
    child, *rest = printed.splitlines()
    assert child.startswith("child: this session is being run by process ")
    assert "Start a session after the fork" in child
    assert rest == ["replayed: True", "own: True", "parent: done True"]


#: Another thread opens a scope at the moment of the fork: it does not go on in the child.
FORKED_IN_THE_MIDDLE = """
import os, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # that threads are running is the point
from harness.bus.scope import ROOT, Run, Scope

scope = Scope("flow", None, ROOT, Run(), ())
held, going = threading.Event(), threading.Event()

def hold():
    with scope.gate:
        held.set()
        going.wait(30)

thread = threading.Thread(target=hold)
thread.start()
held.wait(30)
if os.fork() == 0:
    os._exit(0 if scope.gate.acquire(timeout=10) else 1)
print(os.wait()[1])
going.set()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_waits_for_no_thread_of_its_parent() -> None:
    assert run_program(FORKED_IN_THE_MIDDLE) == (0, "0\n", "")


#: A method has a child work, as a pool of processes does, while another thread appends a frame, and nobody reads on.
FORKED_BY_A_METHOD = """
import os, signal, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # that threads are running is the point
from harness import Flow, start
from harness.bus import add_stream_sink, emit
from harness.events import BaseEvent

class Note(BaseEvent):
    type: str = "note"

held, going, told = threading.Event(), threading.Event(), []

def hold():
    with session._timeline._lock:
        held.set()
        going.wait(30)

def work(flow):
    signal.alarm(10)
    before = len(told)
    for _ in range(3):
        emit(flow, Note())
    thread = threading.Thread(target=emit, args=(flow, Note()))
    thread.start()
    thread.join()
    return len(told) - before

class Forking(Flow):
    @start()
    def fork(self):
        threading.Thread(target=hold).start()
        held.wait(30)
        if (child := os.fork()) == 0:
            os._exit(work(self))
        _, status = os.waitpid(child, 0)
        going.set()
        return status

add_stream_sink(lambda source, event: told.append(event))
session = Forking().stream_events(look_ahead=2)
frames = list(session)
print([frame.type for frame in frames if frame.type == "note"], os.waitstatus_to_exitcode(session.result))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_that_a_run_forks_waits_for_nothing_of_the_run_and_is_no_part_of_it() -> None:
    # What was added outside of all runs hears of the child's events, three of which have its context.
    assert run_program(FORKED_BY_A_METHOD) == (0, "[] 3\n", "")


def test_trio_is_told_what_to_do_instead() -> None:
    trio = pytest.importorskip("trio")

    async def stream() -> None:
        async for _ in LLM("openai/gpt-4o-mini", api_key="sk-none").astream("?"):
            pass

    async def call() -> None:
        await Scripted(TextDelta("Hello")).acall("?")

    for ask in (stream, call):
        with pytest.raises(UsageError, match="run on asyncio, and this is trio: read a sync session in a thread"):
            trio.run(ask)
