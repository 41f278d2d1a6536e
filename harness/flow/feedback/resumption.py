"""A run that goes on once a human has answered."""

from __future__ import annotations

from typing import Any

from harness.errors import RunPaused
from harness.flow.engine.hooks import FlowHook
from harness.flow.engine.run import FlowRun
from harness.flow.feedback.answer import Answer, answer_given
from harness.flow.feedback.keeper import place_of, restore
from harness.flow.feedback.pending import PendingFeedbackContext
from harness.flow.plan.calls import MethodCall
from harness.workers import outcome_in_thread


class Resumption(FlowHook):
    """Begins one run where another waits, and gives the call that waits its answer.

    What is kept of the run that waits is cleared once this one has come to its end: one that fails can be resumed again.
    """

    works_without_loop = True

    def __init__(self, context: PendingFeedbackContext, feedback: str) -> None:
        self._context = context
        self._answer: Answer | None = Answer(feedback, context)

    def before_flow(self, run: FlowRun) -> None:
        """Restore the plan. The state is the flow's already."""
        run.flow._pending = None
        restore(run, self._context)

    def before_method(self, run: FlowRun, call: MethodCall) -> None:
        """Leave the answer where the method's own hook finds it."""
        if call.was_paused and call.method.name == self._context.method_name:
            answer_given.set(self._answer)
            self._answer = None

    async def flow_ended(self, run: FlowRun, result: Any, error: BaseException | None) -> None:
        """Let go of what was kept, or, after a failure, have it wait on."""
        if error is not None:
            run.flow._pending = self._context
        elif not isinstance(result, RunPaused):
            flow_uuid, place = self._context.flow_id, place_of(run.flow)
            (await outcome_in_thread(lambda: place.clear_pending_feedback(flow_uuid), run.threads)).unwrap()
