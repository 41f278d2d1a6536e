"""What the Azure server sends has the shapes of live traffic, and it answers only as Azure would."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from harness.recording.files.cassette_reader import read_cassette
from tests.servers.azure.server import AzureServer
from tests.servers.openai.chat_scenarios import SCENARIOS
from tests.servers.plain_client import post
from tests.servers.shapes import KeySet, plain_shape, stream_shape

PATH: Final = "/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-12-01-preview"
USAGE: Final[dict[str, Any]] = {"stream": True, "stream_options": {"include_usage": True}}


@pytest.fixture
def server() -> Iterator[AzureServer]:
    with AzureServer() as running:
        yield running


def fetch(server: AzureServer, name: str, path: str = PATH, key: str = "api-key", **options: Any) -> tuple[int, bytes]:
    body = {"messages": [{"role": "user", "content": SCENARIOS[name].prompt}], "tools": [], **options}
    response, text = post(server, path, body, {key: "test-key"})
    assert response.getheader("apim-request-id")
    return response.status, text


#: What no recording of the corpus has, with where its parts were seen.
UNSEEN: Final = {
    ("role", "$.choices[].delta", ("role",)): "parallel calls, as OpenAI streams them",
    ("role", "$.choices[].delta", ("content", "role")): "parallel calls, as OpenAI streams them",
}


def test_what_the_server_sends_has_live_shapes(corpus: Path, server: AzureServer) -> None:
    authored: set[KeySet] = set()
    for name in ("text", "tool_call", "parallel_tool_calls", "length"):
        authored |= key_sets(fetch(server, name)[1]) | key_sets(fetch(server, name, **USAGE)[1])
    live: set[KeySet] = set()
    with (corpus / "INDEX.tsv").open(newline="") as index:
        files = [row["file"] for row in csv.DictReader(index, delimiter="\t") if row["providers"] == "azure"]
    for file in files:
        for one in read_cassette(corpus / file):
            if "/deployments/" in one.request.url:
                live |= key_sets(one.response.body)
    assert live
    paths = {(shape.path, shape.keys) for shape in live}
    assert {(shape.path, shape.keys) for shape in authored} <= paths | {shape[1:] for shape in UNSEEN}


def key_sets(body: bytes) -> frozenset[KeySet]:
    if body.startswith(b"data:"):
        shape = stream_shape(body)
        assert shape.end_marker == "[DONE]"
        return shape.key_sets
    return frozenset(plain_shape(body).key_sets)


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        (PATH, "api-key", 200),
        (PATH, "authorization", 401),
        (PATH.partition("?")[0], "api-key", 404),
        (PATH.replace("gpt-4o-mini", "gpt-0"), "api-key", 404),
        ("/openai/v1/responses", "api-key", 401),
    ],
    ids=["known", "no key", "no version", "no deployment", "responses without a bearer"],
)
def test_request_that_azure_would_refuse_is_refused(path: str, key: str, status: int, server: AzureServer) -> None:
    assert fetch(server, "text", path, key)[0] == status
