"""Attempts after the first at Azure, whose SDK would wait for as long as it is told to (see `LONGEST_WAIT_S`)."""

from __future__ import annotations

from typing import Any

from azure.core.pipeline import policies

from harness.providers.shared.failure import LONGEST_WAIT_S


class Retries(policies.RetryPolicy[Any, Any]):
    """Attempts in threads."""

    def is_retry(self, settings: dict[str, Any], response: Any) -> bool:
        return _is_soon(self.get_retry_after(response)) and super().is_retry(settings, response)


class AsyncRetries(policies.AsyncRetryPolicy[Any, Any]):
    """Attempts in a loop."""

    def is_retry(self, settings: dict[str, Any], response: Any) -> bool:
        return _is_soon(self.get_retry_after(response)) and super().is_retry(settings, response)


def _is_soon(wait: float | None) -> bool:
    return wait is None or wait <= LONGEST_WAIT_S
