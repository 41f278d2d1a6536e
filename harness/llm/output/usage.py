"""What the calls of an LLM have used so far."""

from __future__ import annotations

import threading

from pydantic import BaseModel

from harness.llm.output.parts import Usage


class UsageMetrics(BaseModel):
    """Sums over calls. `successful_requests` counts the calls that completed."""

    total_tokens: int = 0
    prompt_tokens: int = 0
    cached_prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cache_creation_tokens: int = 0
    successful_requests: int = 0


class UsageCounter:
    """Adds up usage; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums = dict.fromkeys(UsageMetrics.model_fields, 0)

    def add(self, usage: Usage | None) -> None:
        """Count one completed call, and its tokens where the wire told them."""
        counts = usage.payload() if usage is not None else {}
        with self._lock:
            self._sums["successful_requests"] += 1
            for name, count in counts.items():
                self._sums[name] += count

    def summary(self) -> UsageMetrics:
        """Return the sums so far."""
        with self._lock:
            return UsageMetrics(**self._sums)
