"""The tools of one execution: found by name, used, their results kept, and what they failed with."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from harness.agents.driver import Driver
from harness.bus.step import Step
from harness.errors import UsageError, error_text
from harness.events import (
    BaseEvent,
    ToolExecutionErrorEvent,
    ToolFailureDetectedEvent,
    ToolSelectionErrorEvent,
    ToolValidateInputErrorEvent,
)
from harness.llm.input.words import value_text
from harness.llm.output.assembly import arguments_in
from harness.llm.tool_use import ToolCallFailed
from harness.tools.base_tool import LONGEST_NAME, BaseTool
from harness.tools.failure import (
    ToolExecutionFailedError,
    ToolFailure,
    ToolFailurePolicy,
    ToolFailureReason,
    ToolFailureRecord,
    policy_among,
)
from harness.tools.use import ToolInputError, ToolUse
from harness.validation import model_json

_MISSING: Final = object()
#: What is in no name of a function that an API takes back.
_UNFIT: Final = re.compile(r"[^a-zA-Z0-9_-]")


class ToolCache:
    """Results that are kept for the next use with the same arguments; several agents and threads may share them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: With the tool itself, since another of its name may do something else.
        self._results: dict[tuple[int, str], tuple[BaseTool, Any]] = {}

    def get(self, tool: BaseTool, arguments: Mapping[str, Any]) -> Any:
        """Return what was kept, or `_MISSING`."""
        with self._lock:
            return self._results.get(_key(tool, arguments), (tool, _MISSING))[1]

    def keep(self, tool: BaseTool, arguments: Mapping[str, Any], value: Any) -> None:
        """Keep a result, where the tool says that it may be."""
        if tool.may_be_kept(arguments, value):
            with self._lock:
                self._results[_key(tool, arguments)] = (tool, value)


def _key(tool: BaseTool, arguments: Mapping[str, Any]) -> tuple[int, str]:
    return id(tool), json.dumps(arguments, sort_keys=True, default=repr)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What one use of a tool came to."""

    #: What the model is told.
    text: str
    value: Any = None
    #: Whether that is the agent's answer.
    is_answer: bool = False


def named(tools: Iterable[BaseTool]) -> dict[str, BaseTool]:
    """Return tools by the names that a model has for them: of several with one name, those after the first are numbered.

    Raises:
        UsageError: one is no tool, as where it was put into the list of an agent that had been made.
    """
    found: dict[str, BaseTool] = {}
    for tool in tools:
        if not isinstance(tool, BaseTool):
            raise UsageError(f"tools: expected a tool, as @tool makes one, not {tool!r}")
        if any(tool is known for known in found.values()):
            continue
        name, number = tool.function_name, 1
        while name in found:
            number += 1
            name = f"{tool.function_name[: LONGEST_NAME - len(f'_{number}')]}_{number}"
        found[name] = tool
    return found


class UnknownToolError(LookupError):
    """The model asked for a tool that the agent does not have."""


class Toolbox:
    """The tools that an agent has for one execution, and the frames that show how it uses them."""

    def __init__(
        self,
        tools: Iterable[BaseTool],
        driver: Driver,
        *,
        owner: Mapping[str, Any],
        policies: Sequence[Any] = (),
        results: ToolCache | None = None,
    ) -> None:
        self.tools = named(tools)
        self._driver = driver
        #: The fields by which the events of all uses name whose they are.
        self._owner = owner
        #: Who may say what a failure leads to, after the tool: task, agent, crew.
        self._policies = policies
        self._results = results
        #: How often each has been used.
        self._uses: Counter[str] = Counter()
        #: The failures so far, but for those that are ignored.
        self.failures: list[ToolFailureRecord] = []

    def __contains__(self, name: str) -> bool:
        return self._tool(name) is not None

    def definitions(self) -> list[dict[str, Any]] | None:
        """Return the tools as a model is given them; None where there are none."""
        definitions = ((name, tool.definition()) for name, tool in self.tools.items())
        return [
            {**definition, "function": {**definition["function"], "name": name}} for name, definition in definitions
        ] or None

    def sendable_name(self, name: str) -> str:
        """Return the name of a tool that a model asks for as it was told that; where there is none, one that APIs take back."""
        tool = self._tool(name)
        if tool is None:
            return _UNFIT.sub("_", name)[:LONGEST_NAME] or "unknown"
        return next(known for known, each in self.tools.items() if each is tool)

    def can_run_together(self, names: Sequence[str]) -> bool:
        """Whether these may be used side by side: several, none of which is the answer or is counted."""
        tools = [tool for tool in map(self._tool, names) if tool is not None]
        return len(names) > 1 and not any(tool.result_as_answer or tool.max_usage_count is not None for tool in tools)

    async def use(self, name: str, raw: str, begun: Callable[[], None] | None = None) -> ToolResult:
        """Use a tool with arguments as JSON text, and return what the model is told.

        `begun` is called once it is published that the tool is used.

        A tool that fails fails nothing else, but under the policy `raise`.

        Raises:
            ToolExecutionFailedError: the tool has failed, and its policy is `raise`; its frames have told of it.
        """
        tool = self._tool(name)
        arguments, fault = None, ""
        try:
            arguments = arguments_in(raw)
        except ValueError as error:
            fault = str(error)
        use = ToolUse(
            name if tool is None else tool.name,
            raw if arguments is None else arguments,
            {**self._owner, "tool_class": None if tool is None else type(tool).__name__, "run_attempts": 1},
        )
        refused: ToolExecutionFailedError | None = None
        called = use.common["tool_name"]
        self._uses[called] += 1
        async with self._driver.step(use.step(self._uses[called])) as step:
            if begun is not None:
                begun()
            try:
                if tool is None:
                    known = ", ".join(self.tools) or "none"
                    raise UnknownToolError(f"there is no tool {name!r}; the tools are {known}")
                if arguments is None:
                    raise ToolInputError(f"the tool {tool.name!r} takes a JSON object: {fault}")
                # Its own, since it may change them.
                used = await self._run(tool, arguments_in(raw), use, step)
            except Exception as error:
                step.fail(error)
                used, refused = await self._fail(tool, name, use, error)
        if refused is not None:
            raise refused
        return used

    async def _run(self, tool: BaseTool, arguments: dict[str, Any], use: ToolUse, step: Step) -> ToolResult:
        given = use.common["tool_args"]
        value = _MISSING if self._results is None else self._results.get(tool, given)
        from_cache = value is not _MISSING
        if not from_cache:
            value = await self._driver.either(lambda: tool.run(**arguments), lambda: tool.arun(**arguments))
        if isinstance(value, ToolFailure):
            record = await self._note(tool, use, value)
            use.complete(step, value.message, failure=None if record is None else value)
            if record is not None and self._policy(tool) is ToolFailurePolicy.RAISE:
                raise ToolExecutionFailedError(record)
            return ToolResult(value.message)
        if self._results is not None and not from_cache:
            self._results.keep(tool, given, value)
        use.complete(step, value, from_cache=from_cache)
        return ToolResult(_tool_text(value), value, tool.result_as_answer)

    async def _fail(
        self, tool: BaseTool | None, name: str, use: ToolUse, error: Exception
    ) -> tuple[ToolResult, ToolExecutionFailedError | None]:
        """Publish what kind of failure it is; return what the model is told, and what the run is to end with."""
        if isinstance(error, ToolExecutionFailedError):
            return ToolResult(""), error
        reason, kind = _REASONS.get(type(error), (ToolFailureReason.EXCEPTION, ToolExecutionErrorEvent))
        await self._driver.emit(self, kind(error=error, error_type=type(error).__name__, **use.common))
        failure = ToolFailure(message=error_text(error), reason=reason, code=type(error).__name__)
        record = await self._note(tool, use, failure)
        refused = None
        if record is not None and self._policy(tool) is ToolFailurePolicy.RAISE:
            refused = ToolExecutionFailedError(record)
            refused.__cause__ = error
        return ToolResult(ToolCallFailed(name if tool is None else tool.name, error).told), refused

    async def _note(self, tool: BaseTool | None, use: ToolUse, failure: ToolFailure) -> ToolFailureRecord | None:
        policy = self._policy(tool)
        if policy is ToolFailurePolicy.IGNORE:
            return None
        arguments = use.common["tool_args"]
        record = ToolFailureRecord(
            tool_name=use.common["tool_name"],
            failure=failure,
            tool_args=arguments if isinstance(arguments, dict) else str(arguments),
            **{name: self._owner.get(name) for name in ("agent_role", "task_name", "task_id")},
        )
        self.failures.append(record)
        event: BaseEvent = ToolFailureDetectedEvent(failure=failure, policy=policy.value, **use.common)
        await self._driver.emit(self, event)
        return record

    def _policy(self, tool: BaseTool | None) -> ToolFailurePolicy:
        return policy_among(tool, *self._policies)

    def _tool(self, name: str) -> BaseTool | None:
        """Return the tool of a name, as the model was told it or as the user wrote it, whatever its case."""
        if name in self.tools:
            return self.tools[name]
        wanted = name.strip().casefold()
        tools = self.tools.values()
        return next((each for each in tools if wanted in (each.name.casefold(), each.function_name.casefold())), None)


#: What a failure is, beside an error of the tool's own work, and the event that says so.
_REASONS: Final[dict[type[Exception], tuple[ToolFailureReason, type[Any]]]] = {
    UnknownToolError: (ToolFailureReason.UNKNOWN_TOOL, ToolSelectionErrorEvent),
    ToolInputError: (ToolFailureReason.INVALID_INPUT, ToolValidateInputErrorEvent),
}


def _tool_text(value: Any) -> str:
    """Return what a model is told of a tool's result: objects and lists as JSON, all else as text."""
    # What can't be JSON, such as a cycle, has been given all the same.
    with suppress(TypeError, ValueError, RecursionError):
        if isinstance(value, BaseModel):
            return model_json(value)
        if isinstance(value, Mapping | list | tuple):
            return json.dumps(value, ensure_ascii=False, default=_json_part)
    return value_text(value)


def _json_part(value: Any) -> Any:
    return json.loads(model_json(value)) if isinstance(value, BaseModel) else value_text(value)
