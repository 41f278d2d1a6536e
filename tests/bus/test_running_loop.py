"""Claims about asyncio: it is there once somebody needs a loop, and until then nothing waits for it."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType

import pytest

from harness.bus.running_loop import cancelled_errors, is_loop_running
from harness.errors import RunCancelled
from tests.programs import run_program

#: Ends runs in every way that needs no loop, and begins one in the end.
PROGRAM = """
import sys
from harness import Flow, LLM, StreamSession, listen, start

class Pair(Flow):
    error: BaseException | None = None

    @start()
    def first(self):
        if self.error is not None:
            raise self.error

    @listen(first)
    def second(self):
        return "second"

def ended(error):
    for run in (lambda: Pair(error=error).kickoff(), lambda: list(Pair(error=error).stream_events())):
        try:
            run()
        except BaseException as raised:
            assert raised is error
        else:
            raise AssertionError

assert Pair().kickoff() == "second"
with Pair().stream_events() as whole:
    list(whole)
with Pair().stream_events() as left:
    next(left.events)
ended(ValueError("no"))
ended(KeyboardInterrupt())
print(whole.result, *sorted({"asyncio", "ssl"} & {*sys.modules}))

class Awaits(Flow):
    @start()
    async def first(self):
        return "first"

print(Awaits().kickoff(), "asyncio" in sys.modules)
"""

#: Is interrupted while asyncio is imported for its second method.
INTERRUPTED = """
import sys
from harness import Flow, listen, start

class Interrupt:
    def find_spec(self, name, *rest):
        if name == "asyncio":
            raise KeyboardInterrupt

class Pair(Flow):
    @start()
    def first(self):
        return "first"

    @listen(first)
    async def second(self):
        return "second"

sys.meta_path.insert(0, Interrupt())
try:
    for frame in Pair().stream_events():
        print(frame.type)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_a_flow_that_needs_no_loop_runs_and_ends_without_asyncio() -> None:
    assert run_program(PROGRAM) == (0, "second\nfirst True\n", "")


def test_a_flow_that_is_interrupted_while_asyncio_is_imported_ends_as_any_other() -> None:
    code, printed, warned = run_program(INTERRUPTED)
    assert printed.split()[-3:] == ["method_execution_failed", "flow_failed", "interrupted"]
    assert (code, warned) == (0, "")


async def _asked() -> tuple[bool, tuple[type[BaseException], ...]]:
    return is_loop_running(), cancelled_errors(RunCancelled)


def test_a_loop_is_known_where_it_runs_and_so_is_what_cancels_its_tasks() -> None:
    assert not is_loop_running()
    assert asyncio.run(_asked()) == (True, (asyncio.CancelledError, RunCancelled))


def test_while_another_thread_is_importing_asyncio_no_loop_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("asyncio.events", "asyncio.exceptions"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    assert not is_loop_running()
    assert cancelled_errors(RunCancelled) == (RunCancelled,)
