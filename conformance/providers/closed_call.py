"""A recorded run made again and closed in the middle of an answer that falls silent, and what is left of it then."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from conformance.providers.playback import answered_by, performed, session_of
from conformance.providers.runs import RecordedRun
from conformance.stage.census import ENDING_S, Census, tasks_left
from conformance.stage.patience import abecomes_true, becomes_true, ends, unended
from conformance.stage.points import DEADLINE_S, StageError
from conformance.stage.reader import Reader, SessionKind, close_session, in_thread
from conformance.timeline.calls import CHUNKS
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import NOTHING, Expected
from harness.recording import Tape, WireResponse

#: The clauses that it decides.
CLAUSES: Final = frozenset({"cleanup.close-prompt", "cleanup.work-stops", "cleanup.no-leaks", "llm.sequence"})


def close_in_the_middle(
    run: RecordedRun, kind: SessionKind, place: int, silent: WireResponse, *, shows: bool
) -> Evidence:
    """Read the first session of a run until its answer falls silent, and close it; `place` is the interaction's.

    `shows` says whether there is anything of the answer to be shown before it falls silent.
    """
    census = Census(0)
    answered = answered_by(run, {place: (silent,)})
    with performed(run, kind, answered, max_retries=0) as (tape, _):
        with Reader(kind) as reader:
            session = session_of(next(iter(run.target.sessions())), kind)
            closed = _closed if kind == "sync" else _aclosed
            expected = tuple(closed(reader, session, tape, lambda: not shows or _is_shown(session)))
        stopped = becomes_true(lambda: not tape.open_answers, ENDING_S)
        left = census.threads_left()
        frames = tuple(session.frames)
    aspect = "whether any piece was shown while the rest of the answer was still to come"
    return Evidence(
        frames,
        "closed",
        expected=(
            *expected,
            Expected("cleanup.work-stops", "whether the answer to a closed call was closed, too", True, stopped),
            Expected("cleanup.no-leaks", "threads that a closed call left", (), left),
            *([Expected("llm.sequence", aspect, True, _is_shown(session))] if shows else []),
        ),
    )


def _is_shown(session: Any) -> bool:
    return any(frame.type in CHUNKS for frame in session.frames)


def _is_silent(tape: Tape) -> bool:
    return any(answer.is_stalled for answer in tape.open_answers)


def _check_silent(tape: Tape) -> None:
    if not _is_silent(tape):
        raise StageError("the call never waited for the rest of its answer")


def _closed(reader: Reader, session: Any, tape: Tape, is_shown: Callable[[], bool]) -> Iterator[Expected]:
    # The run works in the context of whoever asks for its first frame.
    context = contextvars.copy_context()
    consumer = threading.Thread(target=context.run, args=(reader.read, session), name="consumer", daemon=True)
    consumer.start()
    becomes_true(lambda: _is_silent(tape) or not consumer.is_alive(), DEADLINE_S)
    _check_silent(tape)
    becomes_true(is_shown, ENDING_S)
    returned, raised = in_thread(partial(close_session, session), ENDING_S)
    yield from _prompt(returned, raised)
    ends(consumer, ENDING_S)


def _aclosed(reader: Reader, session: Any, tape: Tape, is_shown: Callable[[], bool]) -> Iterator[Expected]:
    async def consume() -> None:
        async for _ in session:
            pass

    async def close() -> tuple[bool, BaseException | None, tuple[str, ...]]:
        own = asyncio.all_tasks()
        consumer = asyncio.create_task(consume(), name="consumer")
        await abecomes_true(lambda: _is_silent(tape) or consumer.done(), DEADLINE_S)
        _check_silent(tape)
        await abecomes_true(is_shown, ENDING_S)
        closing = asyncio.create_task(session.aclose(), name="closing")
        returned = not await unended({closing}, ENDING_S)
        await unended({consumer}, ENDING_S)
        return returned, closing.exception() if returned else None, await tasks_left({*own, consumer, closing})

    returned, raised, left = reader.complete(close())
    yield from _prompt(returned, raised)
    yield Expected("cleanup.no-leaks", "tasks that a closed call left", (), left)


def _prompt(returned: bool, raised: BaseException | None) -> Iterator[Expected]:
    clause, what = "cleanup.close-prompt", "closing a call in the middle of its answer"
    yield Expected(clause, f"whether {what} came back while the provider was silent", True, returned)
    yield Expected(clause, what, NOTHING, raised)
