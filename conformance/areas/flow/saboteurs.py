"""Saboteurs of the clauses `flow.*`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from conformance.proof.saboteur import Saboteur
from harness.flow import HumanFeedbackPending, MethodResult

_ACCEPT: Final = "harness.frames.timeline:Timeline.accept"
_RUN: Final = "harness.flow.flow:Flow._run"
_RESTORE_STEP: Final = "harness.flow.checkpoints.restore:Step"


def _untold(*types: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def breaks(accept: Callable[..., None]) -> Callable[..., None]:
        def broken(timeline: Any, source: Any, event: Any, scope: Any) -> None:
            if event.type not in types:
                accept(timeline, source, event, scope)

        return broken

    return breaks


def _raised(run: Callable[..., Any]) -> Callable[..., Any]:
    async def broken(flow: Any, *args: Any) -> Any:
        value = await run(flow, *args)
        if isinstance(value, HumanFeedbackPending):
            raise value
        return value

    return broken


def _forgotten(run: Callable[..., Any]) -> Callable[..., Any]:
    async def broken(flow: Any, *args: Any) -> Any:
        value = await run(flow, *args)
        return None if isinstance(value, HumanFeedbackPending) else value

    return broken


def _as_failure(pause: Callable[..., Any]) -> Callable[..., Any]:
    def broken(step: Any, run: Any, call: Any, paused: Any) -> Any:
        return pause(step, run, call, paused) if step.scope.kind == "method" else step.fail(paused)

    return broken


def _from_the_beginning(restore: Callable[..., None]) -> Callable[..., None]:
    """Restore nothing: what comes is a new run."""

    def broken(run: Any, context: Any) -> None:
        return None

    return broken


def _run_again(before_method: Callable[..., Any]) -> Callable[..., Any]:
    async def broken(hook: Any, run: Any, call: Any) -> MethodResult | None:
        result: MethodResult | None = before_method(hook, run, call)
        if result is not None:
            again = getattr(run.flow, call.method.name)()
            if hasattr(again, "__await__"):
                await again
        return result

    return broken


def _plainly(resume: Callable[..., Any]) -> Callable[..., Any]:
    def broken(flow: Any, feedback: str = "") -> Any:
        flow.stream = False
        return resume(flow, feedback)

    return broken


def _unkept(keep: Callable[..., None]) -> Callable[..., None]:
    def broken(run: Any, pending: Any) -> None:
        return None

    return broken


def _from_the_start(put_into: Callable[..., Any]) -> Callable[..., Any]:
    def broken(run: Any, checkpoint: Any) -> list[Any]:
        return []

    return broken


def _quietly(step: Any) -> Any:
    return lambda source, started, ends: step(source, started, ends, quiet=True)


def _begun_twice(step: Any) -> Any:
    def broken(source: Any, started: Any, ends: Any) -> Any:
        step(source, type(started)(location=started.location), ends).open()
        return step(source, started, ends)

    return broken


def _restored_plainly(kickoff: Callable[..., Any]) -> Callable[..., Any]:
    def broken(flow: Any, inputs: Any = None, **options: Any) -> Any:
        if options.get("from_checkpoint") is not None:
            flow.stream = False
        return kickoff(flow, inputs, **options)

    return broken


def _awaited_plainly(kickoff_async: Callable[..., Any]) -> Callable[..., Any]:
    async def broken(flow: Any, inputs: Any = None, **options: Any) -> Any:
        if options.get("from_checkpoint") is not None:
            flow.stream = False
        return await kickoff_async(flow, inputs, **options)

    return broken


def _unread(run: Callable[..., Any]) -> Callable[..., Any]:
    async def broken(flow: Any, kickoff: Any, *args: Any) -> Any:
        if kickoff.from_checkpoint is not None:
            return flow._session(kickoff)
        return await run(flow, kickoff, *args)

    return broken


def _always_the_first(choose_outcome: Callable[..., Any]) -> Callable[..., Any]:
    async def broken(message: str, feedback: str, outcomes: Any, *rest: Any) -> Any:
        return outcomes[0]

    return broken


def _without_plan(to_dict: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    return lambda context: {**to_dict(context), "plan": None}


def _first_branch(put_into: Callable[..., Any]) -> Callable[..., Any]:
    def broken(run: Any, checkpoint: Any) -> Any:
        values = put_into(run, checkpoint)
        calls = run.plan._state.calls
        for number in list(calls)[1:]:
            del calls[number]
        return values

    return broken


SABOTEURS: tuple[Saboteur, ...] = (
    Saboteur(
        "asks-quietly",
        ("flow.feedback-frames",),
        _ACCEPT,
        _untold("human_feedback_requested"),
        {"order.previous-earlier": "what comes next names it as the one before"},
    ),
    Saboteur("hears-quietly", ("flow.feedback-frames",), _ACCEPT, _untold("human_feedback_received")),
    Saboteur(
        "input-untold", ("flow.feedback-frames",), _ACCEPT, _untold("flow_input_requested", "flow_input_received")
    ),
    Saboteur(
        "pending-raised",
        ("flow.pending",),
        _RUN,
        _raised,
        {"error.frames-first": "the flow has paused, and no frame tells of a failure"},
    ),
    Saboteur("pending-forgotten", ("flow.pending",), _RUN, _forgotten),
    Saboteur("pause-as-failure", ("flow.pending",), "harness.flow.engine.steps:pause", _as_failure),
    Saboteur("waiting-unkept", ("flow.pending",), "harness.flow.feedback.hook:keep", _unkept),
    Saboteur(
        "resumed-from-the-beginning",
        ("flow.pending",),
        "harness.flow.feedback.resumption:restore",
        _from_the_beginning,
        {"flow.feedback-frames": "it asks again, and the answer is that of nobody"},
    ),
    Saboteur(
        "method-run-again", ("flow.pending",), "harness.flow.feedback.hook:FeedbackHook.before_method", _run_again
    ),
    Saboteur("resumed-plainly", ("flow.pending",), "harness.flow.feedback.answerable:AnswerableFlow.resume", _plainly),
    Saboteur(
        "first-outcome-always",
        ("flow.feedback-frames", "flow.pending"),
        "harness.flow.feedback.hook:choose_outcome",
        _always_the_first,
        {"result.value": "the flow goes on by another outcome than the one that was chosen"},
    ),
    Saboteur(
        "plan-left-behind",
        ("flow.pending",),
        "harness.flow.feedback.pending:PendingFeedbackContext.to_dict",
        _without_plan,
    ),
    Saboteur(
        "one-branch-restored",
        ("flow.checkpoint",),
        "harness.flow.checkpoints.restore:put_into",
        _first_branch,
        shown_by=("restore/branches/sync", "restore/branches/async"),
    ),
    Saboteur(
        "all-run-again",
        ("flow.checkpoint",),
        "harness.flow.checkpoints.restore:put_into",
        _from_the_start,
        {"entry.kwargs": "what comes with a checkpoint is not put into a run that begins anew"},
    ),
    Saboteur("restored-quietly", ("flow.checkpoint",), _RESTORE_STEP, _quietly),
    Saboteur(
        "restore-left-open",
        ("flow.checkpoint",),
        _RESTORE_STEP,
        _begun_twice,
        {"order.scope-nesting": "the restore that was begun first is never closed"},
    ),
    Saboteur("restored-plainly", ("flow.checkpoint",), "harness.flow.flow:Flow.kickoff", _restored_plainly),
    Saboteur(
        "restored-plainly-in-a-loop", ("flow.checkpoint",), "harness.flow.flow:Flow.kickoff_async", _awaited_plainly
    ),
    Saboteur(
        "restored-and-unread",
        ("flow.checkpoint",),
        _RUN,
        _unread,
        perhaps={"entry.kwargs": "inputs that come with a checkpoint go into a run that nobody reads"},
    ),
)
