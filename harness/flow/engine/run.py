"""Which runs of flows the current context is inside of, and what each is made of."""

from __future__ import annotations

import contextvars
import sys
import uuid
from collections.abc import Callable, Generator
from typing import Any, cast

from msgspec import Struct, field

from harness.blocks import block
from harness.errors import RunPaused
from harness.flow.kickoff import Kickoff
from harness.flow.plan.calls import MethodCall
from harness.flow.plan.plan import Plan
from harness.flow.plan.story import Story
from harness.flow.state import AnyState, snapshot, with_inputs
from harness.llm.run_usage import RunUsage
from harness.workers import Threads


class FlowRun(Struct, eq=False, weakref=True):
    """One run of one flow, equal to no other; what a hook knows of it may stand under it in a `WeakKeyDictionary`."""

    flow: Any
    #: What the flow is called in events.
    name: str
    kickoff: Kickoff
    #: What has been done and is still to be. A hook may restore a saved one here before the flow begins.
    plan: Plan
    #: Whether no events of its methods are published.
    is_quiet: bool
    #: Whether the inputs of the kickoff are in the state already, since an earlier run that this one goes on from.
    has_inputs: bool = False
    #: What the calls to models in it use.
    usage: RunUsage = field(default_factory=RunUsage)
    #: What has happened in it, where somebody wants to keep that.
    story: Story | None = None
    #: Whether it is one of several runs of one flow, whose start and end somebody else publishes.
    is_part: bool = False
    #: What its events show of the state, as it is now: frozen JSON.
    shown: Callable[[AnyState], Any] = snapshot
    #: The threads in which it blocks.
    threads: Threads = field(default_factory=Threads)
    #: The first call that paused, and what the run waits with since; None where it waits for nothing, whatever it comes to.
    pause: tuple[MethodCall, RunPaused] | None = None
    #: The run of a flow inside which this one was started.
    outer: FlowRun | None = None
    #: The run of the same flow inside which it was started.
    around: FlowRun | None = None
    #: How many runs there are down to this one, itself included.
    depth: int = 1
    own_uuid: str | None = None

    @property
    def execution_uuid(self) -> str:
        """The UUID of the outermost run around this one, or of this one; made when it is first asked for."""
        if self.outer is not None:
            return self.outer.execution_uuid
        if self.own_uuid is None:
            self.own_uuid = str(uuid.uuid4())
        return self.own_uuid

    @property
    def state(self) -> AnyState:
        """The state of the flow. A hook may put another one here before the flow begins; the inputs then go into that."""
        return cast(AnyState, self.flow.state)

    @state.setter
    def state(self, state: AnyState) -> None:
        self.flow._state = state

    def take_inputs(self) -> None:
        """Put the inputs of the kickoff into the state. Raises UsageError where they do not fit it."""
        inputs = self.kickoff.inputs
        if not inputs or self.has_inputs:
            return
        if isinstance(self.state, dict):
            self.state.update(inputs)
        else:
            self.state = with_inputs(self.state, inputs, self.name)


_current: contextvars.ContextVar[FlowRun | None] = contextvars.ContextVar("harness_flow_run", default=None)


def current_flow_run() -> FlowRun | None:
    """Return the innermost run of a flow that this context works for."""
    return _current.get()


def run_of(flow: Any) -> FlowRun | None:
    """Return the innermost run of `flow` that this context works for; None outside of any."""
    run = _current.get()
    while run is not None and run.flow is not flow:
        run = run.outer
    return run


@block
def inside(run: FlowRun) -> Generator[None]:
    """Make this context one that works for `run`.

    Raises:
        RecursionError: it is inside of as many others as Python lets calls be.
    """
    around = run_of(run.flow)
    if around is not None:
        run.usage, run.around = around.usage, around
    run.outer = _current.get()
    if run.outer is not None:
        run.depth = run.outer.depth + 1
    if run.depth > sys.getrecursionlimit():
        # Each of so many has a stack of its own, so that Python sees no end.
        raise RecursionError(f"{run.name} is run inside of {run.depth - 1} others: a method begins its own flow again")
    token = _current.set(run)
    try:
        yield
    finally:
        _current.reset(token)
