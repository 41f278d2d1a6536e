"""`Crew`: agents and the tasks that they do together, and the ways to run them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, Final

from harness.agents.driver import Beside, Driver, LoopDriver, ThreadDriver, run_unsuspended
from harness.blocks import block
from harness.bus import scope as scopes
from harness.crews.crew_settings import CrewSettings
from harness.crews.engine import CrewEngine
from harness.crews.output import CrewOutput
from harness.crews.own_methods import Replaceable, StandIn, bound
from harness.crews.streaming_output import CrewStreamingOutput
from harness.errors import UsageError
from harness.llm.run_usage import RunUsage
from harness.session.session import AsyncStreamSession, StreamSession
from harness.workers import in_thread


class Crew(CrewSettings):
    """A crew. Nothing about it changes while it works, so runs of it may overlap; `usage_metrics` is the last one's."""

    # What users call.

    def kickoff(
        self, inputs: Mapping[str, Any] | None = None, input_files: Any = None, from_checkpoint: Any = None
    ) -> Any:
        """Run the crew and return its `CrewOutput`; with `stream` set, a `CrewStreamingOutput` (clause `entry.crew`).

        `inputs` take the places of `{name}` in the texts of agents and tasks.

        Raises:
            UsageError: an input is missing, or an option can't be used; before anything is run.
            BaseException: what made a task fail, as the same object.
        """
        self._crew_refuse_options(input_files, from_checkpoint)
        if self._crew_streams():
            session = StreamSession(lambda: run_unsuspended(self._crew_run(ThreadDriver(), inputs)), source=self)
            return CrewStreamingOutput.of(session, self.task_ids)
        return run_unsuspended(self._crew_run(ThreadDriver(), inputs))

    async def kickoff_async(
        self, inputs: Mapping[str, Any] | None = None, input_files: Any = None, from_checkpoint: Any = None
    ) -> Any:
        """Do as `kickoff`, without blocking the loop; what it gives with `stream` set is read by `async for`.

        A `kickoff` that a subclass has of its own works in a thread.
        """
        self._crew_refuse_options(input_files, from_checkpoint)
        if self._crew_streams():
            session = AsyncStreamSession(lambda: self._crew_run_by_kickoff(inputs), source=self)
            return CrewStreamingOutput.of(session, self.task_ids)
        return await self._crew_run_by_kickoff(inputs)

    async def akickoff(
        self, inputs: Mapping[str, Any] | None = None, input_files: Any = None, from_checkpoint: Any = None
    ) -> Any:
        """The same as `kickoff_async`."""
        return await self.kickoff_async(inputs, input_files, from_checkpoint)

    def kickoff_for_each(self, inputs: Sequence[Mapping[str, Any]], input_files: Any = None) -> list[Any]:
        """Run the crew once for each of `inputs`, one after the other, and return what each kickoff returns.

        `usage_metrics` is then what all have used, but for a crew with `stream` set, whose runs are still to be read.
        """
        _check_each(inputs)
        files = {} if input_files is None else {"input_files": input_files}
        with nullcontext() if self.stream else self._crew_noting_usage():
            return [self.kickoff(inputs=each, **files) for each in inputs]

    async def kickoff_for_each_async(self, inputs: Sequence[Mapping[str, Any]], input_files: Any = None) -> Any:
        """Run the crew for each of `inputs`, all at once, and return their outputs in the order of the inputs.

        Where one fails the others are stopped, and its error is raised. With `stream` set, return one
        `CrewStreamingOutput` of all, whose `results` are the outputs.
        """
        self._crew_refuse_options(input_files, None)
        _check_each(inputs)
        if self._crew_streams():
            # Several runs are of this crew, and none of them is the session's outermost.
            session = AsyncStreamSession(lambda: self._crew_run_each(LoopDriver(), inputs))
            return CrewStreamingOutput.of(session, self.task_ids)
        return await self._crew_run_each(LoopDriver(), inputs)

    async def akickoff_for_each(self, inputs: Sequence[Mapping[str, Any]], input_files: Any = None) -> Any:
        """The same as `kickoff_for_each_async`."""
        return await self.kickoff_for_each_async(inputs, input_files)

    def stream_events(
        self, inputs: Mapping[str, Any] | None = None, *, look_ahead: int | None = None, retain: bool = True
    ) -> StreamSession[CrewOutput]:
        """Return a session whose first reader starts the run; its frames are those of the crew and all that is in it.

        The run goes through the `kickoff` of a subclass that has its own.
        `look_ahead` bounds the frames that nobody has read yet; without `retain`, read frames are let go of.
        """
        return StreamSession(
            lambda: run_unsuspended(self._crew_own_run(ThreadDriver(), inputs)),
            source=self,
            look_ahead=look_ahead,
            retain=retain,
        )

    def astream(
        self, inputs: Mapping[str, Any] | None = None, *, look_ahead: int | None = None, retain: bool = True
    ) -> AsyncStreamSession[CrewOutput]:
        """Do as `stream_events`, for readers in a loop, with `kickoff_async`."""
        return AsyncStreamSession(
            lambda: self._crew_own_run(LoopDriver(), inputs), source=self, look_ahead=look_ahead, retain=retain
        )

    def _crew_refuse_options(self, input_files: Any, from_checkpoint: Any) -> None:
        if input_files:
            raise UsageError("input_files: crews are given no files yet; give their agents tools that read them")
        if from_checkpoint:
            raise UsageError("from_checkpoint: crews have no checkpoints; run the crew in a flow, which has them")

    def _crew_streams(self) -> bool:
        """Return whether a kickoff gives a stream; not inside of one that is streamed, where this is another function."""
        return self.stream

    async def _crew_own_run(self, driver: Driver, inputs: Mapping[str, Any] | None) -> Any:
        """Run the crew by the kickoff that its class has of its own, where it has one."""
        if not _KICKOFF.is_replaced(self):
            return await self._crew_run(driver, inputs)
        return await _KICKOFF.call(driver, self, _given(inputs), self._crew_inside(), self._crew_inside(of_twin=True))

    async def _crew_run_by_kickoff(self, inputs: Mapping[str, Any] | None) -> Any:
        if type(self).kickoff is _KICKOFF.method:
            return await self._crew_run(LoopDriver(), inputs)
        kickoff = bound(type(self).kickoff, StandIn(self, self._crew_inside()))
        return await in_thread(lambda: kickoff(**_given(inputs)))

    def _crew_inside(self, *, of_twin: bool = False) -> dict[str, Any]:
        """Return what a kickoff of a subclass's own is to call in place of the crew's entries, which lead to it again.

        Of a twin's, which the way leads through `kickoff` as well.
        """

        def run(_: Any, driver: Driver, inputs: Mapping[str, Any] | None) -> Coroutine[Any, Any, Any]:
            return self._crew_run(driver, inputs)

        def run_by_kickoff(_: Any, inputs: Mapping[str, Any] | None) -> Coroutine[Any, Any, Any]:
            return self._crew_run_by_kickoff(inputs) if of_twin else self._crew_run(LoopDriver(), inputs)

        replaced = {
            "_crew_streams": lambda _: False,
            "_crew_run": run,
            "_crew_own_run": run,
            "_crew_run_by_kickoff": run_by_kickoff,
        }
        return {**vars(Crew), **replaced}

    async def _crew_run(self, driver: Driver, inputs: Mapping[str, Any] | None) -> CrewOutput:
        _check_inputs("inputs", inputs)
        if not self.tasks:
            raise UsageError("the crew has no tasks: there is nothing to do")
        # What callbacks put into it is this run's, and not the caller's.
        given: Any = dict(inputs or {})
        for callback in self.before_kickoff_callbacks:
            changed = await driver.call(callback, given)
            _check_inputs("what a before_kickoff callback returns", changed)
            given = given if changed is None else changed
        return await CrewEngine(self, driver, given if given or inputs is not None else None).work()

    async def _crew_run_each(self, driver: Driver, inputs: Sequence[Mapping[str, Any]]) -> list[Any]:
        async def run(number: int, each: Mapping[str, Any], begun: Callable[[], None]) -> Any:
            begun()
            async with Beside(driver, label=f"run {number}"):
                return await self._crew_own_run(driver, each)

        with self._crew_noting_usage():
            return await driver.side_by_side([partial(run, *numbered) for numbered in enumerate(inputs, 1)])

    @block
    def _crew_noting_usage(self) -> Generator[None]:
        """Note in the end what all runs inside have used, whatever they gave."""
        usage = RunUsage()
        token = scopes.enter(scopes.sink_scope(usage))
        try:
            yield
        finally:
            scopes.reset(token)
            self.note_usage(usage.metrics())


_KICKOFF: Final = Replaceable(Crew.kickoff, Crew.kickoff_async)


def _check_inputs(name: str, inputs: object) -> None:
    if inputs is not None and not isinstance(inputs, Mapping):
        raise UsageError(f"{name}: expected a mapping such as {{'topic': 'tides'}}, and a {type(inputs).__name__} came")


def _check_each(inputs: object) -> None:
    if isinstance(inputs, str | Mapping):
        raise UsageError(f"inputs: expected a list with the inputs of each run, and a {type(inputs).__name__} came")


def _given(inputs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the options of a kickoff for a subclass's own, which may know of none but those that were given."""
    return {} if inputs is None else {"inputs": inputs}
