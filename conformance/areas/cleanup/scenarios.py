"""Closing at other times than in the middle, leaving blocks, the interpreter's exit, and what runs leave behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from conformance.areas.observations import BlockLeft, CloseCalled, ClosedUnstarted, Exited, LeftBehind
from conformance.stage.census import ENDING_S, Census
from conformance.stage.consumer import KINDS, Consumer, Kind, Observe, attempt, both
from conformance.stage.points import StageError
from conformance.stage.programs import (
    Ask,
    Block,
    CallProgram,
    Emit,
    FlowProgram,
    Give,
    Method,
    Program,
    Raise,
    Reach,
    Step,
)
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import Performance, Subject
from conformance.timeline.evidence import Evidence

_FLOW: Final = frozenset({"flow"})
_PLAIN: Final = FlowProgram((Method("first", (Reach("began"), Emit("one"), Emit("two"))),))
#: How long an interpreter may take to start and to block, and, once blocked, to exit, in seconds.
_START_S: Final = 20.0
_EXIT_S: Final = 5.0


def _close_calls(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
    """Close twice, by another thread, before the first frame, and after the end."""
    seen: list[CloseCalled] = []

    def close(what: str, session: Any, by: Callable[[Any], None]) -> None:
        before = _state(session)
        raised = attempt(lambda: by(session))
        seen.append(CloseCalled(what, raised, before, _state(session)))

    calls: dict[str, Callable[[Any], None]] = {"close()": _close, "close() by another thread": _close_in_thread}
    if not consumer.is_sync:
        calls["aclose()"] = lambda session: consumer.complete(session.aclose())
    frames: tuple[Any, ...] = ()
    for name, call in calls.items():
        unstarted = consumer.open(_PLAIN)
        close(f"{name} before the first frame", unstarted, call)
        close(f"a second {name}", unstarted, call)
        begun = consumer.open(_PLAIN)
        consumer.take(consumer.iterate(begun), 1)
        close(f"{name} after the first frame", begun, call)
        close(f"a second {name} after the first frame", begun, call)
        read = consumer.open(_PLAIN)
        frames = consumer.read(read).frames
        close(f"{name} after the end", read, call)
        close(f"a second {name} after the end", read, call)
    return Evidence(frames, "exhausted", observations=tuple(seen))


def _state(session: Any) -> tuple[bool, bool, bool]:
    return bool(session.is_completed), bool(session.is_exhausted), bool(session.is_cancelled)


def _close(session: Any) -> None:
    session.close()


def _close_in_thread(session: Any) -> None:
    raised: list[BaseException | None] = []
    closer = threading.Thread(
        target=lambda: raised.append(attempt(partial(_close, session))), name="closer", daemon=True
    )
    closer.start()
    closer.join(ENDING_S)
    if not raised:
        raise StageError("it did not come back")
    if raised[0] is not None:
        raise raised[0]


def _unstarted(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
    """Close a session that nobody has read, and then read it."""
    closed = consumer.open(_PLAIN)
    consumer.close(closed)
    taken = consumer.read(closed)
    consumer.let_finish()
    seen = [ClosedUnstarted("close()", performance.stage.has_reached("began"), len(taken.frames), taken.raised)]
    left = consumer.open(_PLAIN)
    _leave_block(consumer, left)
    taken = consumer.read(left)
    consumer.let_finish()
    seen.append(
        ClosedUnstarted("leaving its block", performance.stage.has_reached("began"), len(taken.frames), taken.raised)
    )
    return Evidence((), "closed", observations=tuple(seen))


def _blocks(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
    """Leave the block of a session that has been read to its end, of one that has not, and of one nobody read."""
    seen = []
    for frames_read in (None, 1, 0):
        session = consumer.open(_PLAIN)
        if frames_read is None:
            consumer.read(session)
        elif frames_read:
            consumer.take(consumer.iterate(session), frames_read)
        raised = attempt(partial(_leave_block, consumer, session))
        seen.append(BlockLeft(frames_read is None, bool(session.is_exhausted), bool(session.is_cancelled), raised))
    return Evidence((), "closed", observations=tuple(seen))


def _leave_block(consumer: Consumer, session: Any) -> None:
    if consumer.is_sync:
        with session:
            return

    async def leave() -> None:
        async with session:
            return

    consumer.complete(leave())


def _exit(kind: Kind, place: str) -> Scenario:
    what = f"{'a sync' if kind == 'sync' else 'an async'} session blocked in its {place.replace('-', ' ')}"

    def observe(subject: Subject, performance: Performance) -> Evidence:
        address = getattr(subject, "address", f"{type(subject).__module__}:{type(subject).__qualname__}")
        command = [sys.executable, "-m", "conformance.stage.exit", address, kind, place]
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
            try:
                _, said = process.communicate(timeout=_EXIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                _, said = process.communicate()
                return _exited(what, said, exited=False)
        if not blocked:
            raise StageError(f"the program with {what} did not come to block: {said[-500:]}")
        return _exited(what, said, exited=process.returncode == 0)

    needs = _FLOW | ({"async"} if kind == "async" else frozenset())
    return Scenario(f"exit/{place}/{kind}", frozenset({"cleanup.close-prompt"}), observe, needs)


def _exited(what: str, said: str, *, exited: bool) -> Evidence:
    return Evidence((), "closed", observations=(Exited(what, exited, said[-500:]),))


def _left_behind(program: Program, end: Literal["read", "closed", "dropped"], of: str) -> Observe:
    """Perform a program twice, so that what is made once per process is there, and count after the second time."""

    def perform(kind: Kind, subject: Subject, performance: Performance, census: Census | None) -> None:
        def watch(name: str, thing: Any) -> Any:
            if census is not None:
                census.watch(name, thing)
            return thing

        if isinstance(program, FlowProgram):
            flow = subject.flow(program, performance)
            make = flow.stream_events if kind == "sync" else flow.astream
            watch("the flow", flow)
        else:
            make = partial(subject.session if kind == "sync" else subject.asession, program, performance)
        if kind == "sync":
            _use(watch("the session", make()), end)
        else:
            asyncio.run(_ause(lambda: watch("the session", make()), end))

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        perform(consumer.kind, subject, performance, None)
        census = Census(performance.provider.port)
        first = len(performance.stage.noted("emitted"))
        perform(consumer.kind, subject, performance, census)
        threads = census.threads_left()
        ids = performance.stage.noted("emitted")[first:]
        # What the program raised leads through its traceback to the flow.
        performance.stage.notes.clear()
        return Evidence((), "closed", observations=(LeftBehind(of, (*threads, *census.things_left(ids))),))

    return observe


def _use(session: Any, end: str) -> None:
    # A failed run raises here what the program raised.
    with contextlib.suppress(LookupError):
        for _ in session:
            if end != "read":
                break
    if end == "closed":
        session.close()


async def _ause(make: Callable[[], Any], end: str) -> None:
    session = make()
    with contextlib.suppress(LookupError):
        async for _ in session:
            if end != "read":
                break
    if end == "closed":
        await session.aclose()


_WORK: Final[tuple[Step, ...]] = (Emit("one"), Ask(), Emit("two"), Give(None))
_FAILS: Final = FlowProgram((Method("fails", (Emit("one"), Raise(LookupError))),))
_ASKS: Final = FlowProgram((Method("first", _WORK), Method("second", (Emit("three"),), after=("first",))))
_WAITS: Final = FlowProgram((Method("waits", (Emit("one"), Block("never"), Emit("two")), is_async=True),))
_LEAKS: Final = frozenset({"cleanup.no-leaks"})
_BOTH: Final = frozenset({"flow", "llm"})

SCENARIOS: tuple[Scenario, ...] = (
    *both("close/twice", frozenset({"cleanup.idempotent"}), _close_calls, _FLOW),
    *both("close/before-start", frozenset({"cleanup.close-before-start"}), _unstarted, _FLOW),
    *both("close/blocks", frozenset({"cleanup.context-exit"}), _blocks, _FLOW),
    *(_exit(kind, place) for kind in KINDS for place in ("sync-method", "async-method")),
    *both("left-behind/read", _LEAKS, _left_behind(_ASKS, "read", "a flow that was read to its end"), _BOTH),
    *both("left-behind/failed", _LEAKS, _left_behind(_FAILS, "read", "a flow that failed"), _FLOW),
    *both("left-behind/closed", _LEAKS, _left_behind(_WAITS, "closed", "a flow that was closed"), _FLOW),
    *both("left-behind/dropped", _LEAKS, _left_behind(_WAITS, "dropped", "a session that was dropped"), _FLOW),
    *both("left-behind/call", _LEAKS, _left_behind(CallProgram(), "read", "a call that was read"), frozenset({"llm"})),
)
