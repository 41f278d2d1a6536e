"""Which runs of flows the current context is inside of, and what each was asked to do."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.flow.progress import Progress


@dataclass(frozen=True, slots=True)
class Request:
    """The options of one kickoff, as they were given (clause `entry.kwargs`)."""

    inputs: dict[str, Any] | None = None
    input_files: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class FlowRun:
    """One run of one flow."""

    flow: Any
    request: Request
    progress: Progress
    #: The run of a flow inside which this one was started.
    outer: FlowRun | None


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


@contextlib.contextmanager
def running(flow: Any, request: Request, progress: Progress) -> Iterator[FlowRun]:
    """Make this context one that works for a new run of `flow`."""
    run = FlowRun(flow, request, progress, _current.get())
    token = _current.set(run)
    try:
        yield run
    finally:
        _current.reset(token)
