"""What a run of a flow has done and has still to do, as data: it can be saved in the middle, and go on elsewhere.

A plan knows no loop, thread or event. Whoever runs it asks what is `due`, and reports what has `begun`, what is `done`
and what has `paused`.
"""

from __future__ import annotations

from typing import Any, Self

from harness.errors import HarnessError, UsageError
from harness.flow.graph.definition import FlowGraph
from harness.flow.graph.labels import label_of, routed_by
from harness.flow.plan.calls import MethodCall, MethodResult, PlannedCall
from harness.flow.plan.state import PlanState, read_saved, saved
from harness.flow.plan.wave import Due, Happening, Wave


class MethodCallLimitError(HarnessError, RecursionError):
    """A method was called more often in one run than `max_method_calls` allows."""


class Plan:
    """The plan of one run. Only who runs it changes it."""

    #: Whether it is one that was saved, and has been restored.
    is_restored = False

    def __init__(self, definition: FlowGraph, max_calls: int) -> None:
        self._definition = definition
        self._max_calls = max_calls
        self._state = PlanState()
        #: What methods returned, and what labels gave their listeners; all else here is plain.
        self._values: list[Any] = []

    @classmethod
    def begin(cls, definition: FlowGraph, max_calls: int = 100) -> Self:
        """Return the plan of a run that has not begun. `max_calls` is how often each method may be called."""
        plan = cls(definition, max_calls)
        root = plan._new_wave(None, [], [])
        for method in definition.entries:
            plan._new_call(method.name, root, as_start=True, argument=None, triggered_by=None)
        return plan

    def restore(self, saved: Any) -> None:
        """Become the plan that was saved. What had begun and was not done is due again; what was done never is.

        Raises:
            UsageError: it is no saved plan, or one of another flow.
        """
        self._state, self._values = read_saved(saved, self._definition)
        self.is_restored = True

    def saved(self) -> dict[str, Any]:
        """Return the plan as it is now: JSON, but for `values`, which are what the flow's methods returned, uncopied.

        These become more, and no place gets another one.
        """
        return saved(self._state, self._values)

    def restore_waiting(self, method: str, output: Any) -> None:
        """Become the plan of a run of which all that is known is that it waits in `method`, which had given `output`.

        Raises:
            UsageError: the flow has no such method.
        """
        known = self._definition.methods
        if method not in known:
            raise UsageError(f"the flow has no method {method!r} to go on from; it has {', '.join(known)}")
        self._state, self._values, self.is_restored = PlanState(), [], True
        call = self._new_call(method, self._new_wave(None, [], []), as_start=True, argument=None, triggered_by=None)
        call.output = self._value(output)

    # What whoever runs it asks and reports.

    def due(self) -> list[MethodCall]:
        """Return the calls that are to begin now, in their order."""
        return [self._method_call(call) for call in self._state.calls.values() if call.state == "due"]

    def begun(self, call: MethodCall) -> None:
        """Note that a call that was due is running.

        Raises:
            MethodCallLimitError: its method has been called `max_calls` times.
        """
        if call.number > self._max_calls:
            raise MethodCallLimitError(
                f"Method {call.method.name!r} has been called {self._max_calls} times in this flow execution, which "
                "indicates an infinite loop. Have its router return a label that leaves the cycle, or raise max_method_calls"
            )
        self._state.calls[call.id].state = "begun"

    def done(self, call: MethodCall, result: MethodResult, event_id: str | None = None) -> int:
        """Note that a call has returned, which may make others due; return the place of its output among the values.

        `event_id` is the id of the event that says so, by which what is triggered names what triggered it.
        """
        state, method = self._state, call.method
        planned = state.calls.pop(call.id)
        wave = state.waves[planned.wave]
        place = self._value(result.output)
        state.outputs.append(place)
        state.latest[method.name] = place
        state.progress.ended(method.name)
        after = []
        label, routed = result.label, result.label if result.routed is None else result.routed
        if label is None and method.role.is_router:
            label, routed = label_of(result.output), routed_by(result.output)
        if label is not None:
            way = Happening(label, self._value(routed), event_id, brings=result.routed is not None)
            # The label of a listening router is followed up by the wave that had triggered it.
            if method.role.is_router and not call.as_start:
                wave.label = way
            else:
                after.append(way)
        if after or method.name in self._definition.awaited:
            self._advance(self._new_wave(self._waiting(wave), [Happening(method.name, place, event_id)], after))
            return place
        wave.open -= 1
        if not wave.open:
            self._advance(wave)
        return place

    def paused(self, call: MethodCall, output: Any = None) -> None:
        """Note that a call waits for something outside. It is due again where the plan is restored."""
        planned = self._state.calls[call.id]
        planned.state = "paused"
        planned.output = self._value(output)

    # What it tells.

    @property
    def outputs(self) -> list[Any]:
        """What the methods returned, in the order in which they finished."""
        return [self._values[place] for place in self._state.outputs]

    @property
    def latest(self) -> dict[str, Any]:
        """What each method returned last, by its name."""
        return {name: self._values[place] for name, place in self._state.latest.items()}

    @property
    def result(self) -> Any:
        """The output of the method that finished last; None where none has."""
        return self._values[self._state.outputs[-1]] if self._state.outputs else None

    @property
    def is_over(self) -> bool:
        """Whether every call is done, and nothing is due."""
        return not self._state.calls

    # How it goes on.

    def _advance(self, wave: Wave) -> None:
        """Make due what is next in a wave, or, where it is through, in the first one above that waits no longer."""
        waves = self._state.waves
        while (due := wave.next(self._definition, self._state.progress)) is None:
            del waves[wave.id]
            if wave.after:
                wave = self._new_wave(wave.parent, wave.after[:1], wave.after[1:])
            elif wave.parent is None:
                return
            else:
                wave = waves[wave.parent]
                wave.open -= 1
                if wave.open:
                    return
        self._make_due(due, wave)

    def _waiting(self, wave: Wave) -> int:
        """Return the wave that is to wait for what a call of `wave` sets going.

        It is that wave, or, where it does nothing but wait, the one that waits for it: so a cycle, however long, is no
        deeper than one round of it.
        """
        waves = self._state.waves
        while wave.parent is not None and wave.open == 1 and wave.is_waiting_only(self._definition):
            del waves[wave.id]
            wave = waves[wave.parent]
        return wave.id

    def _make_due(self, due: Due, wave: Wave) -> None:
        argument = None if due.as_start else due.gives.value
        for name in due.methods:
            self._new_call(name, wave, as_start=due.as_start, argument=argument, triggered_by=due.after.event_id)

    def _new_call(
        self, name: str, wave: Wave, *, as_start: bool, argument: int | None, triggered_by: str | None
    ) -> PlannedCall:
        state = self._state
        number = state.progress.called(name)
        call = PlannedCall(state.new_id(), name, number, wave.id, as_start, argument, triggered_by)
        state.calls[call.id] = call
        wave.open += 1
        return call

    def _new_wave(self, parent: int | None, happened: list[Happening], after: list[Happening]) -> Wave:
        wave = Wave(self._state.new_id(), parent, happened, after)
        self._state.waves[wave.id] = wave
        return wave

    def _value(self, value: Any) -> int:
        self._values.append(value)
        return len(self._values) - 1

    def _method_call(self, call: PlannedCall) -> MethodCall:
        method = self._definition.methods[call.method]
        return MethodCall(
            id=call.id,
            method=method,
            number=call.number,
            args=() if call.argument is None or not method.takes_result else (self._values[call.argument],),
            as_start=call.as_start,
            triggered_by=call.triggered_by,
            was_paused=call.output is not None,
            output=None if call.output is None else self._values[call.output],
        )
