"""`@human_feedback`: a human says what they think of what a method gave, and the flow goes on by that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from harness.errors import UsageError
from harness.flow.engine.hooks import with_hook
from harness.flow.feedback.providers import HumanFeedbackProvider
from harness.flow.graph.decorators import add_to_role, refuse_bare
from harness.flow.graph.labels import several
from harness.flow.options import check_method

F = TypeVar("F", bound=Callable[..., Any])
#: What chooses outcomes where nothing else is given.
DEFAULT_LLM: Final = "gpt-5.4-mini"


def human_feedback(
    message: str,
    emit: Iterable[str] | str | None = None,
    llm: Any = DEFAULT_LLM,
    default_outcome: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    provider: HumanFeedbackProvider | None = None,
    learn: bool = False,
    learn_source: str = "hitl",
    learn_strict: bool = False,
) -> Callable[[F], F]:
    """Return a decorator, beside `start` or `listen`: after each call a human is asked what they think of the output.

    With `emit` the answer comes to one of these outcomes, chosen by `llm`, a model's name or an LLM; the method routes by
    it as a router does, and listeners of the outcome get the `HumanFeedbackResult`, while the output stays the method's.
    No answer at all comes to `default_outcome`, or to the first. Without `emit` the `HumanFeedbackResult` takes the
    place of the output. `provider` asks; else the one in `flow_config`, else the terminal. One whose answer comes later
    raises `HumanFeedbackPending`: the run is kept, and goes on by `Flow.from_pending(…).resume(…)`.
    Nothing is learned from answers: that takes a memory, which is outside of this project, so that `learn` is refused and
    `learn_source` and `learn_strict` have nothing to say.

    Raises:
        UsageError: `emit` without `llm` or without outcomes; a `default_outcome` that is none of `emit`; `learn`; an `llm`
            that is no model, or a `provider` that can't be asked; a method as `message`, where parentheses are missing.
    """
    refuse_bare(human_feedback, message)
    if not isinstance(llm, str):
        check_method("llm of human_feedback", llm, "call", "a model's name or an LLM")
    asks = "an object with request_feedback(context, flow)"
    check_method("provider of human_feedback", provider, "request_feedback", asks)
    outcomes = None if emit is None else several(emit)
    if outcomes is not None and not outcomes:
        raise UsageError("human_feedback(emit=…) needs at least one outcome")
    if outcomes is not None and not llm:
        raise UsageError("llm is required when emit is specified: a model's name or an LLM, which chooses the outcome")
    if default_outcome is not None and default_outcome not in (outcomes or ()):
        among = f"one of emit, {', '.join(outcomes)}" if outcomes else "one of emit, and emit is not specified"
        raise UsageError(f"default_outcome {default_outcome!r} must be {among}")
    if learn:
        raise UsageError(
            "human_feedback(learn=True) needs a memory that outlives runs, which is outside of this project: leave learn out, "
            "and have the method read what was said before from human_feedback_history, or from where you keep it"
        )
    # Late: it brings what calls models.
    from harness.flow.feedback.hook import FeedbackHook

    hook = FeedbackHook(message, outcomes, llm, default_outcome, dict(metadata or {}), provider)

    def decorate(function: F) -> F:
        if outcomes is not None:
            add_to_role(function, is_router=True, emits=outcomes)
        return with_hook(hook)(function)

    return decorate
