"""Reading a streamed crew, in every way to run one."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import Any, Final

from conformance.areas.observations import CrewResult, CrewStreamed, TaskSaid
from conformance.stage.census import ENDING_S
from conformance.stage.consumer import Consumer, Kind, Taken, attempt
from conformance.stage.points import StageError
from conformance.stage.programs import CrewProgram, TaskProgram
from conformance.subjects.crewing import called_by

#: What the contract's users read of a streamed crew.
_SURFACE: Final = ("result", "chunks", "get_full_text", "is_completed", "is_cancelled", "close", "aclose")
_OWN: Final[dict[Kind, str]] = {"sync": "__iter__", "async": "__aiter__"}
NOTHING: Final = Taken()


@dataclass(frozen=True)
class Way:
    """A way to run a crew."""

    entry: str
    kind: Kind

    @property
    def call(self) -> str:
        return f"Crew(stream=True).{self.entry}()"

    def stream(self, consumer: Consumer, crew: Any) -> Any:
        """Return the stream of a crew. Raises whatever making it raises."""
        if consumer.is_sync:
            return consumer.keep(getattr(crew, self.entry)())

        async def made() -> Any:
            return await getattr(crew, self.entry)()

        return consumer.keep(consumer.complete(made()))


WAYS: Final = (Way("kickoff", "sync"), Way("kickoff_async", "async"), Way("akickoff", "async"))


def _said(crew: Any, program: CrewProgram) -> tuple[TaskSaid, ...]:
    """Return what the tasks of a crew say up to the one that is refused, if any."""
    (agent,) = crew.agents
    whole = [task for task in program.tasks if not _is_refused(task)]
    return tuple(
        TaskSaid(task.script.text, place, task.name, _id(made), program.role, _id(agent), *_called(task))
        for place, (task, made) in enumerate(zip(whole, crew.tasks, strict=False))
    )


def _is_refused(task: TaskProgram) -> bool:
    return task.script.status >= 400


def _called(task: TaskProgram) -> tuple[str | None, str]:
    if task.tool is None:
        return None, ""
    call = called_by(task.tool)
    return call.name, "".join(call.arguments)


def _id(owner: Any) -> str | None:
    found = getattr(owner, "id", None)
    return None if found is None else str(found)


def _texts(output: Any) -> tuple[str, ...]:
    return (str(output.raw), str(output), *(str(task.raw) for task in output.tasks_output))


@dataclass(frozen=True)
class Begun:
    """A crew that was told to stream, as far as that went."""

    way: Way
    program: CrewProgram
    crew: Any
    #: What the kickoff gave, and an iterator over it; None where it is nothing that can be read.
    output: Any = None
    iterator: Any = None
    #: Why it can't be read: what it lacks, or what the kickoff raised.
    missing: tuple[str, ...] = ()
    raised: BaseException | None = None

    def observed(self, taken: Taken = NOTHING) -> CrewStreamed:
        """Return the observation of all that was read of it."""
        fails = any(_is_refused(task) for task in self.program.tasks)
        raised = self.raised or taken.raised
        return CrewStreamed(self.way.call, _said(self.crew, self.program), fails, self.missing, taken.frames, raised)


def begun(way: Way, consumer: Consumer, crew: Any, program: CrewProgram) -> Begun:
    """Stream a crew, and begin to read it where it can be read."""
    try:
        output = way.stream(consumer, crew)
    except BaseException as error:
        return Begun(way, program, crew, raised=error)
    lacks = tuple(name for name in (*_SURFACE, _OWN[way.kind]) if not hasattr(type(output), name))
    if lacks:
        return Begun(way, program, crew, output, missing=lacks)
    return Begun(way, program, crew, output, consumer.iterate(output))


def begun_for_sure(way: Way, consumer: Consumer, crew: Any, program: CrewProgram) -> Begun:
    """Do as `begun` where that is not what is looked at. Raises StageError where there is nothing to be read."""
    stream = begun(way, consumer, crew, program)
    if stream.iterator is None:
        raise StageError(f"{way.call} gave no stream of chunks")
    return stream


def read_result(stream: Begun, when: Any, error: BaseException | None = None) -> CrewResult:
    """Read the result once; `error` is what reading the chunks raised."""
    output = stream.output
    texts: tuple[str, ...] = ()
    raised = None
    try:
        texts = _texts(output.result)
    except BaseException as caught:
        raised = caught
    every = tuple(task.script.text for task in stream.program.tasks)
    expected = (every[-1], every[-1], *every)
    return CrewResult(stream.way.call, when, bool(output.is_completed), raised, texts, expected, error)


def closes(consumer: Consumer, output: Any, raised: list[BaseException | None]) -> bool:
    """Close `output`; return whether that came back, and add what it raised, if anything, once it does."""
    if consumer.is_sync:
        closer = threading.Thread(target=lambda: raised.append(attempt(output.close)), name="closer", daemon=True)
        closer.start()
        closer.join(ENDING_S)
        return not closer.is_alive()

    async def close() -> bool:
        closing = asyncio.ensure_future(output.aclose())
        done, _ = await asyncio.wait({closing}, timeout=ENDING_S)
        if done:
            raised.append(closing.exception())
        return bool(done)

    return bool(consumer.complete(close()))
