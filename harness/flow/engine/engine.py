"""The engine: one coroutine that runs a flow, for sync and async kickoffs alike.

It begins what the plan says is due, and reports to the plan what has ended. It alone publishes what happens to methods,
from its own context and in order: the started events of all that is due before any of its bodies runs, the others as the
bodies return. The bodies run beside it, each a task in a context of its own whose scope is the method's. Where no loop
runs yet, a body that is due alone runs in place, in such a context too, and there is one once it asks for that.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
from collections import deque
from collections.abc import Coroutine, Iterator
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from harness.bus import bus, scope as scopes
from harness.bus.running_loop import cancelled_errors, canceller, is_loop_running, running_loop
from harness.bus.step import Step
from harness.bus.unseen import id_of
from harness.errors import RunCancelled, RunPaused
from harness.flow.engine import steps
from harness.flow.engine.body import perform
from harness.flow.engine.hooks import FlowHook, Hooks, call_in, resolved
from harness.flow.engine.run import FlowRun
from harness.flow.plan.calls import MethodCall, MethodResult
from harness.workers import GRACE_S, Outcome, begin, require_loop, until_done

if TYPE_CHECKING:
    from asyncio import Future, Task

logger = logging.getLogger("harness")
#: Every so many runs inside of one another, the methods of one work in threads, which have a stack of their own.
_DEEP: Final = 16


class _Body(Struct):
    """A call whose method is running."""

    call: MethodCall
    step: Step
    #: In which the method works, and its hooks.
    context: contextvars.Context
    task: Task[None] | None = None
    outcome: Outcome[MethodResult] | None = None


class Engine:
    """Runs one flow once; made for it and thrown away after it."""

    def __init__(self, run: FlowRun, hooks: Hooks) -> None:
        self._run = run
        self._hooks = hooks
        #: The calls whose scopes are open, by id, in the order in which they started.
        self._bodies: dict[int, _Body] = {}
        #: Those whose tasks have ended, and what is waited on while there is none.
        self._ended: deque[_Body] = deque()
        self._next: Future[None] | None = None
        #: Who has not been let know yet how the flow ends.
        self._untold = deque(hooks.all)

    async def work(self) -> Any:
        """Return the output of the method that finished last; where one paused, what the run waits with.

        Raises:
            BaseException: what a method raised, the same object, after the events that tell of it (clause
                `error.frames-first`).
        """
        run = self._run
        if run.depth % _DEEP == 0 or not all(hook.works_without_loop for hook in self._hooks.all):
            await require_loop()
        for hook in reversed(self._hooks.all):
            await resolved(hook.before_flow(run))
        run.take_inputs()
        step = steps.flow_step(run)
        try:
            async with step:
                # Inside a run of the same flow, that one's counts what this one uses.
                if run.usage is not (None if run.around is None else run.around.usage):
                    step.scope.sinks = (*step.scope.sinks, run.usage)
                if run.story is not None:
                    run.story.begun(step.started)
                try:
                    await self._wait_for_handlers(step)
                    for hook in reversed(self._hooks.all):
                        await resolved(hook.flow_began(run))
                    await self._execute()
                    result = run.plan.result if run.pause is None else run.pause[1]
                    await self._tell_end(result, None)
                except BaseException as error:
                    await self._give_up(step, error)
                    raise
                if run.pause is None:
                    steps.complete(step, run, result)
                else:
                    steps.pause(step, run, *run.pause)
            await self._wait_for_handlers(step)
        except Exception:
            await self._wait_for_handlers(step)
            raise
        finally:
            # Bodies hold their tasks, tasks their contexts, and a context the scopes and their sinks.
            self._bodies.clear()
            self._ended.clear()
        return result

    async def _wait_for_handlers(self, step: Step) -> None:
        """Wait until what the flow has just published has been handled, by async handlers, too."""
        handled = step.handled
        if handled is not None:
            await until_done(handled)

    async def _execute(self) -> None:
        """Run what is due until nothing is, or, once a call has paused, until nothing runs any more."""
        await self._begin()
        while self._bodies:
            while not self._ended:
                self._next = running_loop().create_future()
                await self._next
            while self._ended:
                error = await self._end(self._ended.popleft())
                if error is not None:
                    Outcome(error=error).unwrap()
            if self._run.pause is None:
                await self._begin()

    async def _begin(self) -> None:
        run = self._run
        around = scopes.current_scope()
        beginning = []
        for call in run.plan.due():
            run.plan.begun(call)
            if around.lookahead:
                await bus.room()
            step = steps.method_step(run, call, around).open()
            if run.story is not None:
                run.story.called(call, step.started)
            body = self._bodies[call.id] = _Body(call, step, contextvars.copy_context())
            scopes.enter(around)
            beginning.append(body)
        if len(beginning) == 1 and not is_loop_running():
            await self._perform_in_place(beginning[0])
        elif beginning:
            await require_loop()
            for body in beginning:
                _make_task(body, self._perform(body))

    async def _perform_in_place(self, body: _Body) -> None:
        work = self._perform(body)
        if begin(work, body.context) is None:
            await require_loop()
            _make_task(body, work)

    async def _perform(self, body: _Body) -> None:
        if body.step.run.cancelled:
            body.outcome = Outcome(error=RunCancelled())
        else:
            body.outcome = await perform(self._run, body.call, self._hooks.around(body.call.method), self._run.threads)
        self._ended.append(body)
        if self._next is not None and not self._next.done():
            self._next.set_result(None)

    async def _end(self, body: _Body, flow_error: BaseException | None = None) -> BaseException | None:
        """Publish how a call ended, once the plan and the hooks know; return what it failed with, if it did.

        With what its flow has failed with meanwhile, where it has.
        """
        if body.outcome is None or body.step.is_cancelled:
            raise RunCancelled
        hooks = self._hooks.around(body.call.method)
        error = await self._settle(body, body.outcome, hooks)
        if error is not None:
            self._stop()
            for hook in hooks:
                with _logged("a hook failed after a method had"):
                    await call_in(body.context, hook.method_failed, self._run, body.call, error)
            body.step.fail(error)
        if body.step.scope.lookahead:
            await _room_unless_cancelled(flow_error)
        body.step.close()
        del self._bodies[body.call.id]
        return error

    async def _settle(
        self, body: _Body, outcome: Outcome[MethodResult], hooks: tuple[FlowHook, ...]
    ) -> BaseException | None:
        """Note in the plan how a call ended, and let the hooks know; return what it failed with, if it did."""
        run, call, error = self._run, body.call, outcome.error
        result = outcome.value or MethodResult(call.output)
        try:
            if error is None:
                event = steps.complete(body.step, run, result.output)
                if call.method.role.is_router and result.label is None:
                    doubt = run.flow._flow_graph.doubt_of(call.method, result.output)
                    if doubt is not None:
                        logger.warning("%s: %s", run.name, doubt)
                place = run.plan.done(call, result, id_of(event))
                if run.story is not None:
                    run.story.ended(call, event, place)
                for hook in hooks:
                    await call_in(body.context, hook.method_done, run, call, result)
            elif isinstance(error, RunPaused):
                event = steps.pause(body.step, run, call, error)
                run.plan.paused(call, result.output)
                if run.story is not None:
                    run.story.paused(call, event)
                run.pause = run.pause or (call, error)
                for hook in hooks:
                    await call_in(body.context, hook.method_paused, run, call, error)
            else:
                return error
        except cancelled_errors():
            raise
        except BaseException as failure:
            return failure
        return None

    def _stop(self) -> None:
        """Have every method that still runs stop at its next event, await or provider byte."""
        for body in self._bodies.values():
            if body.outcome is None:
                body.step.run.cancel()

    async def _give_up(self, step: Step, error: BaseException) -> None:
        """End what still runs, for a moment waiting for coroutines to clean up, and publish how the methods ended.

        Those that had ended when the flow failed did so as they did, and not because of it.
        """
        self._stop()
        ended = [body for body in self._ended if not body.step.run.cancelled]
        tasks = [body.task for body in self._bodies.values() if body.task is not None]
        if tasks:
            import asyncio  # whose tasks they are

            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait(tasks, timeout=GRACE_S)
        reason = f"the flow ended with {type(error).__name__} while this method was running"
        # Whatever goes wrong from here on, this error is the one that the run ends with.
        try:
            for body in ended:
                await self._end(body, error)
            for body in list(self._bodies.values()):
                if step.is_cancelled:
                    return
                await _room_unless_cancelled(error)
                body.step.abandon(reason)
            # What paused before, or just now, is not what the run ends with.
            self._run.pause = None
            while self._untold and not step.is_cancelled:
                with _logged("a hook failed after its flow had"):
                    await self._tell_end(None, error)
        except cancelled_errors(RunCancelled):
            return

    async def _tell_end(self, result: Any, error: BaseException | None) -> None:
        """Let each hook know how the flow ends, once; what one of them raises is the end that the others are told of."""
        while self._untold:
            await resolved(self._untold.popleft().flow_ended(self._run, result, error))


def _make_task(body: _Body, work: Coroutine[Any, Any, None]) -> None:
    name = f"harness-method-{body.call.method.name}"
    body.task = running_loop().create_task(work, name=name, context=body.context)
    # With its run, and not after it: what the run's next event has ended may be cleaning up by then.
    body.step.run.on_cancel(canceller(body.task))


@contextlib.contextmanager
def _logged(message: str) -> Iterator[None]:
    """Log what is raised inside, where another error is on its way."""
    try:
        yield
    except cancelled_errors(RunCancelled):
        raise
    except BaseException:
        logger.exception(message)


async def _room_unless_cancelled(error: BaseException | None) -> None:
    # A cancelled task must come to its end, whether or not anybody reads on.
    if not isinstance(error, cancelled_errors()):
        await bus.room()
