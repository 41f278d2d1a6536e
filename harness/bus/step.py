"""A step of a run: a with-block around work, with the event that opens its scope and the one that closes it.

```
with Step(crew, CrewKickoffStartedEvent(crew_name=name), CREW_ENDS, label=name) as step:
    output = work()
    step.complete(output=output)
```

A block that is left closes the step: as it said, by default as completed, and as failed where it raises. What an ending
event has in common with the started one is taken over, so each is told only what it alone says. `async with` does the
same, and waits for room in a look-ahead before it publishes (clause `session.backpressure`).
"""

from __future__ import annotations

import functools
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Final, Self

from msgspec import Struct

from harness.bus.bus import close_scope, is_seen, listeners, open_scope, room
from harness.bus.running_loop import cancelled_errors
from harness.bus.scope import Run, Scope, leave
from harness.bus.unseen import Unseen
from harness.errors import RunCancelled
from harness.events import BaseEvent
from harness.events.lazy import fields_of


class StepEnds(Struct, frozen=True):
    """The events that may close one kind of step, by how it ended. The one for failures has a field `error`."""

    completed: type[BaseEvent]
    failed: type[BaseEvent]
    #: Where the step can be left waiting, for a run that goes on later.
    paused: type[BaseEvent] | None = None


class Step:
    """One step, from its started event to exactly one that ends it (clause `order.scope-nesting`).

    Where the scope around it ends first, or `abandon` says so, it fails with the explanation. Where the run was
    cancelled it publishes nothing more: whoever cancelled it closes it, if anybody is there to see. A `quiet` step
    publishes nothing, and its scope stands all the same. With `own_run` the work inside can be cancelled by itself.
    Where it begins `Unseen`, what ends it is made if somebody sees that.
    """

    __slots__ = ("_ending", "_ends", "_label", "_own_run", "_quiet", "_scope", "_source", "_started")

    def __init__(
        self,
        source: Any,
        started: BaseEvent | Unseen,
        ends: StepEnds,
        *,
        label: str = "",
        own_run: bool = False,
        quiet: bool = False,
    ) -> None:
        self._source = source
        self._started = started
        self._ends = ends
        self._label = label
        self._own_run = own_run
        self._quiet = quiet
        self._scope: Scope | None = None
        self._ending: BaseEvent | Unseen | None = None

    def open(self) -> Self:
        """Publish the started event and make its scope the current one of this context.

        Raises:
            RunCancelled: the run around has been cancelled.
        """
        self._scope = open_scope(
            self._source,
            self._started,
            label=self._label,
            own_run=self._own_run,
            quiet=self._quiet,
            abandon=self._abandoned,
        )
        return self

    @property
    def started(self) -> BaseEvent | Unseen:
        """The event that begins it."""
        return self._started

    @property
    def scope(self) -> Scope:
        """The scope, of a step that has been opened."""
        if self._scope is None:
            raise RuntimeError(f"the step of {self._name} has not been opened")
        return self._scope

    @property
    def handled(self) -> Future[None] | None:
        """What is done once all handlers of the event that it published last are; None where there is nothing to wait for.

        Nor is there for who works for a handler: others wait for that one.
        """
        return None if listeners.is_handling() else self.scope.handled

    @property
    def _name(self) -> str:
        started = self._started
        return str(started.kind.model_fields["type"].default) if isinstance(started, Unseen) else started.type

    @property
    def run(self) -> Run:
        """The run that cancels the work inside: the step's own, or the one around."""
        return self.scope.run

    @property
    def is_cancelled(self) -> bool:
        """Whether the work inside is to stop.

        A run around counts from the moment in which it is marked as cancelled, which is before that is passed on to the
        runs below it.
        """
        scope: Scope | None = self.scope
        while scope is not None:
            if scope.run.cancelled:
                return True
            scope = scope.parent
        return False

    # How it ends. Nothing is published before it is closed, and what is said last counts.

    def complete(self, **fields: Any) -> BaseEvent | Unseen:
        """Have the step end as completed, and return the event that will say so."""
        return self._end_with(self._ends.completed, fields)

    def fail(self, error: BaseException) -> BaseEvent | Unseen:
        """Have the step end as failed by `error`, and return the event that will say so."""
        return self._end_with(self._ends.failed, {"error": error, "error_type": type(error).__name__})

    def pause(self, **fields: Any) -> BaseEvent | Unseen:
        """Have the step end as paused, and return the event that will say so.

        Raises:
            TypeError: steps of its kind can't be.
        """
        if self._ends.paused is None:
            raise TypeError(f"what begins with {self._name} has no event for a pause")
        return self._end_with(self._ends.paused, fields)

    def close(self) -> None:
        """End the step, from any context: as it was said, by default as completed. Closing twice does nothing.

        Raises:
            RunCancelled: the run around has been cancelled.
        """
        self._close(self._ending or self.complete())

    def leave(self) -> None:
        """End the step without an event: what it began waits for somebody else to end it."""
        self._close(None)

    def abandon(self, reason: str) -> None:
        """End the step now, as one that was cut off though nothing was wrong with it."""
        self._close(self._abandoned(reason))

    def _close(self, event: BaseEvent | Unseen | None) -> None:
        # What tells of a failure refers to the exception, its traceback to this step: a circle would be kept until the
        # garbage collector runs.
        self._ending = None
        try:
            close_scope(self.scope, self._source, None if self._quiet else event)
        finally:
            if self._own_run:
                self.run.end()

    def _abandoned(self, reason: str) -> BaseEvent | Unseen | None:
        if self._quiet:
            return None
        return self._end_with(self._ends.failed, {"error": reason, "error_type": RunCancelled.__name__})

    def _end_with(self, kind: type[BaseEvent], fields: dict[str, Any]) -> BaseEvent | Unseen:
        started = self._started
        if isinstance(started, Unseen):
            if self._quiet or not is_seen(self.scope, kind):
                self._ending = Unseen(kind, fields)
                return self._ending
            started = started.kind(**started.fields)
        # Of an event that nobody has looked at, what it was given: it need not be filled for this.
        record = getattr(started, "_lazy_record", None)
        values = fields_of(started) if record is None else record.fields
        names = started.__pydantic_fields_set__ if record is None else record.fields.keys()
        for name in _shared(type(started), kind) & names:
            fields.setdefault(name, values[name])
        ending = self._ending = kind(**fields)
        return ending

    # The with-block.

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            if self.is_cancelled:
                self._stop(error)
                return
            self.fail(error)
        if isinstance(error, GeneratorExit):
            self._close_within_reason()
        else:
            self.close()

    def _close_within_reason(self) -> None:
        """Close it where the garbage collector may do that, whatever its thread holds: who has the gate may wait for this.

        What could not be closed in time, the scope around closes.
        """
        gate = self.scope.gate
        if gate.acquire(timeout=_PATIENCE_S):
            try:
                self.close()
            finally:
                gate.release()

    async def __aenter__(self) -> Self:
        await room()
        return self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # A cancelled task must come to its end, whether or not anybody reads on.
        if not (self.is_cancelled or isinstance(error, cancelled_errors())):
            await room()
        self.__exit__(kind, error, traceback)

    def _stop(self, error: BaseException) -> None:
        """Let go of a run that was cancelled. What a library says when its socket is shut down is not what ended it."""
        leave(self.scope)
        if self._own_run:
            self.run.end()
        if isinstance(error, Exception):
            raise RunCancelled from None


#: How long a step that is left with its generator waits for others to open and close theirs, in seconds.
_PATIENCE_S: Final = 1.0
#: What each event has of its own, and what the bus stamps.
_OWN: Final = frozenset(
    {
        "type",
        "timestamp",
        "event_id",
        "parent_event_id",
        "previous_event_id",
        "started_event_id",
        "emission_sequence",
    }
)


@functools.cache
def _shared(started: type[BaseEvent], ending: type[BaseEvent]) -> frozenset[str]:
    """Return the fields that both events have."""
    return frozenset(started.model_fields) & frozenset(ending.model_fields) - _OWN
