"""Claims about asyncio: it is there once somebody needs a loop, and until then nothing waits for it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from types import ModuleType

import pytest

from harness.bus.running_loop import cancelled_errors, is_loop_running
from harness.errors import RunCancelled

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


def test_a_flow_that_needs_no_loop_runs_and_ends_without_asyncio() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.stdout, ended.stderr) == ("second\nfirst True\n", "")


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
