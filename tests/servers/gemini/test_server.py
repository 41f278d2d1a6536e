"""The server says what its scenarios say, to the official SDK, and in the shapes of live traffic."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from google import genai

from tests.providers.recorded.reading import live_exchanges
from tests.servers.gemini.scenarios import SCENARIOS, Answer
from tests.servers.gemini.server import GeminiServer
from tests.servers.gemini.shapes import key_sets
from tests.servers.plain_client import post
from tests.servers.script import HARBOUR_TEXT
from tests.servers.shapes import KeySet
from tests.servers.wire_server import Ending

MODEL: Final = "gemini-2.5-flash"
METHODS: Final = ("generateContent", "streamGenerateContent?alt=sse")


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with GeminiServer() as running:
        yield running


def fetch(server: GeminiServer, name: str, method: str, *, model: str = MODEL) -> tuple[int, str, bytes]:
    prompt = SCENARIOS[name].prompt
    body: dict[str, Any] = {"contents": [{"parts": [{"text": prompt}], "role": "user"}]}
    response, text = post(server, f"/v1beta/models/{model}:{method}", body, {"x-goog-api-key": "k"})
    return response.status, response.headers["content-type"], text


def test_the_sdk_reads_the_same_text_streamed_and_whole(server: GeminiServer) -> None:
    with genai.Client(vertexai=False, api_key="k", http_options={"base_url": server.origin}) as client:
        prompt = SCENARIOS["text"].prompt
        whole = client.models.generate_content(model=MODEL, contents=prompt)
        chunks = list(client.models.generate_content_stream(model=MODEL, contents=prompt))
    assert whole.text == "".join(chunk.text or "" for chunk in chunks) == HARBOUR_TEXT


def test_a_model_that_the_server_has_not_is_refused(server: GeminiServer) -> None:
    status, _, body = fetch(server, "text", METHODS[0], model="gemini-0")
    assert (status, json.loads(body)["error"]["status"]) == (404, "NOT_FOUND")


_COUNTS: Final = ("promptTokenCount", "candidatesTokenCount", "totalTokenCount")
#: What the server sends though no recording of the corpus has it (ai.google.dev/api/generate-content, 2026-11).
DOCUMENTED_UNSEEN: Final = {
    *(
        KeySet(kind, path, keys)
        for kind in ("chunk", "whole")
        for path, keys in (
            ("$.candidates[].content.parts[]", ("text", "thought")),
            ("$.candidates[].content.parts[].functionCall", ("name", "args", "id")),
            ("$.usageMetadata", (*_COUNTS, "cachedContentTokenCount", "promptTokensDetails")),
        )
    ),
    # The details by modality are optional.
    KeySet("whole", "$.usageMetadata", (*_COUNTS, "promptTokensDetails")),
    KeySet("error", "$.error", ("code", "message", "status")),
}


def test_what_the_server_sends_has_live_shapes(corpus: Path, server: GeminiServer) -> None:
    live = {found for one in live_exchanges(corpus, "gemini") for found in key_sets(one.body, one.content_type)}
    server.hold.set()
    authored: set[KeySet] = set()
    for name, scenario in SCENARIOS.items():
        first = scenario.replies[0]
        if isinstance(first, Answer) and first.ending is not Ending.WHOLE:
            continue  # a body that HTTP can't finish; its chunks are those of `text`
        for method in METHODS:
            _, content_type, body = fetch(server, name, method)
            authored |= key_sets(body, content_type)
    assert authored - live == DOCUMENTED_UNSEEN
