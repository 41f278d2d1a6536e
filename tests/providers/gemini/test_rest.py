"""Gemini as it is called by REST and by Google's other SDKs: other queries, other spellings, numbers for words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.recording import Replayed
from tests.providers.recorded.cassettes import played
from tests.providers.recorded.sending_again import Sent, sent_again

MODEL = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash"
VERTEX = "https://us-central1-aiplatform.googleapis.com/v1beta1/projects/p/locations/us-central1"
NUMBERS = "%24alt=json%3Benum-encoding%3Dint"
SAID = {"role": "user", "parts": [{"text": "Hi"}]}
ANSWER = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Hello"}]}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": None},
    "responseId": "r",
}
FUNCTION = {"name": "f", "parameters_json_schema": {"type": "object"}, "response_json_schema": {"type": "string"}}
CALL = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}
URLS = (
    f"{MODEL}:generateContent?key=REDACTED",
    f"{MODEL}:streamGenerateContent",
    f"{MODEL}:streamGenerateContent?key=k&alt=sse",
    f"{VERTEX}/publishers/google/models/gemini-1.5-flash:generateContent?{NUMBERS}",
    f"{VERTEX}/endpoints/123:generateContent",
    f"{VERTEX}/publishers/meta/models/llama:generateContent",
    "https://generativelanguage.googleapis.com/v1beta/tunedModels/mine:generateContent",
)
BODIES: dict[str, dict[str, Any]] = {
    "one text": {"contents": [SAID]},
    "fields in the other spelling": {
        "contents": [{"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": "AAAA"}}]}],
        "system_instruction": {"parts": [{"text": "Be brief."}]},
        "generation_config": {"max_output_tokens": 5},
        "tools": [{"function_declarations": [{"name": "f"}]}],
    },
    "the schema of a result": {"contents": [SAID], "tools": [{"functionDeclarations": [FUNCTION]}]},
    "results by role function": {
        "contents": [SAID, CALL, {"role": "function", "parts": [{"functionResponse": {"name": "f", "response": {}}}]}]
    },
    "objects in place of lists": {
        "contents": {"role": "user", "parts": {"text": "Hi"}}, "tools": {"google_search": {}}, "systemInstruction": "Hi"
    },
    "a content without a role": {"contents": [{"parts": [{"text": "Hi"}]}]},
    "code that the provider ran": {
        "contents": [SAID, {"role": "model", "parts": [{"executableCode": {"language": "PYTHON", "code": "1"}}]}, SAID],
        "tools": [{"code_execution": {}}],
    },
    "a system instruction of more than text": {
        "contents": [SAID], "systemInstruction": {"parts": [{"text": "a", "later": 1}], "role": "system"}
    },
}  # fmt: skip


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_request_by_rest_is_sent_again_as_it_was(url: str, body: Any) -> None:
    asked = json.dumps(body).encode()
    assert sent_again(url, asked) == Sent.of(url, asked)


def replayed(folder: Path, url: str, answer: str) -> Replayed:
    return played(folder, url, {"contents": [SAID]}, answer, "application/json; charset=UTF-8")


def piece(text: str, **more: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": text}]}, **more}], "responseId": "r"}


@pytest.mark.parametrize("indent", [None, 2])
def test_a_stream_without_events_is_the_list_that_it_is(indent: int | None, tmp_path: Path) -> None:
    sent = json.dumps([piece("Hel"), piece("lo", finishReason="STOP")], indent=indent)
    run = replayed(tmp_path, f"{MODEL}:streamGenerateContent", sent)
    assert (run.unjudged, run.problems, run.error) == (None, [], None)
    assert (run.streamed, run.sessions[0].result) == (True, "Hello")


@pytest.mark.parametrize("sent", [json.dumps([piece("Hel")]), json.dumps([piece("a", finishReason="STOP")])[:-2]])
def test_a_list_that_is_not_whole_is_a_failure(sent: str, tmp_path: Path) -> None:
    assert replayed(tmp_path, f"{MODEL}:streamGenerateContent", sent).error is not None


@pytest.mark.parametrize(
    ("place", "number", "reason", "raw"),
    [
        (MODEL, 1, "stop", "STOP"),
        (MODEL, 2, "length", "MAX_TOKENS"),
        (MODEL, 7, "content_filter", "BLOCKLIST"),
        (MODEL, 6, "other", "LANGUAGE"),
        (MODEL, 99, "other", "99"),
        (f"{VERTEX}/publishers/google/models/gemini-1.5-flash", 7, "content_filter", "PROHIBITED_CONTENT"),
        (f"{VERTEX}/publishers/google/models/gemini-1.5-flash", 6, "content_filter", "BLOCKLIST"),
    ],
)
def test_a_number_is_the_reason_that_it_stands_for(
    place: str, number: int, reason: str, raw: str, tmp_path: Path
) -> None:
    answer = {**ANSWER, **piece("Hello", finishReason=number)}
    run = replayed(tmp_path, f"{place}:generateContent?{NUMBERS}", json.dumps(answer))
    assert run.error is None
    completed = run.frames[-1].data
    assert (completed["finish_reason"], completed["raw_finish_reason"]) == (reason, raw)
    assert completed["usage"]["total_tokens"] == 2
