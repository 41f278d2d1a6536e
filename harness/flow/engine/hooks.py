"""Hooks: what takes part in the runs of a flow without being part of its graph.

A flow has the hooks of its class (`@with_hook`), those of its constructor, those that the kickoff asks for, and, around
the calls of one method, those with which the method itself is decorated.
"""

from __future__ import annotations

import contextvars
import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, ClassVar, Final, TypeVar, cast

from harness.bus.running_loop import cancelled_errors, is_loop_running, running_loop
from harness.errors import RunPaused
from harness.flow.engine.run import FlowRun
from harness.flow.graph.decorators import add_to_role, role_of
from harness.flow.graph.definition import FlowGraph, FlowMethod
from harness.flow.plan.calls import MethodCall, MethodResult
from harness.workers import Outcome, begin, require_loop

A = TypeVar("A")
D = TypeVar("D", bound=Callable[..., Any])
_OF_CLASS: Final = "__flow_hooks__"


class FlowHook:
    """Takes part in runs of a flow: subclass it, and override what is to be done.

    Each method may be async. They work in the loop of the run and must not block it: what waits is async, and blocking
    calls belong in a thread. Hooks around a method work in that method's scope. What one raises fails the method, or the
    flow; `RunPaused`, raised before or after a method, pauses the run. One hook object serves all runs of its flow, side
    by side.
    """

    #: Whether it needs no running loop before it asks for `harness.workers.require_loop`, so that none is made for it. Its own
    #: blocking calls, in `outcome_in_thread` with the threads of the run, then block nobody but the run.
    works_without_loop: ClassVar[bool] = False

    def before_flow(self, run: FlowRun) -> Awaitable[None] | None:
        """Before anything is published: the place to put a saved plan into `run`, and a saved state into its flow."""

    def flow_began(self, run: FlowRun) -> Awaitable[None] | None:
        """After the flow has started, and before its first method."""

    def before_method(self, run: FlowRun, call: MethodCall) -> Awaitable[MethodResult | None] | MethodResult | None:
        """After the method has been announced. A result given here stands for the call, and the method is not run."""

    def after_method(
        self, run: FlowRun, call: MethodCall, result: MethodResult
    ) -> Awaitable[MethodResult | None] | MethodResult | None:
        """After the method has returned. A result given here takes the place of `result`."""

    def method_done(self, run: FlowRun, call: MethodCall, result: MethodResult) -> Awaitable[None] | None:
        """Once the plan knows that the call is done, and before that is published: the place to save plan and state."""

    def method_paused(self, run: FlowRun, call: MethodCall, pause: RunPaused) -> Awaitable[None] | None:
        """Once the plan knows that the call waits for something outside, and before that is published."""

    def method_failed(self, run: FlowRun, call: MethodCall, error: BaseException) -> Awaitable[None] | None:
        """Once what runs beside the failed call is to stop, and before that is published. What this raises is logged."""

    def flow_ended(self, run: FlowRun, result: Any, error: BaseException | None) -> Awaitable[None] | None:
        """Once no method runs any more, and before the flow's end is published.

        `result` is for a paused run, one with a `run.pause`, what it waits with. After an error, what this raises is logged.
        """


def with_hook(hook: FlowHook) -> Callable[[D], D]:
    """Return a decorator: `hook` takes part in every run of the flow class, or around every call of the method."""

    def decorate(target: D) -> D:
        if isinstance(target, type):
            setattr(target, _OF_CLASS, (hook, *own_hooks(target)))
        else:
            role = role_of(target)
            add_to_role(target, hooks=(*(role.hooks if role is not None else ()), hook))
        return target

    return decorate


def own_hooks(cls: type) -> tuple[FlowHook, ...]:
    """Return the hooks with which a class itself is decorated, and not those above it."""
    return cast(tuple[FlowHook, ...], vars(cls).get(_OF_CLASS, ()))


def hooks_of_class(cls: type) -> tuple[FlowHook, ...]:
    """Return the hooks with which a flow class and its bases are decorated, its own first."""
    return tuple(hook for base in cls.__mro__ for hook in own_hooks(base))


class Hooks:
    """The hooks of one run, the innermost first: those of the method, of the class, the constructor, the kickoff.

    What comes before a flow or a method goes from the outermost hook to the innermost, all else the other way.
    """

    def __init__(self, definition: FlowGraph, hooks: Iterable[FlowHook]) -> None:
        self._of_flow = tuple(hooks)
        of_methods = cast(tuple[FlowHook, ...], definition.hooks)
        #: Every hook of the run, once.
        self.all: tuple[FlowHook, ...] = tuple({id(hook): hook for hook in (*of_methods, *self._of_flow)}.values())

    def around(self, method: FlowMethod) -> tuple[FlowHook, ...]:
        """Return the hooks that take part in calls of `method`."""
        return (*cast(tuple[FlowHook, ...], method.role.hooks), *self._of_flow) if self.all else ()


async def resolved(answer: Awaitable[A] | A) -> A:
    """Return what a hook answers, once it has."""
    return await answer if inspect.isawaitable(answer) else answer


async def call_in(context: contextvars.Context, method: Callable[..., Awaitable[None] | None], *args: Any) -> None:
    """Call a hook in `context`, and wait for what it does there."""
    answer = context.run(method, *args)
    if inspect.iscoroutine(answer) and not is_loop_running():
        ended = begin(answer, context)
        if ended is not None:
            ended.unwrap()
            return
        await require_loop()
        await running_loop().create_task(answer, context=context)
    elif inspect.isawaitable(answer):
        task = running_loop().create_task(_outcome_of(answer), context=context)
        try:
            (await task).unwrap()
        finally:
            if inspect.iscoroutine(answer):
                # A task that was cancelled before its first step has not begun it.
                answer.close()


async def _outcome_of(answer: Awaitable[None]) -> Outcome[None]:
    # As a value: asyncio stops the whole loop for a task that raises SystemExit or KeyboardInterrupt.
    try:
        await answer
    except cancelled_errors():
        raise
    except BaseException as error:
        return Outcome(error=error)
    return Outcome()
