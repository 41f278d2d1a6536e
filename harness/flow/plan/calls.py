"""Calls of methods: as a plan keeps them, in plain values, as it hands them out, and what they come to."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from harness.flow.graph.definition import FlowMethod


class PlannedCall(Struct):
    """A call that is not done, as its plan keeps it. Values are places among the values of the plan."""

    id: int
    method: str
    number: int
    #: The wave that waits for it.
    wave: int
    as_start: bool
    #: What it is called with, if its method takes that, which may change before it is; None for nothing.
    argument: int | None
    triggered_by: str | None
    state: Literal["due", "begun", "paused"] = "due"
    #: What the method of a call that has paused had returned.
    output: int | None = None


class MethodCall(Struct, frozen=True):
    """One call of one method, for whoever performs it."""

    #: Unique in its plan.
    id: int
    method: FlowMethod
    #: Which call of its method this is in the run, from 1.
    number: int
    args: tuple[Any, ...] = ()
    #: Whether it is called as a start, at kickoff or by the start's own condition.
    as_start: bool = False
    #: The id of the event that told of the end of what triggered this.
    triggered_by: str | None = None
    #: Whether it had paused when the plan was saved, and what its method had returned by then.
    was_paused: bool = False
    output: Any = None


class MethodResult(Struct, frozen=True):
    """What a call of a method comes to."""

    #: What listeners of the method get, and what stands in `method_outputs`.
    output: Any = None
    #: What the call routes to; None for a router means its output.
    label: str | None = None
    #: What listeners of the label get; None means the label.
    routed: Any = None
