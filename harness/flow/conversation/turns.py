"""A turn: a run of a conversational flow with a message of the user's, from its started event to the one that ends it."""

from __future__ import annotations

import contextvars
import functools
from collections.abc import Sequence
from typing import Any, Final

from harness import events
from harness.bus import bus
from harness.bus.step import Step, StepEnds
from harness.errors import RunPaused, UsageError
from harness.flow import feedback as humans
from harness.flow.conversation.dialogue import Dialogue, Turn
from harness.flow.conversation.fields import content_text
from harness.flow.conversation.graph import HANDLERS, ROUTER
from harness.flow.conversation.transcript import messages_of
from harness.flow.engine.hooks import FlowHook
from harness.flow.engine.run import FlowRun, run_of
from harness.flow.kickoff import Kickoff
from harness.flow.persistence.persist import save_ended
from harness.flow.plan.calls import MethodCall, MethodResult
from harness.flow.state import AnyState, field_of, id_of, new_id, set_field, snapshot, with_saved
from harness.llm.input.words import says_something

#: Labels that a handler may return without saying them to anybody, beside those of its class.
_LABELS: Final = frozenset({*HANDLERS.values(), "conversation", "route_to_flow"})

#: The fields of the state that grow from turn to turn.
_GROWING: Final = ("messages", "events")


async def take_turn(flow: Any, kickoff: Kickoff, turn: Turn, hooks: Sequence[FlowHook] = ()) -> Any:
    """Run a flow for one turn and return its reply; where it waits for a human, what it waits with.

    The reply is what the flow's run gives, or, where that is None, what the assistant has said last.

    Raises:
        TurnOpenError: another turn is open; nothing has been run, and no event published.
        BaseException: what a method raised, as the same object (clause `turn.failed`).
    """
    dialogue: Dialogue = flow._flow_dialogue
    await dialogue.closed()
    with dialogue.opened(turn, flow._flow_name):
        session_id = (kickoff.inputs or {}).get("id") or flow.flow_id
        named = {"flow_name": flow._flow_name, "session_id": str(session_id)}
        started = bus.event_or_unseen(events.ConversationTurnStartedEvent, named)
        waits = False
        try:
            async with Step(flow, started, _ends()) as step:
                result = await flow._flow_run(kickoff, (TurnHook(turn), *hooks))
                waits = turn.waits
                if waits:
                    # It is the answer of the human that ends the turn (clause `turn.pending`).
                    step.leave()
                    dialogue.waiting = (flow._flow_pending, turn.message)
        finally:
            if not waits:
                set_field(flow.state, "current_user_message", None)
    return turn.replies[-1] if result is None and turn.replies else result


def take_up(flow: Any, state: dict[str, Any], *, has_started: bool, session_id: str | None = None) -> None:
    """Make a flow one that has had turns: with `state`, which is JSON, and, where one flow runs through them, started.

    Raises:
        UsageError: the state does not fit.
    """
    own_id = flow.flow_id if session_id is None else session_id
    flow._state = with_saved(flow._state, {**state, "id": own_id}, flow._flow_name)
    if has_started and _is_deferred(flow):
        flow._flow_dialogue.flow_started_id = new_id()


def resumed_turn(flow: Any, hooks: Sequence[FlowHook]) -> Turn | None:
    """Return the turn that goes on in a run with these hooks, since a human has answered; None in any other run."""
    resumption = next((hook for hook in hooks if isinstance(hook, humans.Resumption)), None)
    if resumption is None or any(isinstance(hook, TurnHook) for hook in hooks):
        return None
    context, message = flow._flow_dialogue.waiting
    if context is not resumption.context:
        message = field_of(flow.state, "current_user_message")
    if message is None:
        return None
    # Other turns may come before it ends, and, where it fails, before it is taken up again.
    flow._flow_dialogue.waiting = (resumption.context, message)
    return Turn(message, (), None, is_resumed=True)


@functools.cache
def _ends() -> StepEnds:
    # Late, as all events: flows that do not converse load none of those of turns.
    return StepEnds(completed=events.ConversationTurnCompletedEvent, failed=events.ConversationTurnFailedEvent)


class TurnHook(FlowHook):
    """Gives a run of a flow the user's message, and the transcript what the run comes to."""

    works_without_loop = True

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._state_before: AnyState = {}
        #: How many methods had finished when the route was known.
        self._before_route = 0
        #: What there was in the state of what grows with each turn.
        self._before: dict[str, list[Any]] = {name: [] for name in _GROWING}

    async def before_flow(self, run: FlowRun) -> None:
        flow, session_id = run.flow, (run.kickoff.inputs or {}).get("id")
        self._state_before = run.state
        run.is_part = _is_deferred(flow)
        run.shown = self._shown
        if self._turn.is_resumed:
            set_field(run.state, "current_user_message", self._turn.message)
        if session_id is not None and str(session_id) != id_of(run.state) and messages_of(flow):
            # Another conversation: nothing of this one is to be seen in it.
            run.state = flow._flow_new_state()

    async def flow_began(self, run: FlowRun) -> None:
        flow, text, content = run.flow, self._turn.message, self._turn.content
        # What has been said before this turn is in the state, and not in each frame of each later turn.
        self._before = {name: list(field_of(run.state, name) or ()) for name in _GROWING}
        await bus.room()
        if run.is_part:
            _start_flow(flow, run)
        unanswered = field_of(run.state, "current_user_message")
        if run.plan.is_restored and (unanswered is not None or run.plan.outputs):
            # The turn goes on where a run of it had waited, or was written down.
            first_words = field_of(run.state, "last_user_message")
            # A handler may have put the message in other words.
            if text.strip() and text not in (first_words, unanswered):
                run.state = self._state_before
                raise UsageError(
                    f"{run.name} goes on with the turn of {first_words or unanswered!r}, which leaves {text!r} unanswered: take that turn to its "
                    "end with its own message, and this one after it, without from_checkpoint and resume"
                )
            self._before_route = len(run.plan.outputs)
            if not self._turn.is_resumed:
                # While a human was waited for, others may have had turns.
                self._turn.replies = _replies_in(flow)
            return
        set_field(run.state, "ended", False)
        # A kept state may still have what a turn was to answer that was closed, or killed.
        set_field(run.state, "current_user_message", None)
        if says_something(content):
            await bus.room()
            flow.receive_user_message(content)

    def method_done(self, run: FlowRun, call: MethodCall, result: MethodResult) -> None:
        if call.method.name == ROUTER:
            self._before_route = len(run.plan.outputs)

    async def flow_ended(self, run: FlowRun, result: Any, error: BaseException | None) -> None:
        if run.pause is not None:
            self._turn.waits = True
            if run.is_part and not run.is_quiet:
                self._pause_flow(run, *run.pause)
            return
        if error is None:
            value = result
            if result is None and not self._turn.replies:
                # What finished last had nothing to say: what the handlers before it gave is the reply.
                outputs = run.plan.outputs[self._before_route :]
                value = next((output for output in reversed(outputs) if output is not None), None)
            reply = self._reply(run, value)
            if reply is not None:
                await bus.room()
                run.flow.append_assistant_message(reply)
        set_field(run.state, "current_user_message", None)
        await save_ended(run, "handle_turn")

    def _shown(self, state: AnyState) -> Any:
        """Return what events show of the state: all of it, but of what grows with each turn this turn's part."""
        grown = {name: _new_in(field_of(state, name) or [], before) for name, before in self._before.items()}
        if isinstance(state, dict):
            return snapshot({**state, **grown})
        fields = {name: getattr(state, name) for name in type(state).model_fields}
        return snapshot({**fields, **(state.__pydantic_extra__ or {}), **grown})

    def _pause_flow(self, run: FlowRun, call: MethodCall, pause: RunPaused) -> None:
        bus.emit(
            run.flow,
            events.FlowPausedEvent(
                flow_name=run.name,
                flow_id=id_of(run.state),
                method_name=call.method.name,
                state=run.shown(run.state),
                message=pause.message,
                emit=pause.emit,
            ),
        )

    def _reply(self, run: FlowRun, result: Any) -> str | None:
        """Return what is to be added to the transcript as the reply; None where that has been done, or there is nothing.

        That is text, or what has text as `raw`; no route, and nothing that `append_agent_result` was given.
        """
        turn = self._turn
        text = result if isinstance(result, str) else getattr(result, "raw", None)
        if not isinstance(text, str) or any(result is recorded for recorded in turn.recorded):
            return None
        graph = run.flow._flow_graph
        is_label = text in _LABELS or (text in graph.awaited and text not in graph.methods)
        if is_label or text == field_of(run.state, "last_intent") or turn.replies[-1:] == [text]:
            return None
        return content_text(result)


def _replies_in(flow: Any) -> list[str]:
    """Return what the assistant has said since the user's latest message."""
    replies: list[str] = []
    for message in reversed(messages_of(flow)):
        role, content = field_of(message, "role"), field_of(message, "content")
        if role == "user":
            break
        if role == "assistant" and isinstance(content, str):
            replies.insert(0, content)
    return replies


def _new_in(values: list[Any], before: list[Any]) -> list[Any]:
    """Return what has been added to a list, of which what there was before may have been let go of meanwhile."""
    if not before:
        return values
    for place in range(len(values), 0, -1):
        if values[place - 1] is before[-1]:
            return values[place:]
    # The last one before is gone: so are all that came before that, or others stand for them.
    return values[len(before) :] if len(values) > len(before) else values


def _is_deferred(flow: Any) -> bool:
    """Return whether one flow runs through all turns of a conversation (clause `turn.deferred`)."""
    config = flow.conversational_config
    return bool(flow.defer_trace_finalization or (config is not None and config.defer_trace_finalization))


def _start_flow(flow: Any, run: FlowRun) -> None:
    dialogue: Dialogue = flow._flow_dialogue
    if dialogue.flow_started_id is None and not run.is_quiet:
        started = events.FlowStartedEvent(flow_name=run.name, inputs=run.kickoff.inputs)
        # In a context of its own: a flow that goes on after this turn opens no scope of it.
        contextvars.copy_context().run(bus.emit, flow, started)
        dialogue.flow_started_id = started.event_id


def finish_flow(flow: Any, *, discard: bool = False) -> None:
    """Publish the end of the flow that ran through the turns, where one has started; with `discard` only forget it.

    In a turn that is done once the turn has ended.
    """
    dialogue: Dialogue = flow._flow_dialogue
    if dialogue.turn is not None and run_of(flow) is not None:
        # The flow of all turns is no part of this one.
        dialogue.turn.afterwards = functools.partial(finish_flow, flow, discard=discard)
        return
    started_id, dialogue.flow_started_id = dialogue.flow_started_id, None
    if started_id is None or discard:
        return
    outputs = flow.method_outputs
    bus.emit(
        flow,
        events.FlowFinishedEvent(
            flow_name=flow._flow_name,
            result=outputs[-1] if outputs else None,
            state=snapshot(flow.state),
            started_event_id=started_id,
        ),
    )
