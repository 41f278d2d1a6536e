"""Running the functions that a model asked for, with the frames that show it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Self

from harness.bus.step import Step
from harness.errors import error_text
from harness.llm.output.assembly import AssembledCall
from harness.tools.use import ToolUse
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
    with use.step() as step:
        try:
            outcome = use.function(functions)(**call.parsed_arguments())
            if inspect.iscoroutine(outcome):
                coroutine = outcome
                outcome = run_coroutine(lambda: coroutine)
        except Exception as error:
            return use.fail(step, error)
        return use.complete(step, outcome)


async def arun_tool(call: AssembledCall, functions: Functions) -> Any:
    """Do as `run_tool`; a function that is not async works in a thread of its own."""
    use = _Use(call)
    async with use.step() as step:
        try:
            function, arguments = use.function(functions), call.parsed_arguments()
            if inspect.iscoroutinefunction(function):
                outcome = await function(**arguments)
            else:
                outcome = await in_thread(lambda: function(**arguments))
                if inspect.isawaitable(outcome):
                    outcome = await outcome
        except Exception as error:
            return use.fail(step, error)
        return use.complete(step, outcome)


class _Use:
    """One use of a function that the model asked for."""

    def __init__(self, call: AssembledCall) -> None:
        self._call = call
        try:
            arguments: Any = call.parsed_arguments()
        except ValueError:
            arguments = call.arguments
        self._use = ToolUse(call.name, arguments, {"run_attempts": 1})

    def step(self) -> Step:
        """Return the step that this use is, not yet opened."""
        return self._use.step()

    def function(self, functions: Functions) -> Callable[..., Any]:
        """Return the function to run. Raises LookupError for a name that the caller did not give."""
        try:
            return functions[self._call.name]
        except KeyError:
            known = ", ".join(functions) or "none"
            raise LookupError(f"the model asked for {self._call.name!r}; the functions given are {known}") from None

    def complete(self, step: Step, output: Any) -> Any:
        self._use.complete(step, output)
        return output

    def fail(self, step: Step, error: Exception) -> ToolCallFailed:
        step.fail(error)
        return ToolCallFailed(self._call.name, error)
