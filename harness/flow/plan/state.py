"""The state of a plan in plain values, and the form in which it is saved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from harness.errors import UsageError
from harness.flow.graph.definition import FlowGraph
from harness.flow.plan.calls import PlannedCall
from harness.flow.plan.progress import Progress
from harness.flow.plan.wave import Wave

#: The version of the saved form. Another one is not read.
_VERSION: Final = 1


class PlanState(Struct):
    """All that a plan remembers, but for the values that the flow's own methods made."""

    calls: dict[int, PlannedCall] = field(default_factory=dict)
    waves: dict[int, Wave] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    #: The places of what the methods returned, in the order in which they finished.
    outputs: list[int] = field(default_factory=list)
    #: By method, the place of what it returned last.
    latest: dict[str, int] = field(default_factory=dict)
    #: The last of the ids that calls and waves share.
    last_id: int = 0

    def new_id(self) -> int:
        self.last_id += 1
        return self.last_id


def saved(state: PlanState, values: list[Any]) -> dict[str, Any]:
    """Return a state and its values in the form to be saved: JSON, but for what `values` holds."""
    return {"version": _VERSION, "state": msgspec.to_builtins(state, str_keys=True), "values": list(values)}


def read_saved(saved: Any, definition: FlowGraph) -> tuple[PlanState, list[Any]]:
    """Return the state and the values that were saved, with every call due that is not done.

    Raises:
        UsageError: it has another form, or is of another flow; the message says where.
    """
    if not (isinstance(saved, dict) and saved.get("version") == _VERSION and isinstance(saved.get("values"), list)):
        raise UsageError(f"a saved plan is a dict with the version {_VERSION}, a state and values")
    values = list(saved["values"])
    try:
        state = msgspec.convert(saved.get("state"), PlanState, str_keys=True)
    except msgspec.ValidationError as error:
        raise UsageError(f"the state of a saved plan can't be read: {error}") from error
    for gap in _gaps(state, len(values), definition):
        raise UsageError(f"a saved plan does not fit this flow: it speaks of {gap}")
    for call in state.calls.values():
        call.state = "due"
    return state, values


def _gaps(state: PlanState, values: int, definition: FlowGraph) -> Iterator[str]:
    """Yield what a state speaks of and is not there."""
    progress, waves, calls = state.progress, state.waves.values(), state.calls.values()
    methods = {
        *(call.method for call in calls),
        *(name for names in (progress.counts, progress.finished, progress.fired) for name in names),
        *progress.listening,
        *progress.starting,
        *(name for wave in waves for names in (wave.routers, wave.listeners, wave.restarts) for name in names or ()),
    }
    for name in sorted(methods - definition.methods.keys()):
        yield f"a method {name!r}, and there are {', '.join(definition.methods)}"
    for number in {*(call.wave for call in calls), *(wave.parent for wave in waves)} - {None, *state.waves}:
        yield f"a wave {number} that it does not hold"
    happened = [
        happening
        for wave in waves
        for happening in (*wave.happened, *wave.after, *([wave.label] if wave.label else []))
    ]
    places = {
        *state.outputs,
        *state.latest.values(),
        *(happening.value for happening in happened),
        *(place for call in calls for place in (call.argument, call.output) if place is not None),
    }
    for place in sorted(place for place in places if not 0 <= place < values):
        yield f"a value {place}, and holds {values}"
