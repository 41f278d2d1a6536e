"""Streams as hosts may send them: each says what its bytes say, however they are split."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from harness.recording.tape.tape import playing
from harness.recording.wire import Chunk, Ending, Interaction, WireRequest, WireResponse
from tests.llm.scripted import WAYS, Way, streamed
from tests.providers.integrations import (
    ANTHROPIC,
    AZURE,
    BEDROCK,
    OPENAI_CHAT,
    OPENAI_RESPONSES,
    each,
    each_integration,
)
from tests.providers.integrations.integration import Integration, Stream
from tests.servers.raw import Raw


@pytest.mark.parametrize("way", WAYS)
@each("stream", lambda integration: integration.streams, "name")
def test_a_stream_says_what_its_bytes_say(integration: Integration, stream: Stream, way: Way) -> None:
    with Raw(stream.body, integration.stream_type) as server:
        assert streamed(integration.llm(server), way, "Hi").transcript == ["started", *stream.told]


@pytest.mark.parametrize("way", WAYS)
@each_integration
def test_a_head_that_names_another_type_changes_nothing(integration: Integration, way: Way) -> None:
    with Raw(integration.split.body, "application/octet-stream") as server:
        assert streamed(integration.llm(server), way, "Hi").transcript == ["started", *integration.split.told]


class Again:
    """The `split` of an integration, which was asked for once, and comes again in other pieces or with another end."""

    def __init__(self, integration: Integration) -> None:
        self.stream = integration.split
        with Raw(self.stream.body, integration.stream_type) as server:
            self._llm: Any = integration.llm(server)
            assert streamed(self._llm, "sync", "Hi").transcript == ["started", *self.stream.told]
            (asked,) = server.requests
        self._request = WireRequest(asked.method, f"{server.origin}{asked.path}", (), asked.body)
        self._headers = (("content-type", integration.stream_type),)

    def transcript(self, ends: Iterable[int], ended: Ending, way: Way = "sync") -> list[str]:
        chunks = tuple(Chunk(start, end - start, 0.0) for start, end in itertools.pairwise([0, *ends]))
        response = WireResponse(200, "OK", self._headers, self.stream.body, chunks, ended, ())
        with playing(Path("again"), (Interaction(self._request, response),)):
            return streamed(self._llm, way, "Hi").transcript


@each_integration
def test_frames_are_the_same_however_the_bytes_are_split(integration: Integration) -> None:
    again = Again(integration)
    length = len(again.stream.body)
    for ends in (
        [*range(1, length + 1)],
        [*range(3, length, 3), length],
        *([at, length] for at in range(1, length, integration.split_step)),
    ):
        transcript = again.transcript(ends, Ending("complete", None, 0.0))
        assert transcript == ["started", *again.stream.told], f"pieces end at {ends[:3]}"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "integration",
    [
        pytest.param(one, id=one.name, marks=one.marks)
        # Gemini marks no end but that of the connection.
        for one in (OPENAI_CHAT, OPENAI_RESPONSES, AZURE, ANTHROPIC, BEDROCK)
    ],
)
def test_a_connection_that_breaks_behind_the_end_breaks_no_answer(integration: Integration, way: Way) -> None:
    again = Again(integration)
    broken = Ending("reset", "ReadError: gone", 0.0)
    assert again.transcript([len(again.stream.body)], broken, way) == ["started", *again.stream.told]
