"""Streams as hosts may send them: each says what its bytes say, however they are split."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from harness.recording.tape.tape import playing
from harness.recording.wire import Chunk, Ending, Interaction, WireRequest, WireResponse
from tests.llm.scripted import WAYS, Way, streamed
from tests.providers.integrations import each, each_integration
from tests.providers.integrations.integration import Integration, Stream
from tests.servers.raw import Raw


@pytest.mark.parametrize("way", WAYS)
@each("stream", lambda integration: integration.streams, "name")
def test_a_stream_says_what_its_bytes_say(integration: Integration, stream: Stream, way: Way) -> None:
    with Raw(stream.body, integration.stream_type) as server:
        assert streamed(integration.llm(server), way, "Hi").transcript == ["started", *stream.told]


@each_integration
def test_frames_are_the_same_however_the_bytes_are_split(integration: Integration) -> None:
    stream = integration.split
    with Raw(stream.body, integration.stream_type) as server:
        llm: Any = integration.llm(server)
        assert streamed(llm, "sync", "Hi").transcript == ["started", *stream.told]
        (asked,) = server.requests
    request = WireRequest(asked.method, f"{server.origin}{asked.path}", (), asked.body)
    headers = (("content-type", integration.stream_type),)
    length = len(stream.body)
    for ends in (
        [*range(1, length + 1)],
        [*range(3, length, 3), length],
        *([at, length] for at in range(1, length, integration.split_step)),
    ):
        chunks = tuple(Chunk(start, end - start, 0.0) for start, end in itertools.pairwise([0, *ends]))
        response = WireResponse(200, "OK", headers, stream.body, chunks, Ending("complete", None, 0.0), ())
        with playing(Path("split"), (Interaction(request, response),)):
            transcript = streamed(llm, "sync", "Hi").transcript
        assert transcript == ["started", *stream.told], f"pieces end at {ends[:3]}"
