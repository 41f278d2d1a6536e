"""A flow class made from a declaration."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from harness.errors import UsageError
from harness.flow.conversation.config import ConversationConfig, RouterConfig
from harness.flow.conversation.state import ConversationState
from harness.flow.declarations.actions import Action, ScriptGate, action, allow_scripts, has_script
from harness.flow.declarations.errors import DeclarationProblem, FlowDeclarationError, PartError, part
from harness.flow.declarations.graph import state_of
from harness.flow.declarations.options import options, store
from harness.flow.declarations.options_schema import DeclaredPersistence
from harness.flow.declarations.references import made, referenced_model
from harness.flow.declarations.schema import (
    AllOf,
    DeclaredCondition,
    DeclaredConversation,
    DeclaredFeedback,
    DeclaredMethod,
    DeclaredState,
    FlowDefinition,
)
from harness.flow.declarations.source import DeclarationSource
from harness.flow.declarations.states import RequiredInputs, initial_state, required
from harness.flow.engine.hooks import with_hook
from harness.flow.engine.run import run_of
from harness.flow.feedback.decorator import DEFAULT_LLM, human_feedback
from harness.flow.graph.conditions import and_, or_
from harness.flow.graph.decorators import add_to_role
from harness.flow.graph.definition import graph_of
from harness.flow.persistence.persist import Persist
from harness.flow.state import snapshot
from harness.llm.llm import model_of

C = TypeVar("C", bound=type)
_NO_IDENTIFIER: Final = re.compile(r"\W+")


def declared_class(base: C, declaration: FlowDefinition, source: DeclarationSource) -> C:
    """Return a subclass of a flow class that does what is declared.

    What the class says of its state, and of how it converses, holds before what the declaration does.

    Raises:
        FlowDeclarationError: something that it names is not there, an expression can't be read, or the graph can't run.
        FlowScriptExecutionDisabledError: it has a script, and the environment allows none.
    """
    has_scripts = any(has_script(method.do) for method in declaration.methods.values())
    if has_scripts:
        allow_scripts(declaration.name)
    problems: list[DeclarationProblem] = []

    def read(make: Callable[[], Any], *path: int | str) -> Any:
        """Return what is made of a part; what is wrong with it is told together with all else."""
        try:
            return part(make, *path)
        except (PartError, TypeError) as error:
            problems.append(source.problem(getattr(error, "path", path), str(error)))
            return None

    body: dict[str, Any] = {"name": declaration.name, "declaration": declaration, "__module__": base.__module__}
    for name, method in declaration.methods.items():
        body[name] = read(partial(_method, name, method, source.folder), "methods", name)
    body |= read(lambda: options(declaration.config), "config") or {}
    own: Any = base
    config: ConversationConfig | None = None
    if own.conversational_config is None:
        config = read(lambda: _config(declaration.conversational), "conversational", "router", "response_format")
    state = declaration.state if state_of(own) is None else None
    if state is not None:
        is_transcript = declaration.is_conversational and "state" not in declaration.model_fields_set
        body["initial_state"] = read(lambda: ConversationState if is_transcript else initial_state(state), "state")
    gates = [ScriptGate()] if has_scripts else []
    hooks = read(lambda: [*gates, *_hooks(declaration, state)], "persist")
    if problems:
        raise FlowDeclarationError(source.name, problems)
    cls: Any = type(_NO_IDENTIFIER.sub("_", declaration.name), (base,), body)
    for hook in hooks:
        with_hook(hook)(cls)
    if config is not None:
        config(cls)
    try:
        graph_of(cls)
    except UsageError as error:
        about = str(error).partition(" ")[0].rpartition(".")[2]
        raise source.error(("methods", about), str(error)) from error
    return cast("C", cls)


def _hooks(declaration: FlowDefinition, state: DeclaredState | None) -> Iterator[Any]:
    names = () if state is None else required(state)
    if names:
        yield RequiredInputs(names)
    if declaration.persist is not None and declaration.persist.enabled:
        yield _persist(declaration.persist)


def _method(name: str, declared: DeclaredMethod, folder: Path) -> Callable[..., Any]:
    """Return a method with its place in the graph. Raises PartError."""
    body: Action = part(lambda: action(declared.do, folder), "do")

    # By this name a start is given its payload, where there is one.
    async def method(self: Any, *trigger: Any, **crewai_trigger_payload: Any) -> Any:
        payload = None if declared.start is False else crewai_trigger_payload
        given = {"flow": self, "trigger": trigger, "payload": payload}
        return await body({"state": snapshot(self.state), "outputs": _outputs(self), **given})

    method.__name__ = method.__qualname__ = name
    method.__doc__ = declared.description
    changes: dict[str, Any] = {"is_router": declared.router}
    if declared.start is not False:
        changes |= {"is_start": True}
        changes |= {} if declared.start is True else {"starts_on": _condition(declared.start)}
    if declared.listen is not None:
        changes |= {"listens_to": _condition(declared.listen)}
    if declared.emit is not None:
        changes |= {"emits": tuple(declared.emit)}
    add_to_role(method, **changes)
    if declared.persist is not None:
        with_hook(_persist(declared.persist))(method)
    feedback = declared.human_feedback
    if feedback is not None:
        part(lambda: _decorator(feedback), "human_feedback")(method)
    return method


def _decorator(feedback: DeclaredFeedback) -> Callable[..., Any]:
    return human_feedback(
        feedback.message,
        emit=feedback.emit,
        llm=model_of(feedback.llm) if isinstance(feedback.llm, dict) else feedback.llm or DEFAULT_LLM,
        default_outcome=feedback.default_outcome,
        metadata=feedback.metadata,
        provider=None if feedback.provider is None else made(feedback.provider.ref),
        learn=feedback.learn,
    )


def _outputs(flow: Any) -> dict[str, Any]:
    """Return what each method has given last; where an answer to that chose the way, the answer, which holds it."""
    run = run_of(flow)
    outputs = {} if run is None else run.plan.latest
    answers = {answer.method_name: answer for answer in flow.human_feedback_history if answer.outcome is not None}
    return {**outputs, **{name: answers[name] for name in outputs.keys() & answers.keys()}}


def _condition(declared: DeclaredCondition | bool) -> Any:
    if isinstance(declared, str | bool):
        return str(declared)
    if isinstance(declared, AllOf):
        return and_(*map(_condition, declared.all_of))
    return or_(*map(_condition, declared.any_of))


def _config(declared: DeclaredConversation | None) -> ConversationConfig | None:
    """Return how the flow converses; None where it does not. Raises UsageError."""
    if declared is None or not declared.enabled:
        return None
    options = declared.model_dump(
        exclude_unset=True, exclude={"enabled", "router", "builtin_routes", "internal_routes"}
    )
    if declared.router is not None:
        router = declared.router.model_dump(exclude_unset=True)
        if declared.router.response_format is not None:
            router["response_format"] = referenced_model(declared.router.response_format.ref)
        options["router"] = RouterConfig(**router)
    return ConversationConfig(**options)


class _Unsaved(Persist):
    """Keeps one method out of what its class says of saving."""

    async def method_done(self, *args: Any) -> None:
        """Save nothing."""


def _persist(declared: DeclaredPersistence) -> Persist:
    return (Persist if declared.enabled else _Unsaved)(store(declared.persistence), verbose=declared.verbose)
