"""What calls to models have used so far."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final, Self

from harness.fork import freed_by_fork
from harness.validation import UserModel

#: The names under which providers count what was read and what was written.
_PROMPT: Final = ("prompt_tokens", "input_tokens", "prompt_token_count", "inputTokens", "promptTokenCount")
_COMPLETION: Final = (
    "completion_tokens",
    "output_tokens",
    "candidates_token_count",
    "outputTokens",
    "candidatesTokenCount",
)
_CACHED: Final = (
    "cached_prompt_tokens",
    "cached_tokens",
    "cache_read_input_tokens",
    "cacheReadInputTokens",
    "cached_content_token_count",
    "cachedContentTokenCount",
)
_CREATED: Final = ("cache_creation_tokens", "cache_creation_input_tokens", "cacheWriteInputTokens")
_REASONING: Final = ("reasoning_tokens", "thoughts_token_count", "thoughtsTokenCount", "thinking_tokens")
#: Where counts of parts are nested.
_DETAILS: Final = (
    "prompt_tokens_details",
    "input_tokens_details",
    "completion_tokens_details",
    "output_tokens_details",
)
#: Where what the cache gave or took is not among what was read, and where reasoning is not among what was written.
_CACHE_APART: Final = frozenset({"cache_read_input_tokens", "cache_creation_input_tokens", "cacheReadInputTokens",
                                 "cacheWriteInputTokens"})  # fmt: skip
_REASONING_APART: Final = frozenset({"thoughts_token_count", "thoughtsTokenCount"})


class UsageMetrics(UserModel):
    """Sums over calls that were answered. `successful_requests` counts those that completed."""

    total_tokens: int = 0
    prompt_tokens: int = 0
    cached_prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cache_creation_tokens: int = 0
    successful_requests: int = 0

    @classmethod
    def from_provider_dict(cls, usage: Mapping[str, Any] | None) -> Self | None:
        """Return the counts of one call, under whichever names and in whichever nesting its provider has them; None for none.

        As in clause `llm.usage`: prompt tokens count what a cache gave and took, completion tokens the reasoning. A total
        that is missing is their sum.
        """
        if not usage:
            return None
        flat = {name: count for name, count in usage.items() if _is_count(count)}
        for nested in (usage.get(name) for name in _DETAILS):
            if isinstance(nested, Mapping):
                flat |= {name: count for name, count in nested.items() if _is_count(count) and name not in flat}
        cached, created, reasoning = _first(flat, _CACHED), _first(flat, _CREATED), _first(flat, _REASONING)
        # Under OpenAI's names, the whole is counted by the one who has named it so.
        cache_apart = frozenset() if "prompt_tokens" in flat else _CACHE_APART
        reasoning_apart = frozenset() if "completion_tokens" in flat else _REASONING_APART
        prompt = _first(flat, _PROMPT) + sum(flat[name] for name in cache_apart & flat.keys())
        completion = _first(flat, _COMPLETION) + sum(flat[name] for name in reasoning_apart & flat.keys())
        total = flat.get("total_tokens", 0)
        return cls(
            total_tokens=max(total, prompt + completion),
            prompt_tokens=prompt,
            cached_prompt_tokens=cached,
            completion_tokens=completion,
            reasoning_tokens=reasoning,
            cache_creation_tokens=created,
            successful_requests=1,
        )

    def add_usage_metrics(self, other: UsageMetrics) -> None:
        """Add the counts of `other` to these."""
        for name in type(self).model_fields:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _first(counts: Mapping[str, int], names: tuple[str, ...]) -> int:
    return next((counts[name] for name in names if name in counts), 0)


class UsageCounter:
    """Adds up usage; from any thread."""

    def __init__(self) -> None:
        self._lock = freed_by_fork(threading.Lock())
        self._sums = dict.fromkeys(UsageMetrics.model_fields, 0)

    # A copy goes on from these sums, and a lock can't be copied.

    def __getstate__(self) -> dict[str, int]:
        with self._lock:
            return dict(self._sums)

    def __setstate__(self, sums: dict[str, int]) -> None:
        self._lock = freed_by_fork(threading.Lock())
        self._sums = dict(sums)

    def add(self, usage: Mapping[str, Any] | None, *, requests: int = 1) -> None:
        """Count so many completed calls, and their tokens where the wire told them."""
        # Other counts, and those of parts, may stand beside them.
        reported = {name: count for name, count in (usage or {}).items() if name in self._sums and _is_count(count)}
        counts: dict[str, int] = {**dict.fromkeys(self._sums, 0), **reported}
        counts["total_tokens"] = counts["total_tokens"] or counts["prompt_tokens"] + counts["completion_tokens"]
        counts["successful_requests"] = requests
        with self._lock:
            for name, count in counts.items():
                self._sums[name] += count

    def metrics(self) -> UsageMetrics:
        """Return the sums so far."""
        with self._lock:
            return UsageMetrics(**self._sums)
