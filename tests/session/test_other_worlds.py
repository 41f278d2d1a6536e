"""Sessions where they can't work: in a process forked from theirs, and on another kind of loop. Each says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import LLM
from harness.errors import UsageError
from harness.llm import TextDelta
from tests.llm.scripted import Scripted

ROOT = Path(__file__).parents[2]
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
    ran = subprocess.run(
        [sys.executable, "-c", FORKED], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    child, *rest = ran.stdout.splitlines()
    assert child.startswith("child: this session is being run by process ")
    assert "Start a session after the fork" in child
    assert rest == ["replayed: True", "own: True", "parent: done True"]


#: Another thread opens a scope at the moment of the fork: it does not go on in the child.
FORKED_IN_THE_MIDDLE = """
import os, threading
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
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED_IN_THE_MIDDLE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ran.returncode, ran.stdout) == (0, "0\n")


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
    ran = subprocess.run(
        [sys.executable, "-c", FORKED_BY_A_METHOD], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    # What was added outside of all runs hears of the child's events, three of which have its context.
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "[] 3\n", "")


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
