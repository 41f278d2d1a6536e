"""Traffic that no LLM of the runtime makes is recorded and replayed as any other, and told of in one line."""

from __future__ import annotations

import base64
import inspect
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conformance.providers.runs import load_run
from harness.errors import UnsafeRecordingError
from harness.providers import recognized
from harness.recording import Trust, load_recording, record, replay_recording, scan
from harness.recording.target import Target
from tests.recording.support.loopback import Exchange, Loopback, loopback
from tests.recording.support.unframed_subjects import WAYS

SAID = "All of them."
TOOL_CALL = {"id": "call_1", "type": "function", "function": {"name": "ask_other", "arguments": "{}"}}
IMAGE = base64.b64encode(bytes(range(256)) * 8).decode()


def _json(exchange: Exchange, document: object) -> None:
    exchange.head(content_type="application/json")
    exchange.chunk(json.dumps(document).encode())
    exchange.finish()


def _chat(exchange: Exchange) -> None:
    asked = json.loads(exchange.body)
    message: dict[str, Any] = {"role": "assistant", "content": SAID}
    if asked.get("tools"):
        message = {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL]}
    about = {"id": "c1", "created": 1, "model": "gpt-4o-mini-2024-07-18"}
    reason = "tool_calls" if asked.get("tools") else "stop"
    if not asked.get("stream"):
        choice = {"index": 0, "message": message, "finish_reason": reason}
        _json(exchange, {**about, "object": "chat.completion", "choices": [choice]})
        return
    exchange.head()
    for delta, end in ((message, None), ({}, reason)):
        choice = {"index": 0, "delta": delta, "finish_reason": end}
        exchange.chunk(
            b"data: %b\n\n" % json.dumps({**about, "object": "chat.completion.chunk", "choices": [choice]}).encode()
        )
    exchange.chunk(b"data: [DONE]\n\n")
    exchange.finish()


def _bytes(exchange: Exchange) -> None:
    exchange.head(content_type="audio/mpeg")
    exchange.chunk(b"ID3" + bytes(range(256)) * 4)
    exchange.finish()


def answer(exchange: Exchange) -> None:
    path = exchange.request_line.split()[1].partition("?")[0]
    if path.endswith("/chat/completions"):
        _chat(exchange)
    elif path.endswith("/speech"):
        _bytes(exchange)
    elif path.endswith("/embeddings"):
        _json(
            exchange,
            {"object": "list", "model": "e", "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -1.0]}]},
        )
    elif path.endswith("/images/generations"):
        _json(exchange, {"created": 1, "data": [{"b64_json": IMAGE}]})
    elif path.endswith("/files"):
        _json(exchange, {"id": f"file-{len(exchange.body) > 256}", "object": "file", "bytes": 256, "created_at": 1,
                         "filename": "boats.bin", "purpose": "batch", "status": "processed"})  # fmt: skip
    else:
        _json(exchange, {"embedding": [0.5], "images": [IMAGE], "content": [{"type": "text", "text": SAID}]})


@pytest.fixture
def server() -> Iterator[Loopback]:
    with loopback(answer) as running:
        yield running


#: How many requests each way makes, and how many of them are calls that no frame tells of.
CALLS = {"by_tool": (2, 1), "by_two_requests": (2, 1), "bedrock_invoked": (1, 1)}


#: Blocking clients from a thread, the others from a loop; and one that blocks a loop, as people write it.
STARTED = [(name, "away" if inspect.iscoroutinefunction(WAYS[name]) else "way") for name in WAYS] + [("by_sdk", "away")]


@pytest.mark.parametrize(("name", "start"), STARTED)
def test_what_no_llm_of_the_runtime_asks_is_recorded_and_replayed(
    name: str, start: str, server: Loopback, tmp_path: Path
) -> None:
    notes: list[str] = []
    out = tmp_path / "recording"
    target = Target(f"tests.recording.support.unframed_subjects:{start}", inputs={"name": name})
    done = record(target, out, base_url=server.url, on_note=notes.append)
    assert done.error is None
    requests, unframed = CALLS.get(name, (1, int(name.startswith("by_"))))
    assert (done.written, done.interactions, load_recording(out).unframed_calls) == (True, requests, unframed)
    assert [note.partition(" told")[0] for note in notes] == ["1 call to a model is"] * unframed
    assert scan([out], now=datetime.now(UTC)) == []
    replayed = replay_recording(out)
    assert (replayed.error, replayed.differences, replayed.problems) == (None, [], [])
    assert len(server.exchanges) == requests, "the replay asked the server"


def test_the_file_tells_of_such_calls_only_where_there_are_any(server: Loopback, tmp_path: Path) -> None:
    for name in ("by_httpx", "embeddings"):
        target = Target("tests.recording.support.unframed_subjects:way", inputs={"name": name})
        record(target, tmp_path / name, base_url=server.url)
    assert '"unframed_calls": 1' in (tmp_path / "by_httpx" / "recording.json").read_text()
    assert "unframed_calls" not in (tmp_path / "embeddings" / "recording.json").read_text()


def test_a_run_that_asks_by_other_ways_too_says_nothing_of_single_calls(server: Loopback, tmp_path: Path) -> None:
    target = Target("tests.recording.support.unframed_subjects:way", inputs={"name": "by_two_requests"})
    record(target, tmp_path / "twice", base_url=server.url)
    run = load_run(tmp_path / "twice", Trust(("tests.recording.support.unframed_subjects",)))
    assert run is not None
    assert (len(run.interactions), run.calls) == (2, ())


def test_calls_that_the_run_no_longer_makes_are_refused_all_the_same(server: Loopback, tmp_path: Path) -> None:
    out = tmp_path / "recording"
    subjects = "tests.recording.support.unframed_subjects:way"
    record(Target(subjects, inputs={"name": "by_two_requests"}), out, base_url=server.url)
    with pytest.raises(UnsafeRecordingError, match="2 model calls were answered and the run made 0"):
        record(Target(subjects, inputs={"name": "embeddings"}), out, base_url=server.url, mode="new")


@dataclass(frozen=True)
class Asked:
    url: str
    body: bytes
    is_call: bool


AZURE, MODELS = "https://boats.openai.azure.com/openai", "https://boats.services.ai.azure.com/models"
BEDROCK = "https://bedrock-runtime.us-east-1.amazonaws.com/model"
PROFILE = "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aapplication-inference-profile%2Fx1"
ASKED = [
    Asked(f"{AZURE}/deployments/d/chat/completions", b'{"messages": []}', True),
    Asked(f"{AZURE}/v1/responses", b'{"input": "hi"}', True),
    Asked(f"{AZURE}/deployments/d/embeddings", b'{"input": "hi"}', False),
    Asked(f"{AZURE}/deployments/d/images/generations", b"{}", False),
    Asked(f"{AZURE}/deployments/d/images/edits", b"", False),
    Asked(f"{AZURE}/deployments/d/audio/speech", b"{}", False),
    Asked(f"{AZURE}/deployments/d/audio/transcriptions", b"", False),
    Asked(f"{AZURE}/v1/files", b"", False),
    Asked(f"{MODELS}/chat/completions", b"{}", True),
    Asked(f"{MODELS}/embeddings", b"{}", False),
    Asked(f"{MODELS}/images/embeddings", b"{}", False),
    Asked(f"{BEDROCK}/amazon.nova-lite-v1%3A0/converse", b"{}", True),
    Asked(f"{BEDROCK}/anthropic.claude-3-haiku-20240307-v1%3A0/invoke", b'{"messages": []}', True),
    Asked(f"{BEDROCK}/amazon.titan-text-express-v1/invoke", b'{"inputText": "a", "textGenerationConfig": {}}', True),
    Asked(f"{BEDROCK}/meta.llama3-8b-instruct-v1%3A0/invoke-with-response-stream", b'{"prompt": "a"}', True),
    Asked(f"{BEDROCK}/amazon.titan-embed-text-v2%3A0/invoke", b'{"inputText": "a"}', False),
    Asked(f"{BEDROCK}/{PROFILE}/invoke", b'{"inputText": "a", "dimensions": 256}', False),
    Asked(f"{BEDROCK}/{PROFILE}/invoke", b'{"texts": ["a"], "input_type": "search_query"}', False),
    Asked(f"{BEDROCK}/{PROFILE}/invoke", b'{"taskType": "TEXT_IMAGE"}', False),
    Asked(f"{BEDROCK}/{PROFILE}/invoke", b'{"messages": [], "anthropic_version": "b"}', True),
    Asked(f"{BEDROCK}/us.stability.stable-image-core-v1%3A0/invoke", b'{"prompt": "a boat"}', False),
    Asked(f"{BEDROCK}/cohere.rerank-v3-5%3A0/invoke", b'{"query": "a", "documents": []}', False),
]  # fmt: skip


@pytest.mark.parametrize("row", ASKED, ids=lambda row: f"{row.url.rpartition('.com/')[2]} {row.body[:20]!r}")
def test_path_and_body_decide_what_is_a_call(row: Asked) -> None:
    assert (recognized("POST", row.url, row.body) is not None) is row.is_call
