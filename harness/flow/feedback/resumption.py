"""A run that goes on once a human has answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.bus.scope import current_run
from harness.errors import UsageError
from harness.flow.engine.hooks import FlowHook
from harness.flow.engine.run import FlowRun
from harness.flow.feedback.answer import Answer, answer_given
from harness.flow.feedback.keeper import kept, let_go, restore
from harness.flow.feedback.pending import PendingFeedbackContext
from harness.flow.persistence.persist import place_of
from harness.flow.persistence.protocol import StorageFailures
from harness.flow.plan.calls import MethodCall
from harness.flow.state import id_of, with_saved
from harness.workers import outcome_in_thread


class Resumption(FlowHook):
    """Begins one run where another waits, and gives the call that waits its answer.

    What is kept of the run that waits is cleared once this one has come to its end: one that fails, or is closed, can be
    resumed again.
    """

    works_without_loop = True

    def __init__(self, context: PendingFeedbackContext, feedback: str) -> None:
        #: What the run waits with.
        self.context = context
        self._answer: Answer | None = Answer(feedback, context)
        self._detach: Callable[[], None] | None = None

    async def before_flow(self, run: FlowRun) -> None:
        """Restore the plan, and the state, where the flow has another one by now, or others have gone on with it.

        Raises:
            UsageError: another run has the answer already.
        """
        if run.flow._flow_pending is not self.context:
            raise UsageError(
                "this flow does not wait for this feedback any more: another run goes on with what it was given"
            )
        flow, around = run.flow, current_run()
        flow._flow_pending = None
        if around is not None:
            self._detach = around.on_cancel(lambda: self._wait_on(flow))
        try:
            restore(run, self.context)
            state = (await outcome_in_thread(lambda: self._newer_state(run), run.threads)).unwrap()
            if state is not None:
                run.state = with_saved(run.state, state, run.name)
        except BaseException:
            self._wait_on(flow)
            raise

    def _newer_state(self, run: FlowRun) -> dict[str, Any] | None:
        flow_uuid, place = self.context.flow_id, place_of(run.flow)
        if id_of(run.state) == flow_uuid:
            with StorageFailures("Loading a state"):
                since: dict[str, Any] | None = run.flow._flow_saved_since(flow_uuid, run.state, place)
            return since
        found = kept(run.flow, flow_uuid, place)
        return None if found is None else found[0]

    def before_method(self, run: FlowRun, call: MethodCall) -> None:
        """Leave the answer where the method's own hook finds it."""
        context = self.context
        # Without a plan its call has an id of another one.
        waits = context.plan is None or context.call_id in (None, call.id)
        if call.was_paused and call.method.name == context.method_name and waits:
            answer_given.set(self._answer)
            self._answer = None

    async def flow_ended(self, run: FlowRun, result: Any, error: BaseException | None) -> None:
        """Let go of what was kept, or, after a failure, have it wait on."""
        if self._detach is not None:
            self._detach()
        if error is not None:
            self._wait_on(run.flow)
        elif run.pause is None:
            clearing = await outcome_in_thread(lambda: let_go(run.flow, self.context.flow_id), run.threads)
            if clearing.error is not None:
                self._wait_on(run.flow)
            clearing.unwrap()

    def _wait_on(self, flow: Any) -> None:
        flow._flow_pending = self.context
