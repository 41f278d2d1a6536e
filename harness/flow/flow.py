"""The `Flow` class: what users subclass, start and stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, Self, cast

from pydantic import BaseModel
from typing_extensions import TypeVar

from harness import events
from harness.bus import bus
from harness.bus.scope import current_run
from harness.errors import UsageError
from harness.fields import dumped_fields, field_names, is_field, take_fields
from harness.flow import feedback as humans
from harness.flow.checkpoints.checkpointed import config_of
from harness.flow.conversation.conversational import ConversationalFlow
from harness.flow.conversation.dialogue import Dialogue
from harness.flow.conversation.turns import resumed_turn, take_turn
from harness.flow.declarations.declarable import DeclarableFlow
from harness.flow.engine.engine import Engine
from harness.flow.engine.hooks import FlowHook, Hooks, hooks_of_class
from harness.flow.engine.run import FlowRun, inside, run_of
from harness.flow.engine.stream_flag import StreamFlag
from harness.flow.feedback.answerable import AnswerableFlow
from harness.flow.graph.definition import graph_of
from harness.flow.kickoff import Kickoff
from harness.flow.options import check_options, plain_options, refuse
from harness.flow.participants import participants
from harness.flow.persistence.protocol import FlowPersistence
from harness.flow.plan.plan import Plan
from harness.flow.state import AnyState, declared_type, id_of, new_state, own_copy
from harness.llm.output.usage import UsageMetrics
from harness.llm.run_usage import RunUsage
from harness.workers import Threads

if TYPE_CHECKING:
    from harness.flow.checkpoints.config import CheckpointConfig

#: What copies of a flow have in common.
_SHARED: Final = frozenset(
    {"_flow_graph", "_flow_hooks", "_flow_last_usage", "persistence", "input_provider", "checkpoint"}
)
State = TypeVar("State", bound=Mapping[str, Any] | BaseModel, default=dict[str, Any])


class _Unmade:
    """Stands where the state of a flow will, until the constructor has made it."""

    def __get__(self, flow: Any, cls: type) -> Self:
        if flow is None:
            return self
        raise UsageError(
            f"{cls.__name__} has not been made yet: have its __init__ call super().__init__(…) first, and each field of a model "
            f"in {cls.__name__}[…] have a default"
        )


class Flow(ConversationalFlow, DeclarableFlow, AnswerableFlow, Generic[State]):
    """A graph of methods joined by `start`, `listen` and `router`, with a state that they share.

    Subclass it; `Flow[MyState]` or `initial_state` says what the state is, by default a dict. A flow object keeps its
    state from one kickoff to the next; all else of a run belongs to the run, so runs may overlap. What the subclass
    annotates are fields, which its constructor takes by name.
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
    #: Where its states are kept, and what waits for a human; before what `persist` says. By itself it has nothing saved but
    #: what asks for that: a run that waits, one that asks, and with what these end.
    persistence: FlowPersistence | None = None
    #: How often one method may be called in one run, a bound for cycles that do not end.
    max_method_calls: int = 100
    if not TYPE_CHECKING:
        _state = _Unmade()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_options(cls.__name__, plain_options(cls))
        cls._flow_keep_flag()

    def __init__(
        self,
        *,
        name: str | None = None,
        initial_state: Any = None,
        stream: bool | None = None,
        suppress_flow_events: bool | None = None,
        max_method_calls: int | None = None,
        persistence: FlowPersistence | None = None,
        input_provider: humans.InputProvider | None = None,
        human_feedback_history: Sequence[humans.HumanFeedbackResult] | None = None,
        last_human_feedback: humans.HumanFeedbackResult | None = None,
        checkpoint: CheckpointConfig | bool | None = None,
        defer_trace_finalization: bool | None = None,
        hooks: Sequence[FlowHook] | None = None,
        **extra: Any,
    ) -> None:
        """Make a flow; each option given takes the place of the class attribute of the same name.

        What a subclass annotates is an option too, with the default that stands there: a value, or pydantic's `Field(…)`;
        also where it gives a name of this class a value. Other keywords are ignored, but for those that are nearly an
        option. `hooks` take part in its runs, beside those of its class.

        Raises:
            UsageError: a keyword is nearly an option, an option is not supported or of another kind, the graph can't run, or the state can't be made.
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
            "human_feedback_history": None if human_feedback_history is None else list(human_feedback_history),
            "last_human_feedback": last_human_feedback,
        }
        owner = type(self).__name__
        self.human_feedback_history = []
        given = {option: value for option, value in {**options, "hooks": hooks}.items() if value is not None}
        # What a class says of an option without `Field(…)` is what it has for a default, and no bound for others.
        as_given = {
            option: given.pop(option) for option in options if option in given and not is_field(type(self), option)
        }
        check_options(owner, as_given)
        rest = take_fields(self, Flow, {**given, **extra})
        own_hooks = rest.pop("hooks", ())
        for option, value in as_given.items():
            setattr(self, option, value)
        refuse(self, rest, {**options, **dict.fromkeys(field_names(type(self), Flow))})
        limit: Any = self.max_method_calls
        if not isinstance(limit, int) or limit < 1:
            raise UsageError(f"max_method_calls of {owner} is a whole number of at least 1, not {limit!r}")
        config_of(self.checkpoint, f"checkpoint of {owner}")
        self._flow_graph = graph_of(type(self))
        self._flow_check_conversation(self._flow_graph)
        self._state: AnyState = self._flow_new_state()
        self._flow_dialogue = Dialogue()
        self._flow_hooks = (*hooks_of_class(type(self)), *own_hooks)
        self._input_history = []
        #: Of the states that it has kept in the middle of a run, or begun with where they had been kept so.
        self._flow_kept_ids: set[str] = set()
        #: The plan of the run begun last, and what it has used.
        self._flow_last_plan: Plan | None = None
        self._flow_last_usage = RunUsage()
        if not self.suppress_flow_events:
            # A flow that has just been made is in no session but that of its maker, in whatever thread that is.
            bus.emit_here(self, events.FlowCreatedEvent, {"flow_name": self._flow_name})
        self.model_post_init(None)

    def model_post_init(self, context: Any, /) -> None:
        """Called once a flow has been made, with nothing: for a subclass to override, as on a pydantic model."""

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """Return the fields that the class of the flow annotates, by name; `options` are those of pydantic's `model_dump`."""
        return dumped_fields(self, Flow, **options)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return a flow that holds the same and has a state of its own; where it keeps its runs it shares.

        What can't be copied, both hold.
        """
        twin = object.__new__(type(self))
        memo[id(self)] = twin
        for name, value in vars(self).items():
            vars(twin)[name] = value if name in _SHARED else own_copy(value, memo)
        twin._flow_dialogue = Dialogue()
        return twin

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
        plan = run.plan if run is not None else self._flow_last_plan
        return [] if plan is None else plan.outputs

    @property
    def usage_metrics(self) -> UsageMetrics:
        """What the calls to models have used, in this run, or, outside, in the last begun: crews, tools and flows in it too.

        A kickoff of the same flow object inside a run counts as part of it.
        """
        run = run_of(self)
        return (self._flow_last_usage if run is None else run.usage).metrics()

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
        # A step may be called `name`, too, and then stands in the option's place.
        return self.name if isinstance(self.name, str) and self.name else type(self).__name__

    def _flow_take_types(self, cls: Any) -> None:
        """Have the state that is meant by the types with which this flow has been made, as `Pipeline[MyState]()`."""
        if declared_type(cls, Flow) != declared_type(type(self), Flow):
            state = self._state
            # From Python 3.13 on what is raised here is passed over: a flow without a state says so at its first use.
            del self._state
            made = self._flow_new_state(cls)
            # Its constructor may have put something there.
            self._state = state if type(state) is type(made) else made

    if not TYPE_CHECKING:
        # What Python sets then.
        __orig_class__ = property(None, _flow_take_types)

    def _flow_new_state(self, cls: Any = None) -> AnyState:
        declared = self.initial_state if self.initial_state is not None else declared_type(cls or type(self), Flow)
        if self.conversational:
            from harness.flow.conversation.state import conversation_state

            declared = conversation_state(declared)
        return new_state(declared, type(self).__name__)

    async def _flow_run(self, kickoff: Kickoff, hooks: Sequence[FlowHook] = ()) -> Any:
        """Run the flow; `hooks` take part in this run alone."""
        turn = resumed_turn(self, hooks) if self.conversational else None
        if turn is not None:
            return await take_turn(self, kickoff, turn, hooks)
        if self.conversational and not hooks:
            if run_of(self) is None:
                await self._flow_dialogue.closed()
            self._flow_dialogue.refuse_another(self._flow_name)
        plan = Plan.begin(self._flow_graph, self.max_method_calls)
        threads = Threads(are_spared=current_run() is None)
        run = FlowRun(self, self._flow_name, kickoff, plan, is_quiet=self.suppress_flow_events, threads=threads)
        with inside(run):
            self._flow_last_plan, self._flow_last_usage = plan, run.usage
            try:
                return await Engine(
                    run, Hooks(self._flow_graph, (*self._flow_hooks, *participants(self, kickoff), *hooks))
                ).work()
            finally:
                run.threads.close()
