"""The body of a call: the method with its hooks around it, as a coroutine, or in a thread where it is none."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from harness.flow.calls import MethodCall
from harness.flow.hooks import FlowHook, MethodResult, tell
from harness.flow.run import FlowRun
from harness.workers import Outcome, outcome_in_thread


async def perform(run: FlowRun, call: MethodCall, hooks: Sequence[FlowHook]) -> Outcome[MethodResult]:
    """Return what a call came to; beside an error, what the method had returned before it.

    Never raises: asyncio stops the whole loop for SystemExit and KeyboardInterrupt.
    """
    result: MethodResult | None = None
    try:
        for hook in reversed(hooks):
            result = await tell(hook.before_method(run, call))
            if result is not None:
                break
        else:
            returned = await _returned(getattr(run.flow, call.method.name), call.args)
            if returned.error is not None:
                return Outcome(error=returned.error)
            result = MethodResult(returned.value)
        for hook in hooks:
            result = await tell(hook.after_method(run, call, result)) or result
        return Outcome(value=result)
    except BaseException as error:
        return Outcome(value=result, error=error)


async def _returned(method: Any, args: tuple[Any, ...]) -> Outcome[Any]:
    if inspect.iscoroutinefunction(method):
        return Outcome(value=await method(*args))
    outcome = await outcome_in_thread(lambda: method(*args))
    return Outcome(value=await outcome.value) if inspect.iscoroutine(outcome.value) else outcome
