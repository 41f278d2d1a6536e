"""Which flow, and which of its methods, the code that asks is running in.

Each name has `get()`, as a context variable: of the innermost run, in threads and tasks that inherit the context too, and
None outside of any. Nobody sets them but a run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from harness.bus import scope as scopes
from harness.flow.engine.run import current_flow_run


class RunVariable:
    """What is known of the innermost run."""

    def __init__(self, name: str, lookup: Callable[[], str | None]) -> None:
        self.name = name
        self._lookup = lookup

    def get(self, default: str | None = None) -> str | None:
        """Return the value, or `default` outside of any run."""
        found = self._lookup()
        return default if found is None else found

    def __repr__(self) -> str:
        return f"<{self.name} {self.get()!r}>"


def _flow_id() -> str | None:
    run = current_flow_run()
    return None if run is None else str(run.flow.flow_id)


def _flow_name() -> str | None:
    run = current_flow_run()
    return None if run is None else run.name


def _method_name() -> str | None:
    scope = scopes.current_scope() if current_flow_run() is not None else None
    while scope is not None and scope.kind != "method":
        scope = scope.parent
    return None if scope is None else scope.label


#: The id of the flow's state.
current_flow_id: Final = RunVariable("current_flow_id", _flow_id)
#: What the flow is called in events.
current_flow_name: Final = RunVariable("current_flow_name", _flow_name)
#: The method that runs.
current_flow_method_name: Final = RunVariable("current_flow_method_name", _method_name)
