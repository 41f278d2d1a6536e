"""The `Flow` class: what users subclass, start and stream."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, cast

from pydantic import BaseModel
from typing_extensions import TypeVar

from harness.bus import bus
from harness.errors import UsageError
from harness.events import FlowCreatedEvent
from harness.flow.definition import definition_of
from harness.flow.engine import Engine
from harness.flow.progress import Progress
from harness.flow.running import Request, run_of, running
from harness.flow.state import AnyState, declared_type, new_state, with_inputs
from harness.flow.stream_flag import StreamFlag
from harness.session.session import AsyncStreamSession, StreamSession
from harness.workers import run_coroutine

State = TypeVar("State", bound=dict[str, Any] | BaseModel, default=dict[str, Any])

#: Options of the constructor that this runtime knows of and can't do yet.
_UNSUPPORTED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "defer_trace_finalization": "conversations",
        "persistence": "persistence",
        "input_provider": "asking for input",
        "checkpoint": "checkpoints",
        "tracing": "tracing to a service",
        "human_feedback_history": "human feedback",
        "last_human_feedback": "human feedback",
    }
)


class Flow(Generic[State]):
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
    #: Whether to publish no events of the flow and its methods; what they call still publishes its own.
    suppress_flow_events: bool = False
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
        **others: Any,
    ) -> None:
        """Make a flow; each option given takes the place of the class attribute of the same name.

        Raises:
            UsageError: an option is unknown or not supported, the graph can't run, or the state can't be made.
        """
        options = {
            "name": name,
            "initial_state": initial_state,
            "stream": stream,
            "suppress_flow_events": suppress_flow_events,
            "max_method_calls": max_method_calls,
        }
        owner = type(self).__name__
        for option, value in options.items():
            if value is not None:
                setattr(self, option, value)
        self._refuse(others, options)
        if self.max_method_calls < 1:
            raise UsageError(f"max_method_calls of {owner} is at least 1, not {self.max_method_calls}")
        self._definition = definition_of(type(self))
        declared = self.initial_state if self.initial_state is not None else declared_type(type(self), Flow)
        self._state: AnyState = new_state(declared, owner)
        self._last_progress = Progress(self._definition, self.max_method_calls)
        if not self.suppress_flow_events:
            bus.emit(self, FlowCreatedEvent(flow_name=self._flow_name))

    def _refuse(self, others: dict[str, Any], options: dict[str, Any]) -> None:
        """Refuse options that are unknown, and those that would have no effect, given here or as class attributes."""
        owner = type(self).__name__
        for option in others:
            if option not in _UNSUPPORTED:
                near = difflib.get_close_matches(option, options, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"the options are {', '.join(options)}"
                raise UsageError(f"{owner} has no option {option!r}; {hint}")
        for option, what in _UNSUPPORTED.items():
            value = others.get(option, getattr(self, option, None))
            # A method of the graph may have such a name.
            if value and not callable(value):
                raise UsageError(f"{owner} sets {option}, but flows do not support {what} yet")

    # Ways to run it.

    def kickoff(
        self,
        inputs: dict[str, Any] | None = None,
        input_files: dict[str, Any] | None = None,
        from_checkpoint: Any = None,
        restore_from_state_id: str | None = None,
    ) -> Any:
        """Run the flow and return the output of the method that finished last; with `stream` set, a `StreamSession`.

        Works inside a running loop too, which it blocks; `kickoff_async` does not.

        Raises:
            UsageError: the inputs do not fit the state, or an option can't be used.
            BaseException: what a method raised, as the same object.
        """
        request = self._request(inputs, input_files, from_checkpoint, restore_from_state_id)
        if self.stream:
            return self._session(request)
        return run_coroutine(lambda: self._run(request))

    async def kickoff_async(
        self,
        inputs: dict[str, Any] | None = None,
        input_files: dict[str, Any] | None = None,
        from_checkpoint: Any = None,
        restore_from_state_id: str | None = None,
    ) -> Any:
        """Do as `kickoff`, without blocking the loop; with `stream` set, return an `AsyncStreamSession`."""
        request = self._request(inputs, input_files, from_checkpoint, restore_from_state_id)
        if self.stream:
            return self._async_session(request)
        return await self._run(request)

    async def akickoff(
        self,
        inputs: dict[str, Any] | None = None,
        input_files: dict[str, Any] | None = None,
        from_checkpoint: Any = None,
        restore_from_state_id: str | None = None,
    ) -> Any:
        """The same as `kickoff_async`."""
        return await self.kickoff_async(inputs, input_files, from_checkpoint, restore_from_state_id)

    def stream_events(
        self,
        inputs: dict[str, Any] | None = None,
        input_files: dict[str, Any] | None = None,
        from_checkpoint: Any = None,
        restore_from_state_id: str | None = None,
        *,
        look_ahead: int | None = None,
        retain: bool = True,
    ) -> StreamSession[Any]:
        """Return a session whose first reader starts the run (clause `entry.flow`).

        `look_ahead` bounds the frames that nobody has read yet; without `retain`, read frames are let go of.

        Raises:
            UsageError: the inputs do not fit the state, or an option can't be used; at the call.
        """
        request = self._request(inputs, input_files, from_checkpoint, restore_from_state_id)
        return self._session(request, look_ahead=look_ahead, retain=retain)

    def stream_frames(
        self,
        inputs: dict[str, Any] | None = None,
        input_files: dict[str, Any] | None = None,
        from_checkpoint: Any = None,
        restore_from_state_id: str | None = None,
        *,
        look_ahead: int | None = None,
        retain: bool = True,
    ) -> StreamSession[Any]:
        """The same as `stream_events`."""
        return self.stream_events(
            inputs, input_files, from_checkpoint, restore_from_state_id, look_ahead=look_ahead, retain=retain
        )

    def astream(
        self,
        inputs: dict[str, Any] | None = None,
        input_files: dict[str, Any] | None = None,
        from_checkpoint: Any = None,
        restore_from_state_id: str | None = None,
        *,
        look_ahead: int | None = None,
        retain: bool = True,
    ) -> AsyncStreamSession[Any]:
        """Do as `stream_events`, for readers in a loop (clause `entry.flow-async`)."""
        request = self._request(inputs, input_files, from_checkpoint, restore_from_state_id)
        return self._async_session(request, look_ahead=look_ahead, retain=retain)

    # What a run leaves to be read.

    @property
    def state(self) -> State:
        """The state that all runs of this flow object share."""
        return cast("State", self._state)

    @property
    def method_outputs(self) -> list[Any]:
        """What the methods returned, in the order in which they finished: in this run, or, outside, in the last begun."""
        run = run_of(self)
        return list((run.progress if run is not None else self._last_progress).outputs)

    # How a run comes about.

    @property
    def _flow_name(self) -> str:
        return self.name or type(self).__name__

    def _request(
        self,
        inputs: dict[str, Any] | None,
        input_files: dict[str, Any] | None,
        from_checkpoint: Any,
        restore_from_state_id: str | None,
    ) -> Request:
        """Check at the call what can be checked then (clause `entry.kwargs`)."""
        if from_checkpoint is not None and restore_from_state_id is not None:
            raise UsageError(
                "from_checkpoint and restore_from_state_id can't be combined: each says where the run begins"
            )
        if from_checkpoint is not None:
            raise UsageError(f"{self._flow_name}: flows do not support from_checkpoint yet")
        if restore_from_state_id is not None:
            raise UsageError(f"{self._flow_name}: flows do not support restore_from_state_id yet")
        if inputs is not None and not _names_fields(inputs):
            raise UsageError(
                f"the inputs of {self._flow_name} are a dict with names of its state's fields, not {inputs!r}"
            )
        if inputs:
            with_inputs(self._state, inputs, self._flow_name)
        return Request(inputs, input_files)

    def _session(self, request: Request, *, look_ahead: int | None = None, retain: bool = True) -> StreamSession[Any]:
        return StreamSession(
            lambda: run_coroutine(lambda: self._run(request)), source=self, look_ahead=look_ahead, retain=retain
        )

    def _async_session(
        self, request: Request, *, look_ahead: int | None = None, retain: bool = True
    ) -> AsyncStreamSession[Any]:
        return AsyncStreamSession(lambda: self._run(request), source=self, look_ahead=look_ahead, retain=retain)

    async def _run(self, request: Request) -> Any:
        if request.inputs:
            self._take(request.inputs)
        progress = self._last_progress = Progress(self._definition, self.max_method_calls)
        with running(self, request, progress):
            return await Engine(self, self._flow_name, progress).work(request.inputs)

    def _take(self, inputs: dict[str, Any]) -> None:
        if isinstance(self._state, dict):
            self._state.update(inputs)
        else:
            self._state = with_inputs(self._state, inputs, self._flow_name)


def _names_fields(inputs: Any) -> bool:
    return isinstance(inputs, dict) and all(isinstance(name, str) for name in inputs)
