"""Saboteurs of the clauses `flow.*`."""

from __future__ import annotations

from typing import Any, Final

from conformance.proof.frames import ACCEPT, hiding
from conformance.proof.saboteur import Saboteurs, changing, constant, passing, replacing
from harness.flow import HumanFeedbackPending, MethodResult

SABOTEURS: Final = Saboteurs()

_RUN: Final = "harness.flow.flow:Flow._flow_run"
_RESTORE_STEP: Final = "harness.flow.checkpoints.restore:Step"


@replacing
def _restored_plainly(kickoff: Any, flow: Any, inputs: Any = None, **options: Any) -> Any:
    if options.get("from_checkpoint") is not None:
        flow.stream = False
    return kickoff(flow, inputs, **options)


SABOTEURS.add(
    "asks-quietly",
    "flow.feedback-frames",
    ACCEPT,
    hiding("human_feedback_requested"),
    {"order.previous-earlier": "what comes next names it as the one before"},
)
SABOTEURS.add("hears-quietly", "flow.feedback-frames", ACCEPT, hiding("human_feedback_received"))
SABOTEURS.add("input-untold", "flow.feedback-frames", ACCEPT, hiding("flow_input_requested", "flow_input_received"))


@SABOTEURS.row("flow.pending", _RUN, {"turn.pending": "a turn that waits is one"})
async def pending_forgotten(run: Any, flow: Any, *args: Any) -> Any:
    value = await run(flow, *args)
    return None if isinstance(value, HumanFeedbackPending) else value


@SABOTEURS.row("flow.pending", "harness.flow.engine.steps:pause", {"turn.pending": "a turn that waits is one"})
def pause_as_failure(pause: Any, step: Any, run: Any, call: Any, paused: Any) -> Any:
    return pause(step, run, call, paused) if step.scope.kind == "method" else step.fail(paused)


SABOTEURS.add("waiting-unkept", "flow.pending", "harness.flow.feedback.hook:keep", constant(None))
SABOTEURS.add(
    "resumed-from-the-beginning",
    "flow.pending",
    "harness.flow.feedback.resumption:restore",
    constant(None),
    {"flow.feedback-frames": "it asks again, and the answer is that of nobody"},
)


@SABOTEURS.row("flow.pending", "harness.flow.feedback.hook:FeedbackHook.before_method")
async def method_run_again(before_method: Any, hook: Any, run: Any, call: Any) -> MethodResult | None:
    result: MethodResult | None = before_method(hook, run, call)
    if result is not None:
        again = getattr(run.flow, call.method.name)()
        if hasattr(again, "__await__"):
            await again
    return result


@SABOTEURS.row("flow.pending", "harness.flow.feedback.answerable:AnswerableFlow.resume")
def resumed_plainly(resume: Any, flow: Any, feedback: str = "") -> Any:
    flow.stream = False
    return resume(flow, feedback)


@SABOTEURS.row(
    "flow.feedback-frames flow.pending",
    "harness.flow.feedback.hook:choose_outcome",
    {"result.value": "the flow goes on by another outcome than the one that was chosen"},
)
async def first_outcome_always(choose_outcome: Any, message: str, feedback: str, outcomes: Any, *rest: Any) -> Any:
    return outcomes[0]


SABOTEURS.add(
    "plan-left-behind",
    "flow.pending",
    "harness.flow.feedback.pending:PendingFeedbackContext.to_dict",
    changing(lambda context: {**context, "plan": None}),
)


@SABOTEURS.row("flow.checkpoint", "harness.flow.checkpoints.restore:put_into", at="restore/branches/*")
def one_branch_restored(put_into: Any, run: Any, checkpoint: Any) -> Any:
    values = put_into(run, checkpoint)
    calls = run.plan._state.calls
    for number in list(calls)[1:]:
        del calls[number]
    return values


SABOTEURS.add(
    "all-run-again",
    "flow.checkpoint",
    "harness.flow.checkpoints.restore:put_into",
    constant([]),
    {"entry.kwargs": "what comes with a checkpoint is not put into a run that begins anew"},
)
SABOTEURS.add("restored-quietly", "flow.checkpoint", _RESTORE_STEP, passing(quiet=True))


@SABOTEURS.row(
    "flow.checkpoint", _RESTORE_STEP, {"order.scope-nesting": "the restore that was begun first is never closed"}
)
def restore_left_open(step: Any, source: Any, started: Any, ends: Any) -> Any:
    step(source, type(started)(location=started.location), ends).open()
    return step(source, started, ends)


SABOTEURS.add("restored-plainly", "flow.checkpoint", "harness.flow.flow:Flow.kickoff", _restored_plainly)
SABOTEURS.add(
    "restored-plainly-in-a-loop", "flow.checkpoint", "harness.flow.flow:Flow.kickoff_async", _restored_plainly
)


@SABOTEURS.row(
    "flow.checkpoint",
    _RUN,
    also={"session.replay": "what is read again is not what was read"},
    perhaps={"entry.kwargs": "inputs that come with a checkpoint go into a run that nobody reads"},
)
async def restored_and_unread(run: Any, flow: Any, kickoff: Any, *args: Any) -> Any:
    if kickoff.from_checkpoint is not None:
        return flow.stream_events(kickoff.inputs, from_checkpoint=kickoff.from_checkpoint)
    return await run(flow, kickoff, *args)
