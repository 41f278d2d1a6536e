"""What a declared method does: a coroutine that is made from its `do` when the flow is, and checked then."""

from __future__ import annotations

import ast
import inspect
import os
import weakref
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

from harness.annotations import signature_of
from harness.bus import bus
from harness.errors import UsageError
from harness.events import ToolFailureDetectedEvent
from harness.flow.declarations.crew_schema import AgentCall, CrewCall
from harness.flow.declarations.errors import FlowScriptExecutionDisabledError, part
from harness.flow.declarations.references import made, referenced
from harness.flow.declarations.schema import (
    Call,
    CodeCall,
    DeclaredToolCall,
    EachCall,
    EachStep,
    ExpressionCall,
    ScriptCall,
    SimpleCall,
)
from harness.flow.declarations.templates import Rendered, expression, template
from harness.flow.engine.hooks import FlowHook
from harness.flow.engine.run import FlowRun, run_of
from harness.flow.graph.definition import TRIGGER_PAYLOAD
from harness.flow.plan.plan import Plan
from harness.tools import BaseTool, ToolExecutionFailedError, ToolFailure, ToolFailurePolicy, ToolFailureRecord
from harness.workers import in_thread

#: The names that an expression may speak of, `item` within `each` alone; and the flow, what triggered the
#: method, and, in a start, what triggered the flow.
Scope: TypeAlias = Mapping[str, Any]
Action: TypeAlias = Callable[[Scope], Awaitable[Any]]
#: Set to 1, it lets declared flows run the Python that stands in them.
SCRIPTS_ALLOWED: Final = "CREWAI_ALLOW_FLOW_SCRIPT_EXECUTION"
_YES: Final = frozenset({"1", "true", "yes"})
_ROOTS: Final = frozenset({"state", "outputs"})
_IN_EACH: Final = _ROOTS | {"item"}
_BY_PLACE: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def action(call: Call, folder: Path) -> Action:
    """Return what a method does; files that it names are looked for in `folder`. Raises PartError."""
    return _each(call, folder) if isinstance(call, EachCall) else _simple(call, _ROOTS, (), folder)


def has_script(call: Call) -> bool:
    """Return whether a call runs Python that stands in the declaration."""
    calls = [step.action for step in call.steps] if isinstance(call, EachCall) else [call]
    return any(isinstance(inner, ScriptCall) for inner in calls)


class ScriptGate(FlowHook):
    """Lets no run begin that has a script, unless the environment allows it."""

    def before_flow(self, run: FlowRun) -> None:
        """Look at the environment as it is now, before anything is run or published."""
        allow_scripts(run.name)


def allow_scripts(name: str) -> None:
    """Let a flow pass that has a script.

    Raises:
        FlowScriptExecutionDisabledError: the environment does not allow that.
    """
    if os.environ.get(SCRIPTS_ALLOWED, "").strip().lower() not in _YES:
        raise FlowScriptExecutionDisabledError(
            f"{name} runs Python that stands in its declaration; set {SCRIPTS_ALLOWED}=1 to allow that"
        )


def _simple(call: SimpleCall, roots: frozenset[str], path: tuple[int | str, ...], folder: Path) -> Action:
    match call:
        case CrewCall() | AgentCall():
            # Late: most flows run no crew.
            from harness.flow.declarations.crews import agent_action, crew_action

            if isinstance(call, AgentCall):
                return part(lambda: agent_action(call, roots), *path)
            return part(lambda: crew_action(call, roots, folder), *path)
        case ExpressionCall(expr=text):
            read = part(lambda: expression(text, roots), *path, "expr")

            async def evaluate(scope: Scope) -> Any:
                return read.value(scope)

            return evaluate
        case ScriptCall(code=code):
            script = part(lambda: _script(code), *path, "code")
            return lambda scope: _called(script, _script_scope(scope))
        case CodeCall():
            return _code(call, roots, path)
        case DeclaredToolCall(ref=ref):
            tool = part(lambda: _Tool(ref), *path, "ref")
            values = part(lambda: template(call.arguments, roots), *path, "with")
            return lambda scope: tool.used(values(scope), scope["flow"])


def _code(call: CodeCall, roots: frozenset[str], path: tuple[int | str, ...]) -> Action:
    ref = call.ref
    function = part(lambda: _callable(referenced(ref), ref), *path, "ref")
    arguments = part(lambda: template(call.arguments or {}, roots), *path, "with")
    named = _parameters(function)
    others = [parameter for parameter in named if parameter.name != TRIGGER_PAYLOAD]
    leads, leads_of_start = _leads(named, call.arguments), _leads(others, call.arguments)

    def perform(scope: Scope) -> Awaitable[Any]:
        payload = scope["payload"]
        if payload is None or others == named:
            return _called(function, arguments(scope), leads(scope))
        return _called(function, {**payload, **arguments(scope)}, leads_of_start(scope))

    return perform


def _each(call: EachCall, folder: Path) -> Action:
    items: Rendered
    if isinstance(call.items, str):
        text = call.items
        items = part(lambda: expression(text, _ROOTS), "in").value
    else:
        items = part(lambda: template(call.items, _ROOTS), "in")
    steps = [(step.name, *_step(step, ("do", number), folder)) for number, step in enumerate(call.steps)]

    async def perform(scope: Scope) -> list[Any]:
        values = items(scope)
        if not isinstance(values, list):
            raise UsageError(f"each goes through a list, and {call.items!r} is {values!r}")
        results = []
        for item in values:
            own: dict[str, Any] = {**scope, "item": item, "outputs": dict(scope["outputs"])}
            last = None
            for name, wanted, inner in steps:
                if wanted(own):
                    last = own["outputs"][name] = await inner(own)
            results.append(last)
        return results

    return perform


def _step(step: EachStep, path: tuple[int | str, ...], folder: Path) -> tuple[Callable[[Scope], bool], Action]:
    inner = _simple(step.action, _IN_EACH, (*path, "action"), folder)
    text = step.condition
    if text is None:
        return (lambda scope: True), inner
    read = part(lambda: expression(text, _IN_EACH), *path, "if")

    def wanted(scope: Scope) -> bool:
        value = read.value(scope)
        if not isinstance(value, bool):
            raise UsageError(f"the condition {text!r} of the step {step.name!r} is true or false, not {value!r}")
        return value

    return wanted, inner


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the parameters of a function; none of a class or a builtin that does not say."""
    try:
        return list(signature_of(function).parameters.values())
    except (TypeError, ValueError):
        return []


def _leads(
    parameters: list[inspect.Parameter], arguments: Mapping[str, Any] | None
) -> Callable[[Scope], tuple[Any, ...]]:
    """Return what makes the arguments of a function that come before those that are declared."""
    by_place = [parameter for parameter in parameters if parameter.kind in _BY_PLACE]
    first = parameters[0] if parameters else None
    if first not in by_place or first.default is not first.empty or first.name in (arguments or ()):
        return lambda scope: ()
    takes_any = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters)
    if arguments is None and (takes_any or len(by_place) > 1):
        return lambda scope: (scope["flow"], *scope["trigger"])
    return lambda scope: (scope["flow"],)


async def _called(function: Callable[..., Any], arguments: Mapping[str, Any], leads: tuple[Any, ...] = ()) -> Any:
    """Return what a function gives, which works in a thread unless it is a coroutine function."""
    if inspect.iscoroutinefunction(function):
        return await function(*leads, **arguments)
    value = await in_thread(lambda: function(*leads, **arguments))
    return await value if inspect.isawaitable(value) else value


def _callable(found: Any, ref: str) -> Callable[..., Any]:
    if not callable(found):
        raise UsageError(f"{ref!r} is no function, but {type(found).__name__}")
    return found  # type: ignore[no-any-return]


class _Tool:
    """A tool that a method uses. How often it may be used counts for each run."""

    def __init__(self, ref: str) -> None:
        self._tool = made(ref)
        _callable(_run_of(self._tool), ref)
        #: By the plan of a run, a tool like it, which has that run's count.
        self._counted: weakref.WeakKeyDictionary[Plan, BaseTool] = weakref.WeakKeyDictionary()

    async def used(self, arguments: Mapping[str, Any], flow: Any) -> Any:
        """Return what the tool gives.

        Raises:
            ToolExecutionFailedError: that is a `ToolFailure`, and the tool has no policy of its own, or `raise`.
        """
        tool = self._of_run(run_of(flow))
        value = await _called(_run_of(tool), arguments)
        policy = getattr(tool, "tool_failure_policy", None) or ToolFailurePolicy.RAISE
        if not isinstance(value, ToolFailure) or policy is ToolFailurePolicy.IGNORE:
            return value
        use: dict[str, Any] = {
            "tool_name": str(getattr(tool, "name", type(tool).__name__)),
            "tool_args": dict(arguments),
        }
        await bus.aemit(flow, ToolFailureDetectedEvent(failure=value, policy=policy.value, **use))
        if policy is ToolFailurePolicy.RAISE:
            raise ToolExecutionFailedError(ToolFailureRecord(failure=value, **use))
        return value

    def _of_run(self, run: FlowRun | None) -> Any:
        tool = self._tool
        if run is None or not isinstance(tool, BaseTool) or tool.max_usage_count is None:
            return tool
        return self._counted.setdefault(run.plan, tool.model_copy(update={"current_usage_count": 0}))


def _run_of(tool: Any) -> Any:
    return getattr(tool, "run", tool)


def _script_scope(scope: Scope) -> dict[str, Any]:
    """Return what a script is given: the state itself, what the methods gave, what triggered its own, and the item."""
    trigger = scope["trigger"]
    return {
        "state": scope["flow"].state,
        "outputs": scope["outputs"],
        "input": trigger[0] if trigger else None,
        "item": scope.get("item"),
    }


def _script(code: str) -> Callable[..., Any]:
    names: dict[str, Any] = {}
    try:
        module = ast.parse("def script(state, outputs, input, item): pass", "<script>")
        body = ast.parse(code, "<script>").body
        # As a tree: what a text of more than one line holds stays as it is.
        cast("ast.FunctionDef", module.body[0]).body[:] = body or [ast.Pass(lineno=1, col_offset=0)]
        # Only a ScriptGate lets a run come to it.
        exec(compile(module, "<script>", "exec"), names)  # noqa: S102
    except (SyntaxError, ValueError) as error:
        raise UsageError(
            f"the script can't be read: {error.args[0]}, in its line {getattr(error, 'lineno', None) or 1}"
        ) from error
    return names["script"]  # type: ignore[no-any-return]
