"""How far one run of a flow has come: what has finished, what each listener still waits for.

It belongs to the plan of the run, never to the flow, so runs of one flow that overlap do not mix.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, field

from harness.flow.graph.conditions import Condition, fires_once, is_met
from harness.flow.graph.definition import Waiting


class Progress(Struct):
    """The bookkeeping of one run, in plain values."""

    #: How often each method has been called.
    counts: dict[str, int] = field(default_factory=dict)
    #: The methods that have finished and were not called again.
    finished: list[str] = field(default_factory=list)
    #: By listener, and by start with a condition, what has happened of its condition since that was last met.
    listening: dict[str, list[str]] = field(default_factory=dict)
    starting: dict[str, list[str]] = field(default_factory=dict)
    #: The `or_` listeners that have been called and are not to be called again in this cycle.
    fired: list[str] = field(default_factory=list)

    def called(self, method: str) -> int:
        """Note that a method is to be called, and return how often it has been by now.

        A call of one that has finished begins a new cycle, in which every `or_` may fire.
        """
        count = self.counts[method] = self.counts.get(method, 0) + 1
        if method in self.finished:
            self.finished.remove(method)
            self.fired.clear()
        return count

    def ended(self, method: str) -> None:
        """Note that a method has returned."""
        if method not in self.finished:
            self.finished.append(method)

    def routers(self, waiting: Waiting, name: str) -> list[str]:
        """Note for the routers that `name` has happened; return those that are now to be called."""
        return [router for router, condition in waiting if _is_met_with(self.listening, router, condition, name)]

    def listeners(self, waiting: Waiting, name: str) -> list[str]:
        """Note for the listeners that are no routers that `name` has happened; return those that are now to be called."""
        triggered = []
        for listener, condition in waiting:
            once = fires_once(condition)
            if once and listener in self.fired:
                continue
            if _is_met_with(self.listening, listener, condition, name):
                triggered.append(listener)
                if once:
                    self.fired.append(listener)
        return triggered

    def restarts(self, waiting: Waiting, name: str) -> list[str]:
        """Note for the starts with conditions that `name` has happened; return those that are now to be called."""
        return [start for start, condition in waiting if _is_met_with(self.starting, start, condition, name)]

    def rearm(self, listeners: Iterable[str], among: list[str]) -> None:
        """Let `or_` listeners fire again for a label that a router has just returned; each of `among` once."""
        for name in listeners:
            if name in among and name in self.fired:
                self.fired.remove(name)
                among.remove(name)


def _is_met_with(happened: dict[str, list[str]], method: str, condition: Condition, name: str) -> bool:
    names = happened.setdefault(method, [])
    if name not in names:
        names.append(name)
    if not is_met(condition, names):
        return False
    del happened[method]
    return True
