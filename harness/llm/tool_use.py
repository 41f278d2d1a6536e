"""Running the functions that a model asked for, with the frames that show it."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Container, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from harness.bus.step import Step
from harness.errors import error_text
from harness.llm.input.words import without_addresses
from harness.llm.output.assembly import AssembledCall
from harness.tools.use import ToolUse
from harness.workers import asettled, in_thread, settled

if TYPE_CHECKING:
    from harness.tools import BaseTool

Functions = Mapping[str, "Callable[..., Any] | BaseTool"]


class ToolCallFailed(str):
    """What stands in a call's result for a tool that failed: "", as programs know it, which tells what went wrong.

    `error` is the exception, and `told` says of which tool, as text that can be given back to the model. The model's
    call itself has not failed, and its other tools have run.
    """

    __slots__ = ("error", "told")
    error: Exception
    told: str

    def __new__(cls, tool_name: str, error: Exception) -> Self:
        self = super().__new__(cls)
        self.error = error
        # Elsewhere in each process, a recorded request with an address would not be made again.
        text = without_addresses(error_text(error))
        self.told = f"{tool_name} failed with {type(error).__name__}: {text}"
        return self

    def __repr__(self) -> str:
        return f"<{self.told}>"


def run_tool(call: AssembledCall, functions: Functions, custom: Container[str] = ()) -> Any:
    """Run one requested call; return its value, or a `ToolCallFailed`. A function that is async is run to its end.

    Functions that are named in `custom` are given the text that the model wrote; all others its arguments.
    """
    use = _Use(call, custom)
    with use.step() as step:
        try:
            outcome = settled(use.bound(functions)())
        except Exception as error:
            return use.fail(step, error)
        return use.complete(step, outcome)


async def arun_tool(call: AssembledCall, functions: Functions, custom: Container[str] = ()) -> Any:
    """Do as `run_tool`; a function that is not async works in a thread of its own."""
    use = _Use(call, custom)
    async with use.step() as step:
        try:
            bound = use.bound(functions)
            if inspect.iscoroutinefunction(bound.func):
                outcome = await bound()
            else:
                outcome = await asettled(await in_thread(bound))
        except Exception as error:
            return use.fail(step, error)
        return use.complete(step, outcome)


class _Use:
    """One use of a function that the model asked for."""

    def __init__(self, call: AssembledCall, custom: Container[str]) -> None:
        self._call = call
        self._is_custom = call.name in custom
        arguments: Any = call.arguments
        if not self._is_custom:
            with contextlib.suppress(ValueError):
                arguments = call.parsed_arguments()
        self._use = ToolUse(call.name, arguments, {"run_attempts": 1})

    def step(self) -> Step:
        """Return the step that this use is, not yet opened."""
        return self._use.step()

    def bound(self, functions: Functions) -> partial[Any]:
        """Return the function to run, with what it is to be given.

        Raises:
            LookupError: the caller gave no function of that name.
            ValueError: the arguments are no object, or cut off.
        """
        try:
            tool = functions[self._call.name]
        except KeyError:
            known = ", ".join(functions) or "none"
            raise LookupError(f"the model asked for {self._call.name!r}; the functions given are {known}") from None
        # A tool is no function, and has one that checks what it is given.
        function = tool if callable(tool) else tool.run
        if self._is_custom:
            if self._call.is_cut:
                raise ValueError("the answer was cut off, perhaps in the middle of the text")
            return partial(function, self._call.arguments)
        return partial(function, **self._call.parsed_arguments())

    def complete(self, step: Step, output: Any) -> Any:
        self._use.complete(step, output)
        return output

    def fail(self, step: Step, error: Exception) -> ToolCallFailed:
        step.fail(error)
        return ToolCallFailed(self._call.name, error)
