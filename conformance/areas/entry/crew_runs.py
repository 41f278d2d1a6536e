"""Streamed crews, in every way to run one, read as far as a scenario wants it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Final, Literal

from msgspec import Struct

from conformance.areas.entry.crew_chunks import TaskAnswer, chunks_of, text_of
from conformance.stage.census import ENDING_S
from conformance.stage.consumer import Consumer
from conformance.stage.patience import unended
from conformance.stage.points import StageError
from conformance.stage.programs import CrewProgram, TaskProgram
from conformance.stage.reader import FramesRead, SessionKind, in_thread
from conformance.subjects.crews import called_by
from conformance.timeline.expected import NOTHING, Expected, Raised, Same, comes_to

_CLAUSE: Final = "entry.crew"
#: What the contract's users read of a streamed crew.
_SURFACE: Final = ("result", "chunks", "get_full_text", "is_completed", "is_cancelled", "close", "aclose")
_OWN: Final[dict[SessionKind, str]] = {"sync": "__iter__", "async": "__aiter__"}
_NOT_READ: Final = FramesRead()
#: When a result is read, in the life of a streamed crew.
ReadWhen = Literal["in the middle", "after the end", "after the failure", "after an early close"]


class CrewEntry(Struct, frozen=True):
    method: str
    kind: SessionKind

    @property
    def call(self) -> str:
        return f"Crew(stream=True).{self.method}()"


ENTRIES: Final = (CrewEntry("kickoff", "sync"), CrewEntry("kickoff_async", "async"), CrewEntry("akickoff", "async"))


class CrewRun:
    """A crew that was told to stream, as far as that went."""

    def __init__(self, entry: CrewEntry, consumer: Consumer, program: CrewProgram, crew: Any = None) -> None:
        self.entry = entry
        self.program = program
        self._consumer = consumer
        self.crew = consumer.subject.crew(program, consumer.performance, stream=True) if crew is None else crew
        self.output, self._raised = consumer.tried(getattr(self.crew, entry.method))
        if self._raised is None:
            consumer.keep(self.output)
        surface = (*_SURFACE, _OWN[entry.kind])
        self._missing = tuple(name for name in surface if not hasattr(type(self.output), name))
        #: Reads it; None where it is nothing that can be read.
        self.iterator = None if self._raised or self._missing else consumer.iterate(self.output)

    def for_sure(self) -> CrewRun:
        """Return it where it can be read, and that is not what is looked at. Raises StageError where it can't."""
        if self.iterator is None:
            raise StageError(f"{self.entry.call} gave no stream of chunks")
        return self

    def read(self, frames_read: FramesRead = _NOT_READ) -> Iterator[Expected]:
        """Hold what was read of it, to its end or to its failure, to the program; or tell why it could not be read."""
        call, raised = self.entry.call, self._raised or frames_read.raised
        if self._raised is None:
            yield Expected(_CLAUSE, f"what the value of {call} lacks", (), self._missing)
            if self._missing:
                return
        if any(map(_is_refused, self.program.tasks)):
            aspect = f"reading {call}, whose model refuses a task,"
            yield Expected(_CLAUSE, aspect, Raised(BaseException), raised)
        else:
            yield Expected(_CLAUSE, f"reading {call}", NOTHING, raised)
        yield from chunks_of(call, self._answers(), frames_read.frames)

    def stored_chunks(self, read: tuple[Any, ...]) -> Iterator[Expected]:
        """Look at what it gives of its chunks once they have all been read."""
        call, output, text = self.entry.call, self.output, text_of(read)
        again = self._consumer.read(output).frames
        same = tuple(output.chunks) == read
        yield Expected(_CLAUSE, f"whether `chunks` of {call} has the chunks that were read", True, same)
        yield Expected(_CLAUSE, f"whether reading {call} again gives the same chunks", True, again == read)
        yield Expected(_CLAUSE, f"get_full_text() of {call}", text, output.get_full_text())
        yield Expected(_CLAUSE, f"is_completed of {call} after its end", True, bool(output.is_completed))

    def result(self, when: ReadWhen, error: BaseException | None = None) -> Iterator[Expected]:
        """Read the result once; `error` is what reading the chunks raised."""
        aspect = f"the result of {self.entry.call}, read {when},"
        completed = bool(self.output.is_completed)
        texts: tuple[str, ...] = ()
        raised = None
        try:
            output = self.output.result
            texts = (str(output.raw), str(output), *(str(task.raw) for task in output.tasks_output))
        except BaseException as caught:
            raised = caught
        if when == "after the end":
            every = tuple(task.script.text for task in self.program.tasks)
            yield from comes_to(_CLAUSE, aspect, (every[-1], every[-1], *every), texts, raised, "the texts of {}")
        elif when == "after the failure":
            relation = Raised(BaseException) if error is None else Same(error)
            yield Expected(_CLAUSE, f"what {aspect} raised", relation, raised)
        else:
            yield Expected(_CLAUSE, aspect, Raised(RuntimeError), raised)
        yield Expected(_CLAUSE, f"is_completed {when} of {self.entry.call}", when != "in the middle", completed)

    def closes(self) -> tuple[bool, BaseException | None]:
        """Close it; return whether that came back in time, and what it raised."""
        if self._consumer.is_sync:
            return in_thread(self.output.close, ENDING_S)

        async def close() -> tuple[bool, BaseException | None]:
            closing = asyncio.ensure_future(self.output.aclose())
            returned = not await unended({closing}, ENDING_S)
            return returned, closing.exception() if returned else None

        returned: tuple[bool, BaseException | None] = self._consumer.complete(close())
        return returned

    def _answers(self) -> tuple[TaskAnswer, ...]:
        (agent,) = self.crew.agents
        whole = [task for task in self.program.tasks if not _is_refused(task)]
        return tuple(
            TaskAnswer(task.script.text, place, task.name, _id(made), self.program.role, _id(agent), *_called(task))
            for place, (task, made) in enumerate(zip(whole, self.crew.tasks, strict=False))
        )


def _is_refused(task: TaskProgram) -> bool:
    return task.script.status != 200


def _called(task: TaskProgram) -> tuple[str | None, str]:
    if task.tool is None:
        return None, ""
    call = called_by(task.tool)
    return call.name, "".join(call.arguments)


def _id(owner: Any) -> str | None:
    found = getattr(owner, "id", None)
    return None if found is None else str(found)
