"""What is read of recorded bytes without an integration is what the integration makes of them, in the forms that hosts use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance import wire
from harness.recording import replay_cassette

CHAT = "https://api.mistral.ai/v1/chat/completions"
CONVERSE = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse"
HI = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
ASKED = {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}


def chat(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "c",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }


PARTS = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": "Hello"}]
CITED = {"content": [{"text": "Hel"}, {"text": "lo"}], "citations": [{"title": "t"}]}
FORMS: dict[str, tuple[str, Any, Any, str]] = {
    "openai, parts": (CHAT, HI, chat({"role": "assistant", "content": PARTS}), "Hello"),
    "openai, one text": (CHAT, HI, chat({"role": "assistant", "content": "Hello"}), "Hello"),
    "bedrock, quotes": (
        CONVERSE,
        ASKED,
        {
            "output": {"message": {"role": "assistant", "content": [{"citationsContent": CITED}]}},
            "stopReason": "end_turn",
        },
        "Hello",
    ),
}


@pytest.mark.parametrize(("url", "asked", "answer", "text"), FORMS.values(), ids=FORMS)
def test_both_read_the_same(url: str, asked: Any, answer: Any, text: str, tmp_path: Path) -> None:
    recorded = {
        "request": {"method": "POST", "uri": url, "headers": {}, "body": json.dumps(asked)},
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {"content-type": ["application/json"]},
            "body": {"string": json.dumps(answer)},
        },
    }
    path = tmp_path / "cassette.yaml"
    path.write_text(yaml.safe_dump({"interactions": [recorded]}))
    (run,) = replay_cassette(path)
    assert run.sessions[0].result == text
    reading = wire.read("openai" if url == CHAT else "bedrock", json.dumps(answer).encode(), streamed=False)
    assert (reading.text, reading.failed, reading.ended) == (text, False, True)


def test_a_call_in_the_form_before_there_were_several_is_a_call() -> None:
    asked = chat({"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}})
    (call,) = wire.read("openai", json.dumps(asked).encode(), streamed=False).calls
    assert (call.name, call.arguments, call.id) == ("f", "{}", None)
