"""The `stream` attribute of flows: what the user set, except inside a run of that very flow."""

from __future__ import annotations

import contextvars
from collections.abc import Generator
from typing import Any, Final

from harness.blocks import block
from harness.flow.engine.run import run_of

_SET: Final = "_flow_stream"
#: The flows whose own kickoffs are being streamed in this context.
_streamed: contextvars.ContextVar[tuple[Any, ...]] = contextvars.ContextVar("harness_streamed_flows", default=())


class StreamFlag:
    """A flow's `stream`. Inside a run it reads False, for a flow that is being streamed does not stream itself.

    That depends on who reads and changes nothing: every other thread and task reads what was set (clause
    `entry.flag-restored`).
    """

    def __init__(self, default: bool) -> None:
        self._default = default

    def __get__(self, flow: Any, owner: type) -> bool:
        if flow is None:
            return self._default
        if any(known is flow for known in _streamed.get()):
            return False
        return run_of(flow) is None and bool(flow.__dict__.get(_SET, self._default))

    def __set__(self, flow: Any, value: bool) -> None:
        flow.__dict__[_SET] = bool(value)


@block
def streamed(flow: Any) -> Generator[None]:
    """Have `flow` read inside as one that does not stream: a session around its kickoff does."""
    token = _streamed.set((*_streamed.get(), flow))
    try:
        yield
    finally:
        _streamed.reset(token)
