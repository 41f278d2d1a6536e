"""The interpreter's exit while a run is blocked.

`python -m conformance.areas.cleanup.exits SUBJECT KIND PLACE` is the program that comes to its end: it leaves a session
behind whose run is blocked, writes `blocked` once it is, and releases nothing.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from conformance.stage.consumer import Consumer, Scenarios, await_async_runs, await_sync_runs
from conformance.stage.patience import comes_true
from conformance.stage.points import Stage, StageError
from conformance.stage.programs import Block, Emit, FlowProgram, Method
from conformance.stage.reader import KINDS
from conformance.stage.server import ScriptedProvider
from conformance.subjects.subject import Performance, Subject, address_of, load_subject
from conformance.timeline.expected import Expected

#: How long an interpreter may take to start and to block, and, once blocked, to exit, in seconds. On a machine with much
#: else to do what it imports takes long.
_START_S: Final = 60.0
_EXIT_S: Final = 5.0


def _exited(consumer: Consumer, place: str) -> Iterator[Expected]:
    aspect = f"{'a sync' if consumer.is_sync else 'an async'} session blocked in its {place.replace('-', ' ')}"
    command = [sys.executable, "-m", __spec__.name, address_of(consumer.subject), consumer.kind, place]
    # Its import path is this one's, wherever the suite and the subject were found.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
    with subprocess.Popen(  # noqa: S603 - this very interpreter
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        guard = threading.Timer(_START_S, process.kill)
        guard.start()
        assert process.stdout is not None
        # What the subject writes comes before it.
        blocked = any(line.strip() == "blocked" for line in process.stdout)
        guard.cancel()
        if not comes_true(partial(_has_ended, process), _EXIT_S):
            process.kill()
        _, wrote = process.communicate()
    if not blocked:
        raise StageError(f"the program with {aspect} did not come to block: {_last_line(wrote)}")
    error = f", which wrote {wrote[-500:]!r}" if wrote else ""
    looked_at = f"whether the interpreter exited, with {aspect}{error}"
    yield Expected("cleanup.close-prompt", looked_at, True, process.returncode == 0)


def _last_line(wrote: str) -> str:
    """Return what an uncaught error says of itself, without its traceback."""
    return wrote.rstrip().rpartition("\n")[2]


def _has_ended(process: subprocess.Popen[str], seconds: float) -> bool:
    """Wait so long, reading what the process writes; `communicate` gives it all when it is called again."""
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


#: Far longer than whoever watches waits.
_DEADLINE_S: Final = 120.0


def _program(place: str) -> FlowProgram:
    return FlowProgram((Method("blocks", (Emit("one"), Block("held")), is_async=place == "async-method"),))


def main(subject_name: str, kind: str, place: str) -> None:
    """Read one frame, see that the run is blocked, and leave."""
    subject, stage = load_subject(subject_name), Stage(_DEADLINE_S)
    # The provider is not asked, and so not started.
    performance = Performance(stage, ScriptedProvider(stage))
    if kind == "async":
        asyncio.run(_aleave(subject, place, performance))
        return
    global _kept  # noqa: PLW0603 - nothing but the interpreter's end may let go of it
    _kept = session = subject.session(_program(place), performance)
    next(iter(session))
    await_sync_runs(stage, [session], "held")
    _tell_blocked()


async def _aleave(subject: Subject, place: str, performance: Performance) -> None:
    global _kept  # noqa: PLW0603 - as above
    _kept = session = subject.asession(_program(place), performance)
    await anext(aiter(session))
    await await_async_runs(performance.stage, [session], "held")
    _tell_blocked()


def _tell_blocked() -> None:
    sys.stdout.write("blocked\n")
    sys.stdout.flush()


_kept: object = None

SCENARIOS: Final = Scenarios(deadline_s=_DEADLINE_S)
for _kind in KINDS:
    for _place in ("sync-method", "async-method"):
        SCENARIOS.of_kind(_kind, f"exit/{_place}/{_kind}", {"cleanup.close-prompt"}, "flow", _exited, _place)

if __name__ == "__main__":
    main(*sys.argv[1:])
