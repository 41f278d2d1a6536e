"""Running the functions that a model asked for, with the frames that show it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Self

from harness.bus import bus
from harness.bus.scope import Scope
from harness.errors import RunCancelled
from harness.events.base import sources
from harness.events.tools import ToolUsageErrorEvent, ToolUsageFinishedEvent, ToolUsageStartedEvent
from harness.frames.codec import error_text
from harness.llm.assembly import AssembledCall
from harness.workers import in_thread, run_coroutine

Functions = Mapping[str, Callable[..., Any]]


class ToolCallFailed(str):
    """What stands in a call's result for a tool that failed: text that can be given back to the model.

    `error` is the exception. The model's call itself has not failed, and its other tools have run.
    """

    __slots__ = ("error",)
    error: Exception

    def __new__(cls, tool_name: str, error: Exception) -> Self:
        self = super().__new__(cls, f"{tool_name} failed with {type(error).__name__}: {error_text(error)}")
        self.error = error
        return self


def run_tool(call: AssembledCall, functions: Functions) -> Any:
    """Run one requested call; return its value, or a `ToolCallFailed`. A function that is async is run to its end."""
    use = _Use(call)
    try:
        outcome = use.function(functions)(**call.parsed_arguments())
        if inspect.iscoroutine(outcome):
            coroutine = outcome
            outcome = run_coroutine(lambda: coroutine)
    except Exception as error:
        return use.failed(error)
    except RunCancelled:
        raise
    except BaseException as error:
        use.failed(error)
        raise
    return use.finished(outcome)


async def arun_tool(call: AssembledCall, functions: Functions) -> Any:
    """Do as `run_tool`; a function that is not async works in a thread of its own."""
    use = _Use(call)
    try:
        function, arguments = use.function(functions), call.parsed_arguments()
        if inspect.iscoroutinefunction(function):
            outcome = await function(**arguments)
        else:
            outcome = await in_thread(lambda: function(**arguments))
            if inspect.isawaitable(outcome):
                outcome = await outcome
    except Exception as error:
        return use.failed(error)
    except RunCancelled:
        raise
    except BaseException as error:
        use.failed(error)
        raise
    return use.finished(outcome)


class _Use:
    """One use of a tool: its scope, and the events that open and close it."""

    def __init__(self, call: AssembledCall) -> None:
        self._call = call
        self._started_at: datetime = sources.now()
        try:
            arguments: Any = call.parsed_arguments()
        except ValueError:
            arguments = call.arguments
        self._fields = {"tool_name": call.name, "tool_args": arguments, "run_attempts": 1}
        self._scope = bus.open_scope(
            self, ToolUsageStartedEvent(**self._fields), label=call.name, abandon=self._abandoned
        )

    def function(self, functions: Functions) -> Callable[..., Any]:
        """Return the function to run. Raises LookupError for a name that the caller did not give."""
        try:
            return functions[self._call.name]
        except KeyError:
            known = ", ".join(functions) or "none"
            raise LookupError(f"the model asked for {self._call.name!r}; the functions given are {known}") from None

    def finished(self, output: Any) -> Any:
        event = ToolUsageFinishedEvent(
            **self._fields, output=output, started_at=self._started_at, finished_at=sources.now()
        )
        bus.close_scope(self._scope, self, event)
        return output

    def failed(self, error: BaseException) -> ToolCallFailed | None:
        event = ToolUsageErrorEvent(**self._fields, error=error_text(error), error_type=type(error).__name__)
        bus.close_scope(self._scope, self, event)
        return ToolCallFailed(self._call.name, error) if isinstance(error, Exception) else None

    def _abandoned(self, scope: Scope, why: str) -> ToolUsageErrorEvent:
        return ToolUsageErrorEvent(**self._fields, error=why, error_type=RunCancelled.__name__)
