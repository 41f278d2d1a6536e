"""A program that leaves a session behind whose run is blocked, and comes to its end: the interpreter is to exit.

`python -m conformance.stage.exit SUBJECT KIND PLACE`; it writes `blocked` once the run is, and releases nothing.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final

from conformance.stage.points import Stage
from conformance.stage.programs import Block, Emit, FlowProgram, Method
from conformance.stage.server import ScriptedProvider
from conformance.subjects.subject import Performance, Subject, load_subject

#: Far longer than whoever watches waits.
_DEADLINE_S: Final = 120.0


def program(place: str) -> FlowProgram:
    """Return a flow that blocks in a method, sync or async as `place` says."""
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
    _kept = session = subject.session(program(place), performance)
    next(iter(session))
    stage.await_reached("held")
    _tell_blocked()


async def _aleave(subject: Subject, place: str, performance: Performance) -> None:
    global _kept  # noqa: PLW0603 - as above
    _kept = session = subject.asession(program(place), performance)
    await anext(aiter(session))
    await performance.stage.aawait_reached("held")
    _tell_blocked()


def _tell_blocked() -> None:
    sys.stdout.write("blocked\n")
    sys.stdout.flush()


_kept: object = None

if __name__ == "__main__":
    main(*sys.argv[1:])
