"""OpenAI's legacy completions: asked, answered whole and in pieces, and made again from what was recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import StreamTruncatedError, UsageError
from harness.llm import LLM, LLMRequest
from harness.llm.input.reader import read_messages
from harness.llm.output.parts import TextDelta
from harness.providers.openai.completions_request import wire_body
from harness.recording import Replayed
from tests.providers.recorded.cassettes import played
from tests.providers.recorded.sending_again import Sent, sent_again

URL = "https://api.openai.com/v1/completions"
ASKED = {"model": "gpt-3.5-turbo-instruct", "prompt": "Hi", "max_tokens": 5}
USAGE = {"usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}
HEAD = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m"}
CHOICE = {"text": "Hello", "index": 0, "finish_reason": "length", "logprobs": None}
ANSWER = {**HEAD, **USAGE, "choices": [CHOICE]}
CHUNKS = (
    {**HEAD, "choices": [{"text": "Hel", "index": 0, "finish_reason": None}]},
    {**HEAD, "choices": [{"text": "lo", "index": 0, "finish_reason": "length"}]},
    {**HEAD, **USAGE, "choices": []},
)
STREAM = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in CHUNKS)


def replayed(folder: Path, asked: dict[str, Any], answer: str, kind: str) -> Replayed:
    return played(folder, URL, asked, answer, kind)


@pytest.mark.parametrize(
    ("asked", "answer", "kind"),
    [
        (ASKED, json.dumps(ANSWER), "application/json"),
        ({**ASKED, "stream": True}, f"{STREAM}data: [DONE]\n\n", "text/event-stream"),
    ],
    ids=["whole", "streamed"],
)
def test_a_completion_is_its_text_with_usage_and_reason(asked: Any, answer: str, kind: str, tmp_path: Path) -> None:
    run = replayed(tmp_path, asked, answer, kind)
    assert (run.unjudged, run.problems, run.error) == (None, [], None)
    assert run.sessions[0].result == "Hello"
    assert (run.frames[-1].data["finish_reason"], run.frames[-1].data["usage"]["total_tokens"]) == ("length", 3)


@pytest.mark.parametrize("model", ["openai/m", "openai-completions/m"])
@pytest.mark.parametrize("beside", ["delta", "message"])
def test_text_beside_a_null_is_the_answer(beside: str, model: str) -> None:
    llm: Any = LLM(model, api_key="k")
    sent = json.dumps({**ANSWER, "choices": [{**CHOICE, beside: None}]}).encode()
    streamed, whole = (llm._answer(LLMRequest(read_messages("Hi"))) for _ in range(2))
    parts = [*whole.whole(sent)]
    assert TextDelta("Hello") in parts
    assert [*streamed.piece(b"data: " + sent + b"\n\ndata: [DONE]\n\n"), *streamed.end()] == parts


def test_a_stream_that_breaks_off_is_no_completion(tmp_path: Path) -> None:
    sent = STREAM[: STREAM.index("data", 5)]
    assert isinstance(
        replayed(tmp_path, {**ASKED, "stream": True}, sent, "text/event-stream").error, StreamTruncatedError
    )


@pytest.mark.parametrize(
    "body",
    [
        ASKED,
        {**ASKED, "stream": True},
        {**ASKED, "stream": False, "logprobs": 5, "echo": True, "stop": "a", "suffix": None},
        {**ASKED, "prompt": [1, 2, 3]},
        {"prompt": ["a", "b"]},
    ],
)
@pytest.mark.parametrize("url", [URL, "https://r.openai.azure.com/openai/deployments/d/completions?api-version=1"])
def test_any_request_is_sent_again_as_it_was(url: str, body: Any) -> None:
    asked = json.dumps(body).encode()
    assert sent_again(url, asked) == Sent.of(url, asked)


def test_one_text_of_the_user_is_the_prompt_and_more_is_refused() -> None:
    llm = LLM("openai-completions/m", api_key="k", max_tokens=5, stop="a")
    asked = LLMRequest(read_messages("Hi"), stream=True, stop=llm.stop)
    assert wire_body(llm, asked) == {
        "model": "m", "prompt": "Hi", "stream": True, "stream_options": {"include_usage": True}, "max_tokens": 5, "stop": ["a"],
    }  # fmt: skip
    with pytest.raises(UsageError, match="one text"):
        wire_body(llm, LLMRequest(read_messages([{"role": "system", "content": "Hi"}])))
