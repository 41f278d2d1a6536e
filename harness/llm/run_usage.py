"""What the calls to models inside a run have used."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from harness.bus.scope import Scope, current_scope
from harness.events import BaseEvent
from harness.llm.output.usage import UsageMetrics


class RunUsage:
    """Adds up what every completed call of a run tells, whoever makes the call; takes part in the run's events."""

    sees_all = False
    keeps_order = False

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums = dict.fromkeys(UsageMetrics.model_fields, 0)

    def accept(self, source: Any, event: BaseEvent, scope: Scope) -> None:
        """Count a call that has completed; part of `harness.bus.scope.Sink`."""
        if event.closes == "call" and event.type == "llm_call_completed":
            self.add(getattr(event, "usage", None) or {})

    def metrics(self) -> UsageMetrics:
        """Return the sums so far."""
        with self._lock:
            return UsageMetrics(**self._sums)

    def add(self, usage: Mapping[str, Any], *, requests: int = 1) -> None:
        """Count what so many requests have used."""
        # Other counts, and those of parts, may stand beside them.
        counts = {name: count for name in self._sums if isinstance(count := usage.get(name) or 0, int)}
        counts["total_tokens"] = counts["total_tokens"] or counts["prompt_tokens"] + counts["completion_tokens"]
        counts["successful_requests"] = requests
        with self._lock:
            for name, count in counts.items():
                self._sums[name] += count


def count_in_runs(usage: Mapping[str, Any], *, requests: int = 1) -> None:
    """Count usage of which no event tells in the runs around."""
    for sink in current_scope().sinks:
        if isinstance(sink, RunUsage):
            sink.add(usage, requests=requests)
