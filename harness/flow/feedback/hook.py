"""A human's part in a method: asked about its output, at once or later, and the answer put in its place."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

from harness import events
from harness.bus import bus
from harness.errors import RunPaused
from harness.flow.engine.hooks import FlowHook
from harness.flow.engine.run import FlowRun
from harness.flow.feedback.answer import Answer, answer_given
from harness.flow.feedback.keeper import keep, let_go
from harness.flow.feedback.outcome import choose_outcome
from harness.flow.feedback.pending import HumanFeedbackPending, PendingFeedbackContext
from harness.flow.feedback.providers import HumanFeedbackProvider, flow_config, given_or_console
from harness.flow.feedback.result import HumanFeedbackResult
from harness.flow.plan.calls import MethodCall, MethodResult
from harness.flow.state import id_of
from harness.llm import BaseLLM
from harness.workers import outcome_in_thread


@dataclass(frozen=True, slots=True, eq=False)
class FeedbackHook(FlowHook):
    """Has a human asked after each call of a method; see `human_feedback`, which gives it its parts."""

    message: str
    emit: tuple[str, ...] | None
    llm: Any
    default_outcome: str | None
    metadata: Mapping[str, Any]
    provider: HumanFeedbackProvider | None

    def before_method(self, run: FlowRun, call: MethodCall) -> MethodResult | None:
        """Let a method that has paused not run again: what it gave has been kept."""
        return MethodResult(call.output) if call.was_paused else None

    async def after_method(self, run: FlowRun, call: MethodCall, result: MethodResult) -> MethodResult:
        """Return what the answer makes of the result: with outcomes a route, else the answer itself."""
        answer, place = answer_given.get(), self._place(call)
        if answer is not None and place < answer.context.answered:
            # It is in the result.
            return result
        if answer is None or place > answer.context.answered:
            answer = await self._request_answer(run, call, result.output)
        outcome = None
        if self.emit is not None:
            outcome = await choose_outcome(self.message, answer.feedback, self.emit, self.llm, self.default_outcome)
        received = events.HumanFeedbackReceivedEvent(
            flow_name=run.name,
            method_name=call.method.name,
            feedback=answer.feedback,
            outcome=outcome,
            request_id=answer.context.request_id,
        )
        await bus.aemit(run.flow, received)
        feedback = HumanFeedbackResult(
            output=result.output,
            feedback=answer.feedback,
            outcome=outcome,
            method_name=call.method.name,
            metadata=dict(self.metadata),
        )
        run.flow.human_feedback_history.append(feedback)
        if outcome is None:
            return MethodResult(feedback)
        return MethodResult(result.output, label=outcome, routed=feedback)

    async def _request_answer(self, run: FlowRun, call: MethodCall, output: Any) -> Answer:
        """Have the provider ask, and say so in the run (clause `flow.feedback-frames`)."""
        context = self._context(run, call, output)
        requested = events.HumanFeedbackRequestedEvent(
            flow_name=run.name,
            method_name=call.method.name,
            output=output,
            message=self.message,
            emit=context.emit,
            request_id=context.request_id,
        )
        await bus.aemit(run.flow, requested)
        provider = given_or_console(self.provider, flow_config.hitl_provider)
        asking = await outcome_in_thread(lambda: provider.request_feedback(context, run.flow), run.threads)
        answer: Any = asking.unwrap()
        if isinstance(answer, Awaitable):
            answer = await answer
        # No answer says nothing.
        return Answer("" if answer is None else str(answer), context)

    async def method_done(self, run: FlowRun, call: MethodCall, result: MethodResult) -> None:
        """Let go of what was kept of a pause, where a run that goes on from a checkpoint has asked again."""
        # What is resumed waits on until its run has ended, and so does what another branch goes on from.
        if not call.was_paused or answer_given.get() is not None or run.kickoff.branch is not None:
            return
        await self._let_go(run)

    def _place(self, call: MethodCall) -> int:
        """Return how many others are asked about the method before."""
        return [hook for hook in call.method.role.hooks if isinstance(hook, FeedbackHook)].index(self)

    def _context(self, run: FlowRun, call: MethodCall, output: Any) -> PendingFeedbackContext:
        cls = type(run.flow)
        return PendingFeedbackContext(
            flow_id=id_of(run.state),
            flow_class=f"{cls.__module__}.{cls.__qualname__}",
            method_name=call.method.name,
            method_output=output,
            message=self.message,
            emit=None if self.emit is None else list(self.emit),
            default_outcome=self.default_outcome,
            metadata=dict(self.metadata),
            llm=_llm_reference(self.llm),
            request_id=uuid.uuid4().hex,
            call_id=call.id,
            branch=run.kickoff.branch,
            answered=self._place(call),
        )

    def method_paused(self, run: FlowRun, call: MethodCall, pause: RunPaused) -> None:
        """Become the one that keeps the run, should it be this pause that it ends with."""
        if isinstance(pause, HumanFeedbackPending):
            pause.keeper = self

    async def flow_ended(self, run: FlowRun, result: Any, error: BaseException | None) -> None:
        """Keep a run that waits for the answer to this hook; let go of one that has come to its end by its checkpoints.

        That may have been answered in a run before, which was stopped.
        """
        if run.pause is None:
            if error is None and run.kickoff.resume and run.plan.is_restored:
                await self._let_go(run)
        elif isinstance(result, HumanFeedbackPending) and result.keeper is self:
            (await outcome_in_thread(lambda: keep(run, result), run.threads)).unwrap()

    async def _let_go(self, run: FlowRun) -> None:
        run.flow._flow_pending = None
        (await outcome_in_thread(lambda: let_go(run.flow, id_of(run.state)), run.threads)).unwrap()


def _llm_reference(llm: Any) -> dict[str, Any] | str | None:
    """Return what chooses the outcome as plain data without credentials: its name alone where it has no settings."""
    if not isinstance(llm, BaseLLM):
        return llm if isinstance(llm, str) else None
    config = llm.to_config_dict()
    return config if len(config) > 1 else str(config["model"])
