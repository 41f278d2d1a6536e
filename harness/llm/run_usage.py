"""What the calls to models inside a run have used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.bus.scope import Scope, current_scope
from harness.events import BaseEvent
from harness.llm.output.usage import UsageCounter, UsageMetrics


class RunUsage(UsageCounter):
    """Adds up what every completed call of a run tells, whoever makes the call; takes part in the run's events."""

    sees_all = False
    keeps_order = False

    def accept(self, source: Any, event: BaseEvent, scope: Scope) -> None:
        """Count a call that has completed; part of `harness.bus.scope.Sink`."""
        if event.closes == "call" and event.type == "llm_call_completed":
            # A subclass with a call of its own may tell of it under its provider's names.
            used = UsageMetrics.from_provider_dict(getattr(event, "usage", None))
            self.add(None if used is None else used.model_dump())


def count_in_runs(usage: Mapping[str, Any], *, requests: int = 1) -> None:
    """Count usage of which no event tells in the runs around."""
    for sink in current_scope().sinks:
        if isinstance(sink, RunUsage):
            sink.add(usage, requests=requests)
