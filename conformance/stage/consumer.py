"""One consumer for both kinds of session: it opens what programs perform, and reads it step by step."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Set as AbstractSet
from functools import partial
from typing import Any, Concatenate, ParamSpec

from msgspec.structs import replace

from conformance.stage.census import threads_since
from conformance.stage.patience import ends, unended
from conformance.stage.points import Stage, StageError
from conformance.stage.programs import Emit, FlowProgram, Method, Program
from conformance.stage.reader import ENDING_S, KINDS, FramesRead, Reader, SessionKind, attempt
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import NotOfferedError, Performance, Subject, offered
from conformance.timeline.evidence import Evidence, ProgramOutcome, WireFacts, beside_frames
from conformance.timeline.expected import Expected


class Consumer(Reader):
    """Opens and reads sessions of one kind, in one performance. What is still open when it leaves is closed."""

    def __init__(self, kind: SessionKind, subject: Subject, performance: Performance) -> None:
        super().__init__(kind)
        self.subject = subject
        self.performance = performance
        self.stage = performance.stage
        self.provider = performance.provider
        self._sessions: list[Any] = []
        self._threads = frozenset(threading.enumerate())

    def __exit__(self, *failure: object) -> None:
        self.stage.release_all()
        for session in self._sessions:
            attempt(partial(self.close, session))
        super().__exit__(*failure)

    def flow(self, program: FlowProgram, **options: Any) -> Any:
        return self.subject.flow(program, self.performance, **options)

    def flow_program(self, *methods: Method, **more: Any) -> FlowProgram:
        """Return a program of methods of the consumer's kind: for async sessions they are async."""
        return FlowProgram(tuple(replace(method, is_async=not self.is_sync) for method in methods), **more)

    def llm(self, **settings: Any) -> Any:
        return self.subject.llm(self.performance, **settings)

    def open(self, program: Program) -> Any:
        """Return a session that performs `program`. Raises StageError, from what the subject raised instead."""
        if self.is_sync:
            return self.sync_twin(program)
        return self.in_loop(lambda: self.open_outside(program))

    def open_outside(self, program: Program) -> Any:
        """Return an async session that is made here, where no loop need run."""
        return self._opened(lambda: self.subject.asession(program, self.performance))

    def sync_twin(self, program: Program) -> Any:
        """Return a sync session that performs `program`, to be held against one of this kind."""
        return self._opened(lambda: self.subject.session(program, self.performance))

    def _opened(self, make: Callable[[], Any]) -> Any:
        try:
            return self.keep(make())
        except NotOfferedError:
            raise
        except BaseException as error:
            raise StageError(f"there was no session to be had: {type(error).__name__}: {error}") from error

    def keep(self, session: Any) -> Any:
        """Have `session` closed in the end."""
        self._sessions.append(session)
        return session

    def stream(self, flow: Any, **options: Any) -> Any:
        """Return a session of a flow object, to be closed in the end."""
        return self.keep(self.made(partial(flow.stream_events if self.is_sync else flow.astream, **options)))

    def entry_of(self, llm: Any) -> Any:
        """Return what streams a call of `llm`, as `(prompt)`. Raises NotOfferedError where the runtime has no such entry."""
        return (
            offered(llm, "stream_events", "entry.llm") if self.is_sync else offered(llm, "astream", "entry.llm-async")
        )

    def read_session(self, program: Program) -> FramesRead:
        """Open a program, and return all frames of its session, taken one by one."""
        return self.read(self.open(program))

    def read_flow(self, flow: Any, **options: Any) -> Evidence:
        session = self.stream(flow, **options)
        return self.read_whole(lambda: session)

    def read_programs(self, *programs: Program, wire: tuple[WireFacts | None, ...] = ()) -> Evidence:
        """Open programs one after the other, in one task, and read each whole; return the evidence of the last."""
        opener = self.sync_twin if self.is_sync else self.open_outside
        return self.read_whole(*(partial(opener, program) for program in programs), wire=wire)

    def begin(self, sessions: Iterable[Any]) -> list[Loop]:
        """Take the first frame of each session, by a loop of its own that goes on in `read_held`."""
        iterators = [self.iterate(session) for session in sessions]
        return [(iterator, self.take(iterator, 1)) for iterator in iterators]

    def read_held(self, loops: list[Loop], times: int | None = None) -> list[FramesRead]:
        """Wait until the runs of all have come to `held`, release it, and return all that each loop is given to the end.

        They come to it so many `times`, or once each.
        """
        self.await_reached("held", times or len(loops))
        self.stage.release("held")
        return [first if first.raised is not None else first.then(self.take(iterator)) for iterator, first in loops]

    def await_reached(self, point: str, times: int = 1) -> None:
        """Wait for the run to come to `point`, while the loop of an async one goes on."""
        if self.is_sync:
            await_sync_runs(self.stage, self._sessions, point, times)
        else:
            self.complete(await_async_runs(self.stage, self._sessions, point, times))

    def let_finish(self) -> None:
        """Let the runs go as far as they go without being read: their threads or tasks end, or wait for a reader."""
        if self._loop is not None:
            self.complete(unended(asyncio.all_tasks(self._loop), ENDING_S))
            return  # an executor's threads stay when their work is done
        for thread in threads_since(self._threads):
            ends(thread, ENDING_S)

    def tasks(self) -> int:
        """Return how many tasks the consumer's loop has, once it has turned over a few times."""
        if self._loop is None:
            return 0
        for _ in range(3):
            self.complete(asyncio.sleep(0))
        return len(asyncio.all_tasks(self._loop))


def await_sync_runs(stage: Stage, sessions: Iterable[Any], point: str, times: int = 1) -> None:
    """Wait for runs to come to a point by themselves, or else, where their readers do the work, with somebody to read on.

    Raises:
        StageError: they don't come to it.
    """
    if stage.comes_to(point, ENDING_S, times):
        return
    for session in sessions:
        reader = threading.Thread(target=attempt, args=(partial(list, session),), name="reads-on", daemon=True)
        reader.start()
    stage.await_reached(point, times)


async def await_async_runs(stage: Stage, sessions: Iterable[Any], point: str, times: int = 1) -> None:
    """Do as `await_sync_runs`, while the loop goes on."""
    if await asyncio.to_thread(stage.comes_to, point, ENDING_S, times):
        return
    readers = [asyncio.create_task(_read_on(session), name="reads-on") for session in sessions]
    await stage.aawait_reached(point, times)
    del readers  # A loop keeps no task by itself.


async def _read_on(session: Any) -> None:
    with contextlib.suppress(Exception):
        async for _ in session:
            pass


#: One loop over a session in the middle of its run, and what it was given so far: a second view is a matter of its own.
Loop = tuple[Any, FramesRead]

#: What a scenario saw: a run, or, where no frames count, what else it looked at.
Seen = Evidence | Iterable[Expected]

#: The clauses that a scenario decides; where the kinds of session differ, by kind.
Clauses = AbstractSet[str] | Mapping[SessionKind, AbstractSet[str]]

P = ParamSpec("P")


class Scenarios(list[Scenario]):
    """The scenarios of one area, in order. Each is a function of a consumer, and of what else its row gives it."""

    def __init__(self, **common: Any) -> None:
        """Begin with none; `common` are fields that all of them have."""
        super().__init__()
        self._common = common

    def both(
        self,
        name: str,
        clauses: Clauses,
        needs: str,
        observe: Callable[Concatenate[Consumer, P], Seen],
        *args: P.args,
        **options: P.kwargs,
    ) -> None:
        """Add the scenario for sync and for async sessions; `name` and the kind are their ids.

        `needs` are capabilities, with spaces between them.
        """
        for kind in KINDS:
            self.of_kind(kind, f"{name}/{kind}", clauses, needs, observe, *args, **options)

    def of_kind(
        self,
        kind: SessionKind,
        id_: str,
        clauses: Clauses,
        needs: str,
        observe: Callable[Concatenate[Consumer, P], Seen],
        *args: P.args,
        **options: P.kwargs,
    ) -> None:
        """Add the scenario of that id for sessions of one kind."""

        def observed(subject: Subject, performance: Performance) -> Iterable[Evidence]:
            with Consumer(kind, subject, performance) as consumer:
                seen = observe(consumer, *args, **options)
                return [seen if isinstance(seen, Evidence) else beside_frames(seen)]

        decides = clauses[kind] if isinstance(clauses, Mapping) else clauses
        declared = frozenset(needs.split()) | ({"async"} if kind == "async" else set())
        self.append(Scenario(id_, frozenset(decides), observed, declared, **self._common))

    def whole_run(self, name: str, clauses: Clauses, needs: str, program: Program, value: Any = None) -> None:
        """Add the scenarios that read a run to its end; `value` is what it returns, where it does not fail."""
        self.both(name, clauses, needs, _whole_run, program, value)


def _whole_run(consumer: Consumer, program: Program, value: Any) -> Evidence:
    evidence = with_outcome(consumer, consumer.read_programs(program), value)
    if not isinstance(program, FlowProgram):
        return evidence
    emits = [step for method in program.methods for step in method.steps if isinstance(step, Emit)]
    types = {step.type for step in emits}
    shown = Counter(str(frame.data.get("note")) for frame in evidence.frames if getattr(frame, "type", None) in types)
    lost = tuple((Counter(step.note for step in emits) - shown).elements())
    return replace(evidence, expected=(Expected("session.iterates", "published events without a frame", (), lost),))


def with_outcome(consumer: Consumer, evidence: Evidence, value: Any = None) -> Evidence:
    """Return evidence of a run with what its program did: it raised what it noted, or came to `value`."""
    raised = consumer.stage.noted("raised")
    if raised:
        return replace(evidence, outcome=ProgramOutcome(error=raised[0]))
    return evidence if evidence.ended == "failed" else replace(evidence, outcome=ProgramOutcome(value))
