"""Attempts after the first are the SDK's to make, and only the one that counts has frames."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from importlib import import_module
from typing import Any

import pytest

from harness.errors import ProviderStatusError
from tests.llm.scripted import WAYS, Way, streamed
from tests.providers.integrations import each_integration
from tests.providers.integrations.integration import Integration
from tests.servers.raw import Raw
from tests.servers.scripted_server import ScriptedServer
from tests.servers.wire_server import WireRequest, WireResponse

#: An error that may pass, and that need not be waited for.
BUSY = WireResponse(503, (("retry-after-ms", "1"), ("content-type", "application/json")), (b"{}",), 2)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("failures", "retries", "requests", "last"),
    [(0, 2, 1, "completed"), (2, 2, 3, "completed"), (2, 1, 2, "failed"), (1, 0, 1, "failed")],
)
@each_integration
def test_retries_are_the_sdks_and_only_the_attempt_that_counts_has_frames(
    integration: Integration,
    failures: int,
    retries: int,
    requests: int,
    last: str,
    way: Way,
    server: ScriptedServer[Any, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, replaced in integration.hurry.items():
        monkeypatch.setattr(name, replaced)
    be_busy(server, failures, monkeypatch)
    ran = streamed(integration.llm(server, max_retries=retries), way, integration.prompts["text"])
    assert len(server.requests) == requests
    assert [line.split()[0] for line in (ran.transcript[0], ran.transcript[-1])] == ["started", last]
    assert sum(line.startswith(("completed", "failed")) for line in ran.transcript) == 1


def be_busy(server: ScriptedServer[Any, Any], times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the server answer that it is busy so many times first."""
    answer = server.answer

    def busy_at_first(request: WireRequest) -> WireResponse:
        answered = answer(request)
        return BUSY if len(server.requests) <= times else answered

    monkeypatch.setattr(server, "answer", busy_at_first)


class UsedUp(Raw):
    """A provider of whose quota nothing is left until tomorrow."""

    def __init__(self, retry_after: str) -> None:
        super().__init__()
        self._retry_after = retry_after

    def answer(self, request: WireRequest) -> WireResponse:
        super().answer(request)
        headers = (("content-type", "application/json"), ("retry-after", self._retry_after))
        return WireResponse(429, headers, (b'{"error": {"code": "429", "message": "Retry after 86400 seconds."}}',))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "retry_after", ["86400", formatdate(time.time() + 86400, usegmt=True)], ids=["seconds", "a time"]
)
@each_integration
def test_nobody_waits_a_day_for_another_attempt(
    integration: Integration, retry_after: str, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unless_long(sleep: Callable[[float], Any]) -> Callable[[float], Any]:
        def slept(seconds: float, *more: Any) -> Any:
            assert seconds < 600, f"a wait of {seconds} s"
            return sleep(seconds, *more)

        return slept

    for name, replaced in integration.hurry.items():
        monkeypatch.setattr(name, replaced)
    for name in ("time", "asyncio", "anyio"):
        # With boto3 alone, there is no anyio.
        with suppress(ModuleNotFoundError):
            module = import_module(name)
            monkeypatch.setattr(module, "sleep", unless_long(module.sleep))
    with UsedUp(retry_after) as server:
        error = streamed(integration.llm(server, max_retries=1), way, "Hi").error
    assert isinstance(error, ProviderStatusError)
    assert (error.status, error.retryable) == (429, True)
    assert "Retry after 86400 seconds." in str(error)
