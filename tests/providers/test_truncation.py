"""An answer that breaks off is never taken for a whole one, and what came of it before is not lost."""

from __future__ import annotations

import re
from typing import Any

import pytest

from harness.errors import ProviderError
from tests.llm.scripted import WAYS, Way, streamed
from tests.providers.integrations import each, each_integration
from tests.providers.integrations.integration import Break, Integration, ask
from tests.servers.scripted_server import ScriptedServer


@pytest.mark.parametrize("way", WAYS)
@each("broken", lambda integration: integration.breaks, "scenario")
def test_a_stream_that_breaks_off_is_a_failure_after_the_chunks_that_came(
    integration: Integration, broken: Break, way: Way, server: ScriptedServer[Any, Any]
) -> None:
    ran = streamed(integration.llm(server), way, integration.prompts[broken.scenario], **broken.keywords)
    error = ran.error
    assert type(error) is broken.kind
    assert isinstance(error, ProviderError)
    assert broken.told in str(error)
    assert (error.provider, error.status, error.code) == (integration.provider, None, broken.code)
    assert error.retryable is broken.retryable
    if integration.request_id is None:
        assert error.request_id is None
    else:
        assert re.fullmatch(integration.request_id, error.request_id or "")
    first, *came, last = ran.transcript
    assert (first, last) == ("started", f"failed {broken.kind.__name__}")
    expected = integration.came if broken.came is None else broken.came
    assert [line[: len(begun)] for line, begun in zip(came, expected, strict=True)] == list(expected)
    assert len(server.requests) == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scenario", ["truncated_eof", "truncated_reset"])
@each_integration
def test_a_whole_answer_that_breaks_off_is_a_failure(
    integration: Integration, scenario: str, way: Way, server: ScriptedServer[Any, Any]
) -> None:
    ran = ask(integration.llm(server), way, False, integration.prompts[scenario])
    assert isinstance(ran.error, ProviderError)
    assert type(ran.error) in integration.cut_whole
    assert ran.error.provider == integration.provider
    assert ran.transcript == ["started", f"failed {type(ran.error).__name__}"]
