"""The engine: one coroutine that works a run off, for sync and async kickoffs alike.

It alone publishes what happens to methods, from its own context and in order: the started events of a batch before any
of its bodies runs, the finished ones as the bodies return. The bodies run beside it, each a task in a context of its own
whose scope is the method's; what is not a coroutine runs in a thread there.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
from dataclasses import dataclass, field
from typing import Any

from harness.bus import bus, scope as scopes
from harness.bus.step import Step
from harness.errors import RunCancelled
from harness.flow.plan import Batches, Call, after, at_kickoff
from harness.flow.progress import Progress
from harness.flow.state import snapshot
from harness.flow.steps import flow_step, method_step
from harness.workers import GRACE_S, Outcome, outcome_in_thread


@dataclass(slots=True)
class _Line:
    """A plan that is being followed, and the one that waits for it."""

    plan: Batches
    parent: _Line | None = None
    #: How many calls of the current batch are not through, with all that they have set going.
    open: int = 0


@dataclass(slots=True)
class _Body:
    """A call whose method is running."""

    call: Call
    line: _Line
    step: Step
    task: asyncio.Task[Outcome[Any]] | None = field(default=None)


class Engine:
    """Works off one run of one flow; made for it and thrown away after it."""

    def __init__(self, flow: Any, name: str, progress: Progress) -> None:
        self._flow = flow
        self._progress = progress
        self._name = name
        #: The methods whose scopes are open, in the order in which they started.
        self._bodies: list[_Body] = []

    async def work(self, inputs: dict[str, Any] | None) -> Any:
        """Return the output of the method that finished last.

        Raises:
            BaseException: what a method raised, the same object, after the events that tell of it (clause
                `error.frames-first`).
        """
        try:
            async with flow_step(self._flow, self._name, inputs) as step:
                try:
                    await self._follow(_Line(at_kickoff(self._progress)))
                except BaseException as error:
                    await self._give_up(step, error)
                    raise
                step.complete(result=self._progress.result, state=snapshot(self._flow.state))
        finally:
            # Bodies hold their tasks, tasks their contexts, and a context the scopes and their sinks.
            self._bodies.clear()
        return self._progress.result

    async def _follow(self, first: _Line) -> None:
        await self._advance(first)
        while self._bodies:
            tasks = [body.task for body in self._bodies if body.task is not None]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            ended = [body for body in self._bodies if body.task is not None and body.task.done()]
            for body in ended:
                await self._finish(body)
            for body in ended:
                await self._advance(_Line(after(body.call, self._progress), body.line))

    async def _advance(self, line: _Line | None) -> None:
        """Begin the next batch of a line, or, where it has none, of the first line above that is no longer waiting."""
        while line is not None:
            calls = next(line.plan, None)
            if calls:
                line.open = len(calls)
                await self._begin(line, calls)
                return
            if calls is None:
                line = line.parent
                if line is not None:
                    line.open -= 1
                    if line.open:
                        return

    async def _begin(self, line: _Line, calls: list[Call]) -> None:
        around = scopes.current_scope()
        begun: list[tuple[_Body, contextvars.Context]] = []
        for call in calls:
            self._progress.began(call.method)
            await bus.room()
            body = _Body(call, line, method_step(self._flow, self._name, call).open())
            self._bodies.append(body)
            begun.append((body, contextvars.copy_context()))
            scopes.enter(around)
        loop = asyncio.get_running_loop()
        for body, context in begun:
            name = f"harness-method-{body.call.method.name}"
            body.task = loop.create_task(_perform(self._flow, body.call), name=name, context=context)

    async def _finish(self, body: _Body) -> None:
        outcome = body.task.result() if body.task is not None else Outcome()
        if body.step.is_cancelled:
            raise RunCancelled
        if outcome.error is not None:
            self._stop(but=body)
            await bus.room()
            body.step.fail(outcome.error)
            self._close(body)
            outcome.unwrap()
        await bus.room()
        body.call.output = outcome.value
        self._progress.finished(body.call.method, outcome.value)
        body.call.finished_id = body.step.complete(result=outcome.value, state=snapshot(self._flow.state)).event_id
        self._close(body)

    def _close(self, body: _Body) -> None:
        body.step.close()
        self._bodies.remove(body)

    def _stop(self, but: _Body | None = None) -> None:
        """Have every method that still runs stop at its next event, await or provider byte."""
        for body in self._bodies:
            if body is not but:
                body.step.run.cancel()
                if body.task is not None:
                    body.task.cancel()

    async def _give_up(self, step: Step, error: BaseException) -> None:
        """End what still runs, for a moment waiting for coroutines to clean up, and publish how the methods ended."""
        self._stop()
        tasks = [body.task for body in self._bodies if body.task is not None]
        if tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait(tasks, timeout=GRACE_S)
        why = f"the flow ended with {type(error).__name__} while this method was running"
        # Whatever goes wrong from here on, this error is the one that the run ends with.
        with contextlib.suppress(RunCancelled, asyncio.CancelledError):
            for body in list(self._bodies):
                if step.is_cancelled:
                    return
                await _room_unless_cancelled(error)
                body.step.abandon(why)


async def _room_unless_cancelled(error: BaseException) -> None:
    # A cancelled task must come to its end, whether or not anybody reads on.
    if not isinstance(error, asyncio.CancelledError):
        await bus.room()


async def _perform(flow: Any, call: Call) -> Outcome[Any]:
    """Return how the method ended. Never raises: asyncio stops the whole loop for SystemExit and KeyboardInterrupt."""
    try:
        method = getattr(flow, call.method.name)
        if inspect.iscoroutinefunction(method):
            return Outcome(value=await method(*call.args))
        outcome = await outcome_in_thread(lambda: method(*call.args))
        return Outcome(value=await outcome.value) if inspect.iscoroutine(outcome.value) else outcome
    except BaseException as error:
        return Outcome(error=error)
