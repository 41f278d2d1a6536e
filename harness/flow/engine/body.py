"""The body of a call: the method with its hooks around it, as a coroutine, or in a thread where it is none."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from harness.bus.running_loop import is_loop_running
from harness.flow.engine.hooks import FlowHook, resolved
from harness.flow.engine.run import FlowRun
from harness.flow.graph.definition import TRIGGER_PAYLOAD
from harness.flow.plan.calls import MethodCall, MethodResult
from harness.workers import Outcome, Threads, outcome_in_thread, require_loop

F = TypeVar("F", bound=Callable[..., Any])
_WITHOUT_LOOP: Final = "__works_without_loop__"


def works_without_loop(method: F) -> F:
    """Mark a coroutine method as one that needs no running loop, so that none is made for it."""
    setattr(method, _WITHOUT_LOOP, True)
    return method


async def perform(run: FlowRun, call: MethodCall, hooks: Sequence[FlowHook], threads: Threads) -> Outcome[MethodResult]:
    """Return what a call came to; beside an error, what the method had returned before it.

    What is no coroutine works in one of `threads`; where no loop runs, in this one.
    Never raises: asyncio stops the whole loop for SystemExit and KeyboardInterrupt.
    """
    result: MethodResult | None = None
    try:
        for hook in reversed(hooks):
            result = await resolved(hook.before_method(run, call))
            if result is not None:
                break
        else:
            returned = await _returned(_bound(run, call), call.args, threads)
            if returned.error is not None:
                return Outcome(error=returned.error)
            result = MethodResult(returned.value)
        for hook in hooks:
            result = await resolved(hook.after_method(run, call, result)) or result
        return Outcome(value=result)
    except BaseException as error:
        return Outcome(value=result, error=error)


def _bound(run: FlowRun, call: MethodCall) -> Any:
    """Return the method of the flow, with what triggered the flow where it asks for that and there is such an input."""
    method, inputs = getattr(run.flow, call.method.name), run.kickoff.inputs
    if call.method.takes_payload and inputs and TRIGGER_PAYLOAD in inputs:
        return functools.partial(method, **{TRIGGER_PAYLOAD: inputs[TRIGGER_PAYLOAD]})
    return method


async def _returned(method: Any, args: tuple[Any, ...], threads: Threads) -> Outcome[Any]:
    if inspect.iscoroutinefunction(method):
        if not (is_loop_running() or getattr(method, _WITHOUT_LOOP, False)):
            await require_loop()
        return Outcome(value=await method(*args))
    outcome = await outcome_in_thread(lambda: method(*args), threads)
    if not inspect.iscoroutine(outcome.value):
        return outcome
    await require_loop()
    return Outcome(value=await outcome.value)
