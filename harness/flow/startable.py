"""The ways to run a flow: plainly or as a session, in a thread or in a loop."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from pydantic.fields import FieldInfo

from harness import session as sessions
from harness.annotations import signature_of
from harness.bus.running_loop import running_loop
from harness.fields import hiding_class
from harness.flow.checkpoints.checkpointed import CheckpointedFlow
from harness.flow.engine.hooks import FlowHook
from harness.flow.engine.stream_flag import StreamFlag, streamed
from harness.flow.kickoff import Kickoff
from harness.flow.participants import checkpoint_config
from harness.workers import run_until_loop

if TYPE_CHECKING:
    from harness.flow.checkpoints.config import CheckpointConfig

P = ParamSpec("P")
T = TypeVar("T")


def with_parameters_of(function: Callable[P, Any]) -> Callable[[Callable[..., T]], Callable[P, T]]:
    """Return a decorator that gives a method the parameters of another, to readers and type checkers alike."""

    def decorate(method: Callable[..., T]) -> Callable[P, T]:
        method.__signature__ = signature_of(function)  # type: ignore[attr-defined]
        return method

    return decorate


class StartableFlow(CheckpointedFlow):
    """The part of `Flow` that starts runs."""

    if TYPE_CHECKING:
        stream: bool

        async def _flow_run(self, kickoff: Kickoff, hooks: Sequence[FlowHook] = ()) -> Any: ...

    def kickoff(
        self,
        inputs: dict[str, Any] | None = None,
        input_files: dict[str, Any] | None = None,
        from_checkpoint: CheckpointConfig | bool | None = None,
        restore_from_state_id: str | None = None,
        *,
        resume: bool = False,
    ) -> Any:
        """Run the flow and return the output of the method that finished last; with `stream` set, a `StreamSession`.

        Works inside a running loop too, which it blocks; `kickoff_async` does not. Sync methods that are due alone work in
        the calling thread, and no loop is made before something needs one. In a run that can be closed, and where methods
        are due side by side, they work in threads beside it.

        `inputs` go into the state. With an `id` among them, the state that was kept under it is loaded first; with
        `restore_from_state_id`, the one kept under that, as a fork with an id of its own. Both need a `persistence`; an
        empty one is none.

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
        kickoff = self._flow_kickoff(inputs, input_files, from_checkpoint, restore_from_state_id, resume)
        return self._flow_started(lambda: self._flow_run(kickoff))

    async def kickoff_async(
        self,
        inputs: dict[str, Any] | None = None,
        input_files: dict[str, Any] | None = None,
        from_checkpoint: CheckpointConfig | bool | None = None,
        restore_from_state_id: str | None = None,
        *,
        resume: bool = False,
    ) -> Any:
        """Do as `kickoff`, without blocking the loop; with `stream` set, return an `AsyncStreamSession`."""
        kickoff = self._flow_kickoff(inputs, input_files, from_checkpoint, restore_from_state_id, resume)
        return await self._flow_started_async(lambda: self._flow_run(kickoff))

    @with_parameters_of(kickoff_async)
    async def akickoff(self, *options: Any, **named: Any) -> Any:
        """The same as `kickoff_async`."""
        return await self.kickoff_async(*options, **named)

    def stream_events(
        self,
        inputs: dict[str, Any] | None = None,
        input_files: dict[str, Any] | None = None,
        from_checkpoint: CheckpointConfig | bool | None = None,
        restore_from_state_id: str | None = None,
        *,
        resume: bool = False,
        look_ahead: int | None = None,
        retain: bool = True,
    ) -> sessions.StreamSession[Any]:
        """Return a session whose first reader starts the run (clause `entry.flow`), by `kickoff` where a subclass has its own.

        `look_ahead` bounds the frames that nobody has read yet; without `retain`, read frames are let go of.

        Raises:
            UsageError: the inputs do not fit the state, or an option can't be used; at the call.
        """
        kickoff = self._flow_kickoff(inputs, input_files, from_checkpoint, restore_from_state_id, resume)

        def body() -> Any:
            if type(self).kickoff is StartableFlow.kickoff:
                return run_until_loop(lambda: self._flow_run(kickoff))
            with streamed(self):
                return self.kickoff(**self._flow_options(kickoff))

        return sessions.StreamSession(body, source=self, look_ahead=look_ahead, retain=retain)

    @with_parameters_of(stream_events)
    def stream_frames(self, *options: Any, **named: Any) -> sessions.StreamSession[Any]:
        """The same as `stream_events`."""
        return self.stream_events(*options, **named)

    def astream(
        self,
        inputs: dict[str, Any] | None = None,
        input_files: dict[str, Any] | None = None,
        from_checkpoint: CheckpointConfig | bool | None = None,
        restore_from_state_id: str | None = None,
        *,
        resume: bool = False,
        look_ahead: int | None = None,
        retain: bool = True,
    ) -> sessions.AsyncStreamSession[Any]:
        """Do as `stream_events`, for readers in a loop (clause `entry.flow-async`), with `kickoff_async`."""
        kickoff = self._flow_kickoff(inputs, input_files, from_checkpoint, restore_from_state_id, resume)

        async def body() -> Any:
            if type(self).kickoff_async is StartableFlow.kickoff_async:
                return await self._flow_run(kickoff)
            with streamed(self):
                return await self.kickoff_async(**self._flow_options(kickoff))

        return sessions.AsyncStreamSession(body, source=self, look_ahead=look_ahead, retain=retain)

    # How a run comes about.

    def _flow_started(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Return what a run comes to; with `stream` set, its session."""
        if self.stream:
            return sessions.StreamSession(lambda: run_until_loop(work), source=self)
        return run_until_loop(work)

    async def _flow_started_async(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Do as `_flow_started`, without blocking the loop."""
        if self.stream:
            return sessions.AsyncStreamSession(work, source=self)
        running_loop()
        return await work()

    @classmethod
    def _flow_keep_flag(cls) -> None:
        """Have `stream` depend on who reads it, whatever plain value the class or a mixin was given (`StreamFlag`)."""
        hiding = hiding_class(cls, "stream")
        if hiding is None:
            return
        value = vars(hiding)["stream"]
        if isinstance(value, FieldInfo):
            value = not value.is_required() and value.get_default(call_default_factory=True)
        guarded = hiding if issubclass(hiding, StartableFlow) else cls
        guarded.stream = StreamFlag(default=bool(value))  # type: ignore[assignment]

    def _flow_kickoff(
        self,
        inputs: dict[str, Any] | None = None,
        input_files: dict[str, Any] | None = None,
        from_checkpoint: Any = None,
        restore_from_state_id: str | None = None,
        resume: bool = False,
    ) -> Kickoff:
        """Return what a run is asked for. Raises UsageError for what it can't be."""
        self._flow_keep_flag()
        if isinstance(inputs, dict) and inputs.get("id", ...) in (None, ""):
            # Kept under no name, the states of all who have none would be one.
            inputs = {name: value for name, value in inputs.items() if name != "id"}
        branch, state = None, None
        if from_checkpoint is None and restore_from_state_id is None:
            if resume:
                from_checkpoint, branch = self._flow_fork
            elif self._flow_begins_from is not None:
                from_checkpoint, branch, state = self._flow_begins_from
        return self._flow_accepted(
            Kickoff(inputs, input_files, from_checkpoint, restore_from_state_id or None, resume, branch, state)
        )

    def _flow_accepted(self, kickoff: Kickoff) -> Kickoff:
        """Return a kickoff once what can be checked at the call has been (clause `entry.kwargs`)."""
        kickoff.check(self._flow_name, self._state)
        checkpoint_config(self, kickoff)
        if self._flow_begins_from is not None:
            config, branch, _ = self._flow_begins_from
            # A run that begins elsewhere has the flow's state; one that was refused has had nothing.
            self._flow_begins_from = None if kickoff.from_checkpoint is config else (config, branch, None)
        if kickoff.branch is None:
            self._flow_fork = (None, None)
        return kickoff

    def _flow_options(self, kickoff: Kickoff) -> dict[str, Any]:
        """Return the options of a kickoff for a subclass's own, which may know of none but those that were given."""
        options = {
            "inputs": kickoff.inputs,
            "input_files": kickoff.input_files,
            "from_checkpoint": kickoff.from_checkpoint,
            "restore_from_state_id": kickoff.restore_from_state_id,
            "resume": kickoff.resume or None,
        }
        if kickoff.branch is not None or kickoff.state is not None:
            # What `fork` and `from_checkpoint` said is no option of a kickoff.
            self._flow_begins_from = (options.pop("from_checkpoint"), kickoff.branch, kickoff.state)
        return {name: value for name, value in options.items() if value is not None}
