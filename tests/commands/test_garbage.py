"""A command that holds much looks for garbage less often, and what it holds is not looked at when it ends, either."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import gc
from harness.commands.garbage import few_collections

def looked():
    return sum(generation["collections"] for generation in gc.get_stats())

before = gc.get_threshold()
with few_collections():
    begun = looked()
    held = [[] for _ in range(100_000)]
    assert looked() == begun, "while it worked"
more = [[] for _ in range(100)]
assert looked() == begun, "when it had ended"
assert gc.get_threshold() == before
held.append(held)
del held[:-1], held
assert gc.collect() > 0, "nothing is kept from later looks"
"""


def test_garbage_is_looked_for_when_there_may_be_some() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
