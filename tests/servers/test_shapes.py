"""Shapes are read from bytes, and what the server sends has the shapes of live traffic."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.servers.openai.chat import OpenAIChatServer
from tests.servers.openai.chat_scenarios import SCENARIOS, Completion
from tests.servers.openai.test_chat import SCHEMA, TOOLS, USAGE, fetch
from tests.servers.shapes import EventShape, KeySet, plain_shape, stream_shape
from tests.servers.wire_server import Ending

CHUNK: Final = ("id", "object", "created", "model", "service_tier", "system_fingerprint", "choices")
CHOICE: Final = ("index", "delta", "logprobs", "finish_reason")
STREAMING_PAGE: Final = "platform.openai.com/docs/api-reference/chat-streaming, as openai-python 3.52.0 states it"
ERRORS_PAGE: Final = "platform.openai.com/docs/guides/error-codes, as openai-python 3.52.0 reads it"

#: What the server sends though no recording of the corpus has it, with the source that says so (read 2026-11-21).
DOCUMENTED_UNSEEN: Final[dict[KeySet, str]] = {
    KeySet("refusal", "$", (*CHUNK, "obfuscation")): f"{STREAMING_PAGE}: delta.refusal",
    KeySet("refusal", "$", (*CHUNK, "usage", "obfuscation")): f"{STREAMING_PAGE}: delta.refusal",
    KeySet("refusal", "$.choices[]", CHOICE): f"{STREAMING_PAGE}: delta.refusal",
    KeySet("refusal", "$.choices[].delta", ("refusal",)): f"{STREAMING_PAGE}: delta.refusal",
    # Both seen for other kinds of events: the corpus has one call only with usage, and parallel calls only without.
    KeySet("role+tool_call", "$", (*CHUNK, "obfuscation")): f"{STREAMING_PAGE}: stream_options.include_usage",
    KeySet("tool_call", "$", (*CHUNK, "usage", "obfuscation")): f"{STREAMING_PAGE}: stream_options.include_usage",
    KeySet("error_event", "$", ("error",)): f"{ERRORS_PAGE}: an event with the key error (openai/_streaming.py)",
    KeySet("error_event", "$.error", ("message", "type", "param", "code")): f"{ERRORS_PAGE}: the error object",
}

ROLE: Final = b'data: {"choices":[{"delta":{"role":"assistant"},"finish_reason":null}]}\n\n'
ROLE_SHAPE: Final = EventShape(
    "role",
    (
        KeySet("role", "$", ("choices",)),
        KeySet("role", "$.choices[]", ("delta", "finish_reason")),
        KeySet("role", "$.choices[].delta", ("role",)),
    ),
)


@pytest.mark.parametrize(
    ("body", "events", "end_marker", "torn"),
    [
        (b"", (), None, False),
        (ROLE, (ROLE_SHAPE,), None, False),
        (ROLE + b"data: [DONE]\n\n", (ROLE_SHAPE,), "[DONE]", False),
        (ROLE.replace(b"\n", b"\r\n"), (ROLE_SHAPE,), None, False),
        (b": comment\n\nevent: x\n" + ROLE, (ROLE_SHAPE,), None, False),
        (ROLE + b"data: [DONE]\n", (ROLE_SHAPE,), None, True),
        (ROLE + ROLE[:9], (ROLE_SHAPE,), None, True),
        (ROLE + b"data: \xf0\x9f", (ROLE_SHAPE,), None, True),
        (b'data: {"error":\ndata: {}}\n\n', (EventShape("error_event", (
            KeySet("error_event", "$", ("error",)), KeySet("error_event", "$.error", ()))),), None, False),
        (b'data: {"other":1}\n\n', (EventShape("unknown", (KeySet("unknown", "$", ("other",)),)),), None, False),
    ],
    ids=[
        "nothing", "no end", "end", "CRLF", "comment and field", "end marker torn", "event torn", "character torn",
        "two lines", "unknown",
    ],
)  # fmt: skip
def test_stream_is_read_as_events(
    body: bytes, events: tuple[EventShape, ...], end_marker: str | None, torn: bool
) -> None:
    shape = stream_shape(body)
    assert (shape.events, shape.end_marker, shape.torn) == (events, end_marker, torn)


@pytest.mark.parametrize("body", [b"data: {\n\n", b"data: [DONE]\n\n" + ROLE], ids=["no JSON", "after the end"])
def test_stream_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="Expecting"):
        stream_shape(body)


@pytest.mark.parametrize(
    ("body", "kind"), [(b'{"choices":[]}', "completion"), (b'{"error":{}}', "error"), (b"{}", "unknown")]
)
def test_plain_body_has_a_kind(body: bytes, kind: str) -> None:
    assert plain_shape(body).kind == kind


def test_what_the_server_sends_has_live_shapes(corpus: Path) -> None:
    live = live_key_sets(corpus)
    authored = authored_key_sets()
    assert live, "the corpus has no chat completions"
    assert sorted(authored - live) == sorted(DOCUMENTED_UNSEEN)


def authored_key_sets() -> set[KeySet]:
    """The key sets of every scenario, streamed and plain, with usage and without."""
    found: set[KeySet] = set()
    with OpenAIChatServer() as server:
        server.hold.set()
        for name, scenario in SCENARIOS.items():
            first = scenario.replies[0]
            if isinstance(first, Completion) and first.ending is not Ending.WHOLE:
                continue  # a body that HTTP can't finish; its events are those of `text` and `tool_call`
            for options in ({}, {"stream": True}, {"stream": True, **USAGE}):
                response, body = fetch(server, name, **TOOLS, **SCHEMA, **options)
                found |= key_sets(body, response.getheader("content-type", ""))
        options = {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}}
        found |= key_sets(fetch(server, "text", **options)[1], "text/event-stream")
    return found


def live_key_sets(corpus: Path) -> set[KeySet]:
    with (corpus / "INDEX.tsv").open(newline="") as index:
        files = [row["file"] for row in csv.DictReader(index, delimiter="\t") if "openai-chat" in row["providers"]]
    found: set[KeySet] = set()
    for file in files:
        cassette: Any = yaml.load((corpus / file).read_bytes(), Loader=yaml.CSafeLoader)
        for interaction in cassette["interactions"]:
            if interaction["request"]["uri"].endswith("/chat/completions"):
                found |= key_sets(*recorded_body(interaction["response"]))
    return found


def recorded_body(response: Any) -> tuple[bytes, str]:
    """The body and its content type, as vcrpy keeps them: text or bytes, compressed or not."""
    kept = response["body"]["string"]
    body = kept.encode() if isinstance(kept, str) else kept
    headers = {name.lower(): values[0] for name, values in response["headers"].items()}
    return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body, headers["content-type"]


def key_sets(body: bytes, content_type: str) -> frozenset[KeySet]:
    if content_type.startswith("text/event-stream"):
        return stream_shape(body).key_sets
    return frozenset(plain_shape(body).key_sets)
