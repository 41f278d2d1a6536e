"""Attempts after the first are the SDK's to make, and only the one that counts has frames."""

from __future__ import annotations

from typing import Any

import pytest

from tests.llm.scripted import WAYS, Way, streamed
from tests.providers.integrations import each_integration
from tests.providers.integrations.integration import Integration
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
