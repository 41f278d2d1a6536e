"""An answer that breaks off is never taken for a whole one, and what came of it before is not lost."""

from __future__ import annotations

import re
from typing import Any

import pytest

from harness.errors import ProviderError, StreamTruncatedError
from tests.llm.scripted import WAYS, Way, streamed
from tests.providers.integrations import (
    ANTHROPIC,
    AZURE,
    BEDROCK,
    OPENAI_CHAT,
    anthropic,
    bedrock,
    each,
    each_integration,
    openai_chat,
)
from tests.providers.integrations.integration import Break, Integration, ask
from tests.servers.raw import Raw
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


#: Streams without what marks their end: with the reason why they ended, and without it.
UNMARKED: tuple[tuple[Integration, bytes, bytes], ...] = (
    (OPENAI_CHAT, openai_chat.event({"content": "a"}, "stop"), openai_chat.event({"content": "a"})),
    (AZURE, openai_chat.event({"content": "a"}, "stop"), openai_chat.event({"content": "a"})),
    (
        ANTHROPIC,
        anthropic.START + anthropic.TEXT + anthropic.end("end_turn").removesuffix(anthropic.STOP),
        anthropic.START + anthropic.TEXT,
    ),
    (
        BEDROCK,
        bedrock.START + bedrock.text("a") + bedrock.event("messageStop", stopReason="end_turn"),
        bedrock.START + bedrock.text("a"),
    ),
)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("integration", "whole", "cut"), [pytest.param(*row, id=row[0].name, marks=row[0].marks) for row in UNMARKED]
)
def test_a_host_that_marks_no_end_is_used_by_saying_so(
    integration: Integration, whole: bytes, cut: bytes, way: Way
) -> None:
    for body, said, error in (
        (whole, False, StreamTruncatedError),
        (whole, True, None),
        (cut, True, StreamTruncatedError),
    ):
        with Raw(body, integration.stream_type) as server:
            ran = streamed(integration.llm(server, without_end_marker=said), way, "Hi")
        assert type(ran.error) is (error or type(None))
        # Frames of calls to all other hosts are as they were.
        assert ran.frames[0].data.get("without_end_marker") is (True if said else None)
        assert ("without_end_marker" in ran.frames[0].data) is said


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
