"""What a flow has for humans: asking them, and going on with what they have answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from harness.bus.running_loop import is_loop_running
from harness.errors import UsageError
from harness.flow import feedback as humans
from harness.flow.kickoff import Kickoff
from harness.flow.persistence.protocol import FlowPersistence
from harness.flow.startable import StartableFlow
from harness.flow.state import AnyState, with_saved


class AnswerableFlow(StartableFlow):
    """The part of a flow that humans answer to."""

    #: Whom `ask` asks; None for the one in `flow_config`, else the terminal.
    input_provider: humans.InputProvider | None = None
    #: The answers that methods of this flow object have had, in their order.
    human_feedback_history: list[humans.HumanFeedbackResult]
    _flow_pending: humans.PendingFeedbackContext | None = None
    _input_history: list[dict[str, Any]]

    if TYPE_CHECKING:
        persistence: FlowPersistence | None
        _flow_kept_ids: set[str]

        def __init__(self, *, persistence: FlowPersistence | None = None, **options: Any) -> None: ...

        def _flow_saved_since(self, flow_id: str, state: AnyState, place: FlowPersistence) -> dict[str, Any] | None: ...

    def ask(self, message: str, timeout: float | None = None, metadata: dict[str, Any] | None = None) -> str | None:
        """Return what somebody answers to `message`, in a method of this flow; blocks until then, or `timeout` seconds.

        None means no answer: none in time, none by the provider, or that it failed. An empty text is an answer. The
        state is saved first, where the flow has a persistence, and when the run ends. In an async method it blocks the
        run's loop.

        Raises:
            RunCancelled: the run was closed meanwhile.
            StatePersistenceError: the state can't be saved; nobody has been asked.
        """
        from harness.flow.feedback.ask import ask  # most flows ask nobody

        return ask(self, message, timeout, metadata)

    @property
    def last_human_feedback(self) -> humans.HumanFeedbackResult | None:
        """The latest answer; None before the first. What is set here is added to the history, unless it ends with that."""
        return self.human_feedback_history[-1] if self.human_feedback_history else None

    @last_human_feedback.setter
    def last_human_feedback(self, answer: humans.HumanFeedbackResult | None) -> None:
        if answer is not None and answer is not self.last_human_feedback:
            self.human_feedback_history.append(answer)

    @property
    def input_history(self) -> list[dict[str, Any]]:
        """What this flow object has asked with `ask` and was answered, oldest first; the list is the caller's own.

        Each has `message, response, method_name, timestamp, metadata, response_metadata`; a `response` of None is no
        answer. `harness.conversation.input_history_to_messages` makes messages of them.
        """
        return list(self._input_history)

    @property
    def pending_feedback(self) -> humans.PendingFeedbackContext | None:
        """What this flow waits for; None where it does not wait."""
        return self._flow_pending

    @classmethod
    def from_pending(
        cls, flow_id: str, persistence: FlowPersistence | None = None, *, definition: Any = None, **kwargs: Any
    ) -> Self:
        """Return a flow that waits for feedback, as it was kept under `flow_id`, with the state that it had.

        `persistence` is where it was kept, by default where flows of this class keep what waits; `definition` is what a
        declared flow was made from; `kwargs` are options of the constructor.

        Raises:
            UsageError: nothing waits there under that id.
            StatePersistenceError: what waits there can't be loaded.
        """
        flow = cls._flow_class(definition)(persistence=persistence, **kwargs)
        from harness.flow.feedback.keeper import kept
        from harness.flow.persistence.persist import place_of

        place = flow.persistence = place_of(flow)
        loaded = kept(flow, flow_id, place)
        if loaded is None:
            raise UsageError(f"No pending feedback found for flow_id: {flow_id}")
        state, context = loaded
        flow._state = with_saved(flow._state, state, flow._flow_name)
        flow.human_feedback_history = list(context.history)
        flow._flow_pending = context
        flow._flow_fork = (None, context.branch)
        flow._flow_kept_ids.add(flow_id)
        return flow

    def resume(self, feedback: str = "") -> Any:
        """Go on with what a human has answered, and return what `kickoff` would; with `stream` set, a `StreamSession`.

        Raises:
            UsageError: the flow does not wait, or the feedback is no text.
            RuntimeError: called in a running loop; there is `resume_async`.
        """
        if is_loop_running():
            raise RuntimeError("resume() would block the running loop: await resume_async() there")
        resumption = self._flow_resumption(feedback)
        return self._flow_started(lambda: self._flow_run(Kickoff(branch=resumption.context.branch), (resumption,)))

    async def resume_async(self, feedback: str = "") -> Any:
        """Do as `resume`, without blocking the loop; with `stream` set, return an `AsyncStreamSession`."""
        resumption = self._flow_resumption(feedback)
        kickoff = Kickoff(branch=resumption.context.branch)
        return await self._flow_started_async(lambda: self._flow_run(kickoff, (resumption,)))

    def _flow_resumption(self, feedback: str) -> humans.Resumption:
        if self._flow_pending is None:
            raise UsageError("this flow does not wait for feedback: take up one that does with from_pending()")
        if not isinstance(feedback, str):
            raise UsageError(f"feedback is text, what a human has said, not {feedback!r}")
        return humans.Resumption(self._flow_pending, feedback)
