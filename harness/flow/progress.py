"""How far one run of a flow has come: what has finished, what each listener still waits for.

It belongs to the run, never to the flow, so runs of one flow that overlap do not mix. Only the run's engine changes it.
"""

from __future__ import annotations

from typing import Any

from harness.errors import HarnessError
from harness.flow.conditions import fires_once, is_met, names_in
from harness.flow.definition import FlowDefinition, Method


class MethodCallLimitError(HarnessError, RecursionError):
    """A method was called more often in one run than `max_method_calls` allows."""


class Progress:
    """The bookkeeping of one run."""

    def __init__(self, definition: FlowDefinition, max_calls: int) -> None:
        self.definition = definition
        #: What the methods returned, in the order in which they finished.
        self.outputs: list[Any] = []
        self._max_calls = max_calls
        self._calls: dict[str, int] = {}
        self._finished: set[str] = set()
        #: By listener, what has happened of its condition since that was last met.
        self._happened: dict[tuple[str, str], set[str]] = {}
        #: The `or_` listeners that have run and are not to run again in this cycle.
        self._fired: set[str] = set()

    @property
    def result(self) -> Any:
        """The output of the method that finished last; None where none has."""
        return self.outputs[-1] if self.outputs else None

    def began(self, method: Method) -> None:
        """Note that a method is about to run. Running again begins a new cycle, in which every `or_` may fire.

        Raises:
            MethodCallLimitError: it has run `max_method_calls` times.
        """
        calls = self._calls[method.name] = self._calls.get(method.name, 0) + 1
        if calls > self._max_calls:
            raise MethodCallLimitError(
                f"method {method.name!r} has been called {self._max_calls} times in this run: the flow's cycle does not "
                "end. Have its router return a label that leaves the cycle, or raise max_method_calls"
            )
        if method.name in self._finished:
            self._finished.discard(method.name)
            self._fired.clear()

    def finished(self, method: Method, output: Any) -> None:
        """Note that a method has returned."""
        self._finished.add(method.name)
        self.outputs.append(output)

    def triggered(self, name: str, *, routers: bool) -> list[Method]:
        """Note for the routers, or the other listeners, that `name` has happened; return those that now run."""
        triggered = []
        for method in self.definition.methods.values():
            condition = method.role.listens_to
            if condition is None or method.role.is_router is not routers:
                continue
            once = fires_once(condition) and not routers
            if once and method.name in self._fired:
                continue
            if self._now_met(("listen", method.name), condition, name):
                triggered.append(method)
                if once:
                    self._fired.add(method.name)
        return triggered

    def restarted(self, name: str) -> list[Method]:
        """Note for the starts with conditions that `name` has happened; return those that now run."""
        return [
            method
            for method in self.definition.methods.values()
            if method.role.starts_on is not None and self._now_met(("start", method.name), method.role.starts_on, name)
        ]

    def _now_met(self, key: tuple[str, str], condition: Any, name: str) -> bool:
        happened = self._happened.setdefault(key, set())
        happened.add(name)
        if not is_met(condition, happened):
            return False
        del self._happened[key]
        return True

    def fired(self) -> set[str]:
        """Return a copy of the names of the `or_` listeners that have fired in this cycle."""
        return set(self._fired)

    def rearm(self, label: str, among: set[str]) -> None:
        """Let the `or_` listeners of a label that a router has just returned fire again; each of `among` once."""
        for name in sorted(self._fired & among):
            condition = self.definition.methods[name].role.listens_to
            if condition is not None and label in names_in(condition):
                self._fired.discard(name)
                among.discard(name)
