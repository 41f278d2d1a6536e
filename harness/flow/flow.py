"""The `Flow` class: what users subclass, start and stream."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, cast

from pydantic import BaseModel
from typing_extensions import TypeVar

from harness.bus import bus
from harness.errors import UsageError
from harness.events import FlowCreatedEvent
from harness.flow.checkpoints.checkpointed import CheckpointedFlow
from harness.flow.checkpoints.config import CheckpointConfig, config_of
from harness.flow.conversation.conversational import ConversationalFlow
from harness.flow.conversation.dialogue import Dialogue
from harness.flow.conversation.state import conversation_state
from harness.flow.conversation.turns import take_turn, turn_taken_up
from harness.flow.declarations.declarable import DeclarableFlow
from harness.flow.engine.engine import Engine
from harness.flow.engine.hooks import FlowHook, Hooks, hooks_of_class
from harness.flow.engine.run import FlowRun, inside, run_of
from harness.flow.engine.stream_flag import StreamFlag
from harness.flow.engine.usage import RunUsage
from harness.flow.feedback.answerable import AnswerableFlow
from harness.flow.feedback.providers import InputProvider
from harness.flow.feedback.result import HumanFeedbackResult
from harness.flow.graph.definition import graph_of
from harness.flow.kickoff import Kickoff
from harness.flow.options import refuse
from harness.flow.participants import checked, participants
from harness.flow.persistence.protocol import FlowPersistence
from harness.flow.plan.plan import Plan
from harness.flow.state import AnyState, declared_type, id_of, new_state
from harness.llm.usage import UsageMetrics
from harness.session.session import AsyncStreamSession, StreamSession
from harness.workers import run_coroutine

P = ParamSpec("P")
T = TypeVar("T")
State = TypeVar("State", bound=dict[str, Any] | BaseModel, default=dict[str, Any])


def _with_parameters_of(function: Callable[P, T]) -> Callable[[Callable[..., T]], Callable[P, T]]:
    """Return a decorator that gives a method the parameters of another, to readers and type checkers alike."""

    def decorate(method: Callable[..., T]) -> Callable[P, T]:
        method.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
        return method

    return decorate


class Flow(ConversationalFlow, DeclarableFlow, AnswerableFlow, CheckpointedFlow, Generic[State]):
    """A graph of methods joined by `start`, `listen` and `router`, with a state that they share.

    Subclass it; `Flow[MyState]` or `initial_state` says what the state is, by default a dict. A flow object keeps its
    state from one kickoff to the next; all else of a run belongs to the run, so runs may overlap.
    """

    #: What the flow is called in its events; by default the name of its class.
    name: str | None = None
    #: A model class, `dict`, or an instance of either, of which each flow object gets a copy.
    initial_state: Any = None
    #: Whether `kickoff` returns a session. Inside a run of this flow it reads False, see `StreamFlag`.
    if TYPE_CHECKING:
        stream: bool
    else:
        stream = StreamFlag(default=False)
    #: Whether to publish no events of its methods; its own start and end, and what methods call, still are.
    suppress_flow_events: bool = False
    #: Where its states are kept, and what waits for a human; before what `persist` says. By itself it has nothing saved.
    persistence: FlowPersistence | None = None
    #: How often one method may be called in one run, a bound for cycles that do not end.
    max_method_calls: int = 100

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        streams = cls.__dict__.get("stream")
        if isinstance(streams, bool):
            # The subclass's plain value would hide the descriptor.
            cls.stream = StreamFlag(default=streams)  # type: ignore[assignment]

    def __init__(
        self,
        *,
        name: str | None = None,
        initial_state: Any = None,
        stream: bool | None = None,
        suppress_flow_events: bool | None = None,
        max_method_calls: int | None = None,
        persistence: FlowPersistence | None = None,
        input_provider: InputProvider | None = None,
        human_feedback_history: Sequence[HumanFeedbackResult] = (),
        checkpoint: CheckpointConfig | bool | None = None,
        defer_trace_finalization: bool | None = None,
        hooks: Sequence[FlowHook] = (),
        **others: Any,
    ) -> None:
        """Make a flow; each option given takes the place of the class attribute of the same name.

        `hooks` take part in its runs, beside those of its class.

        Raises:
            UsageError: an option is unknown or not supported, the graph can't run, or the state can't be made.
        """
        options = {
            "name": name,
            "initial_state": initial_state,
            "stream": stream,
            "suppress_flow_events": suppress_flow_events,
            "max_method_calls": max_method_calls,
            "persistence": persistence,
            "input_provider": input_provider,
            "checkpoint": checkpoint,
            "defer_trace_finalization": defer_trace_finalization,
        }
        owner = type(self).__name__
        for option, value in options.items():
            if value is not None:
                setattr(self, option, value)
        refuse(self, others, options)
        if self.max_method_calls < 1:
            raise UsageError(f"max_method_calls of {owner} is at least 1, not {self.max_method_calls}")
        config_of(self.checkpoint, f"checkpoint of {owner}")
        self._definition = graph_of(type(self))
        self._check_conversation(self._definition)
        self._state: AnyState = self._new_state()
        self._dialogue = Dialogue()
        self._hooks = (*hooks_of_class(type(self)), *hooks)
        self.human_feedback_history = list(human_feedback_history)
        self._input_history = []
        #: The plan of the run begun last, and what it has used.
        self._last_plan: Plan | None = None
        self._last_usage = RunUsage()
        if not self.suppress_flow_events:
            # A flow that has just been made is in no session but that of its maker, in whatever thread that is.
            bus.emit_here(self, FlowCreatedEvent(flow_name=self._flow_name))

    # Ways to run it.

    def kickoff(
        self,
        inputs: dict[str, Any] | None = None,
        input_files: dict[str, Any] | None = None,
        from_checkpoint: Any = None,
        restore_from_state_id: str | None = None,
        *,
        resume: bool = False,
    ) -> Any:
        """Run the flow and return the output of the method that finished last; with `stream` set, a `StreamSession`.

        Works inside a running loop too, which it blocks; `kickoff_async` does not.

        `inputs` go into the state. With an `id` among them, the state that was kept under it is loaded first; with
        `restore_from_state_id`, the one kept under that, as a fork with an id of its own. Both need a `persistence`.

        `from_checkpoint`, a `CheckpointConfig`, has this run write checkpoints, and begin at its `restore_from`, with the
        inputs put into the state found there. With `resume` the run goes on where the last one of this flow has stopped,
        whether it was killed, failed, waits or has ended: each method that had finished is not run again, and nothing of
        an ended one is. With an `id` among the inputs that is the last run with that state. What checkpoints there are
        says the flow's `checkpoint`; where there is none the run begins, and only then do the inputs go into the state.
        What happened in the runs before is shown first; `frames_by_run` tells which frames are whose.

        Raises:
            UsageError: the inputs do not fit the state, or an option can't be used.
            BaseException: what a method raised, as the same object.
        """
        kickoff = self._kickoff(inputs, input_files, from_checkpoint, restore_from_state_id, resume)
        if self.stream:
            return self._session(kickoff)
        accepted = self._accepted(kickoff)
        return run_coroutine(lambda: self._run(accepted))

    async def kickoff_async(
        self,
        inputs: dict[str, Any] | None = None,
        input_files: dict[str, Any] | None = None,
        from_checkpoint: Any = None,
        restore_from_state_id: str | None = None,
        *,
        resume: bool = False,
    ) -> Any:
        """Do as `kickoff`, without blocking the loop; with `stream` set, return an `AsyncStreamSession`."""
        kickoff = self._kickoff(inputs, input_files, from_checkpoint, restore_from_state_id, resume)
        if self.stream:
            return self._async_session(kickoff)
        return await self._run(self._accepted(kickoff))

    @_with_parameters_of(kickoff_async)
    async def akickoff(self, *options: Any, **named: Any) -> Any:
        """The same as `kickoff_async`."""
        return await self.kickoff_async(*options, **named)

    def stream_events(
        self,
        inputs: dict[str, Any] | None = None,
        input_files: dict[str, Any] | None = None,
        from_checkpoint: Any = None,
        restore_from_state_id: str | None = None,
        *,
        resume: bool = False,
        look_ahead: int | None = None,
        retain: bool = True,
    ) -> StreamSession[Any]:
        """Return a session whose first reader starts the run (clause `entry.flow`).

        `look_ahead` bounds the frames that nobody has read yet; without `retain`, read frames are let go of.

        Raises:
            UsageError: the inputs do not fit the state, or an option can't be used; at the call.
        """
        kickoff = self._kickoff(inputs, input_files, from_checkpoint, restore_from_state_id, resume)
        return self._session(kickoff, look_ahead=look_ahead, retain=retain)

    @_with_parameters_of(stream_events)
    def stream_frames(self, *options: Any, **named: Any) -> StreamSession[Any]:
        """The same as `stream_events`."""
        return self.stream_events(*options, **named)

    def astream(
        self,
        inputs: dict[str, Any] | None = None,
        input_files: dict[str, Any] | None = None,
        from_checkpoint: Any = None,
        restore_from_state_id: str | None = None,
        *,
        resume: bool = False,
        look_ahead: int | None = None,
        retain: bool = True,
    ) -> AsyncStreamSession[Any]:
        """Do as `stream_events`, for readers in a loop (clause `entry.flow-async`)."""
        kickoff = self._kickoff(inputs, input_files, from_checkpoint, restore_from_state_id, resume)
        return self._async_session(kickoff, look_ahead=look_ahead, retain=retain)

    # What a run leaves to be read.

    @property
    def state(self) -> State:
        """The state that all runs of this flow object share."""
        return cast("State", self._state)

    @property
    def flow_id(self) -> str:
        """The id of the state, under which it is kept."""
        return id_of(self._state)

    @property
    def method_outputs(self) -> list[Any]:
        """What the methods returned, in the order in which they finished: in this run, or, outside, in the last begun."""
        run = run_of(self)
        plan = run.plan if run is not None else self._last_plan
        return [] if plan is None else plan.outputs

    @property
    def usage_metrics(self) -> UsageMetrics:
        """What the calls to models have used, in this run, or, outside, in the last begun: crews, tools and flows in it too.

        A kickoff of the same flow object inside a run counts as part of it.
        """
        run = run_of(self)
        return (self._last_usage if run is None else run.usage).metrics()

    @property
    def input_files(self) -> dict[str, Any]:
        """The files that the kickoff of this run was given, by name."""
        run = run_of(self)
        return {} if run is None else dict(run.kickoff.input_files or {})

    def plot(self, filename: str = "flow.html", show: bool = True) -> str:
        """Write a page that shows the graph, one file that needs nothing else, and return its path.

        `show` opens it in a browser.

        Raises:
            UsageError: it can't be written.
        """
        from harness.flow.plot.page import plot_flow

        return plot_flow(self, filename, show)

    # How a run comes about.

    @property
    def _flow_name(self) -> str:
        return self.name or type(self).__name__

    def _kickoff(
        self,
        inputs: dict[str, Any] | None,
        input_files: dict[str, Any] | None,
        from_checkpoint: Any,
        restore_from_state_id: str | None,
        resume: bool,
    ) -> Kickoff:
        branch = None
        if self._begins_from is not None and from_checkpoint is None and restore_from_state_id is None and not resume:
            (from_checkpoint, branch), self._begins_from = self._begins_from, None
        return Kickoff(inputs, input_files, from_checkpoint, restore_from_state_id, resume, branch)

    def _new_state(self) -> AnyState:
        declared = self.initial_state if self.initial_state is not None else declared_type(type(self), Flow)
        return new_state(conversation_state(declared) if self.conversational else declared, type(self).__name__)

    def _accepted(self, kickoff: Kickoff) -> Kickoff:
        """Return a kickoff once what can be checked at the call has been (clause `entry.kwargs`)."""
        kickoff.check(self._flow_name, self._state)
        checked(self, kickoff)
        return kickoff

    def _session(
        self,
        kickoff: Kickoff,
        hooks: Sequence[FlowHook] = (),
        *,
        look_ahead: int | None = None,
        retain: bool = True,
    ) -> StreamSession[Any]:
        accepted = self._accepted(kickoff)
        return StreamSession(
            lambda: run_coroutine(lambda: self._run(accepted, hooks)),
            source=self,
            look_ahead=look_ahead,
            retain=retain,
        )

    def _async_session(
        self,
        kickoff: Kickoff,
        hooks: Sequence[FlowHook] = (),
        *,
        look_ahead: int | None = None,
        retain: bool = True,
    ) -> AsyncStreamSession[Any]:
        accepted = self._accepted(kickoff)
        return AsyncStreamSession(lambda: self._run(accepted, hooks), source=self, look_ahead=look_ahead, retain=retain)

    async def _run(self, kickoff: Kickoff, hooks: Sequence[FlowHook] = ()) -> Any:
        """Run the flow; `hooks` take part in this run alone."""
        turn = turn_taken_up(self, hooks) if self.conversational else None
        if turn is not None:
            return await take_turn(self, kickoff, turn, hooks)
        plan = Plan.begin(self._definition, self.max_method_calls)
        run = FlowRun(self, self._flow_name, kickoff, plan, is_quiet=self.suppress_flow_events)
        with inside(run):
            self._last_plan, self._last_usage = plan, run.usage
            try:
                return await Engine(
                    run, Hooks(self._definition, (*self._hooks, *participants(self, kickoff), *hooks))
                ).work()
            finally:
                run.threads.close()
