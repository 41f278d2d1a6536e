"""The `stream` attribute of flows: what the user set, except inside a run of that very flow."""

from __future__ import annotations

from typing import Any, Final

from harness.flow.engine.run import run_of

_SET: Final = "_stream"


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
        return run_of(flow) is None and bool(flow.__dict__.get(_SET, self._default))

    def __set__(self, flow: Any, value: bool) -> None:
        flow.__dict__[_SET] = bool(value)
