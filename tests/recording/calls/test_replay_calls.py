"""Calls of cassettes that others recorded: judged, or told with the reason why they can't be."""

from __future__ import annotations

import gzip
import importlib.util
import json
import zlib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from msgspec.structs import asdict

from conformance.report.replay_page import reasons
from conformance.run.replay import ReplayResult, exit_code, replay
from harness.errors import MalformedResponseError
from harness.providers.openai.chat import OpenAIChat
from harness.recording import Replayed, replay_cassette
from tests.commands.command_line import runner
from tests.conformance.report.html_tree import parsed

CHAT = "https://api.openai.com/v1/chat/completions"
ASKED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
ANSWER = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}  # fmt: skip
CHUNK = {
    "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o",
    "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}],
}  # fmt: skip
STREAM = f"data: {json.dumps(CHUNK)}\n\ndata: [DONE]\n\n"


def call(asked: Any = ASKED, answer: Any = ANSWER, *, url: str = CHAT, headers: Any = None) -> dict[str, Any]:
    return {
        "request": {"method": "POST", "uri": url, "headers": {}, "body": json.dumps(asked)},
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {"content-type": ["application/json"]} if headers is None else headers,
            "body": {"string": answer if isinstance(answer, str | bytes) else json.dumps(answer)},
        },
    }


def compressed(recorded: dict[str, Any]) -> dict[str, Any]:
    request = recorded["request"]
    body, headers = gzip.compress(request["body"].encode()), {"content-encoding": ["gzip"]}
    return {**recorded, "request": {**request, "body": body, "headers": headers}}


def cassette(folder: Path, *calls: Any) -> Path:
    path = folder / "cassette.yaml"
    path.write_text(yaml.safe_dump({"interactions": list(calls)}))
    return path


def run_of(folder: Path, recorded: Any) -> Replayed:
    (run,) = replay_cassette(cassette(folder, recorded))
    return run


JUDGED = {
    "a fragment, which is never sent": call(url=f"{CHAT}#stream"),
    "a response without headers": call(headers={}),
    "a type that was scrubbed": call(headers={"Content-Type": "**REDACTED**"}),
    "gzip without headers": call(answer=gzip.compress(json.dumps(ANSWER).encode()), headers={}),
    "gzip of no type": call(answer=gzip.compress(json.dumps(ANSWER).encode()), headers={"content-encoding": ["gzip"]}),
    "a request in gzip": compressed(call()),
    "a stream without headers": call({**ASKED, "stream": True}, STREAM, headers={}),
}


@pytest.mark.parametrize("recorded", JUDGED.values(), ids=JUDGED)
def test_what_is_left_out_or_added_keeps_no_call_from_being_judged(recorded: Any, tmp_path: Path) -> None:
    run = run_of(tmp_path, recorded)
    assert (run.unjudged, run.problems, run.error) == (None, [], None)
    assert run.sessions[0].result == "Hi"


def test_a_call_that_can_not_be_rebuilt_is_an_error_with_its_field_and_the_others_are_judged(tmp_path: Path) -> None:
    path = cassette(tmp_path, call(), call({**ASKED, "messages": [{"role": 1}]}), call({"model": "m"}), {"request": {}})
    good, bad, worse, unreadable = replay(path)
    assert [result.status for result in (good, bad, worse, unreadable)] == ["passed", "error", "error", "error"]
    assert "messages[0]" in (bad.message or "")
    assert worse.message == "the recorded request has no 'messages'"
    assert "interactions[3].response is missing" in (unreadable.message or "")
    assert (unreadable.interaction, exit_code([good, bad])) == (4, 2)


def test_the_reason_is_the_one_that_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OpenAIChat, "asks_for_hosted_tools", False)
    tools = [{"type": "custom", "custom": {"name": "shell"}}]
    run = run_of(tmp_path, call({**ASKED, "tools": tools}))
    assert run.unjudged is not None
    assert run.unjudged.startswith("the recorded request can't be rebuilt: tools[0]: 'custom'")
    assert run.problems == []


def said(*messages: Any) -> dict[str, Any]:
    return {**ASKED, "messages": [*messages, {"role": "user", "content": "Again"}]}


ASSISTANT = {"role": "assistant", "content": "Hi"}
USED: dict[str, Any] = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
#: What hosts and SDKs add to messages, tool calls, tools and requests.
ADDED = {
    "a field of a message": said({**ASSISTANT, "annotations": [], "audio": None, "function_call": None}),
    "reasoning of a host": said({**ASSISTANT, "reasoning_content": "thought"}),
    "a field of a tool call": said({"role": "assistant", "content": None, "tool_calls": [{**USED, "index": 0}]}),
    "a field of a function": said(
        {"role": "assistant", "tool_calls": [{**USED, "function": {**USED["function"], "parsed_arguments": None}}]}
    ),
    "a custom tool in history": said(
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "f", "input": "x"}}]}
    ),
    "a part of a later kind": said({"role": "user", "content": [{"type": "video_url", "video_url": {"url": "u"}}]}),
    "a custom tool": {**ASKED, "tools": [{"type": "custom", "custom": {"name": "shell"}}]},
    "a field of a tool": {**ASKED, "tools": [{**USED, "function": {"name": "f"}, "later": 1}]},
    "no model": {"messages": ASKED["messages"]},
    "no message": {**ASKED, "messages": []},
    "a text for messages": {**ASKED, "messages": "Hi"},
    "fields of other types": {**ASKED, "stream": "no", "response_format": "json", "stop": 3, "tools": {}},
    "a field of the request": {**ASKED, "later_invention": {"a": [1]}},
}


@pytest.mark.parametrize("asked", ADDED.values(), ids=ADDED)
def test_what_others_add_to_a_call_is_carried_as_it_is(asked: Any, tmp_path: Path) -> None:
    run = run_of(tmp_path, call(asked))
    assert (run.unjudged, run.problems, run.error) == (None, [], None)
    assert run.sessions[0].result == "Hi"


def answered(content: Any) -> dict[str, Any]:
    return {**ANSWER, "choices": [{"index": 0, "message": {"content": content}, "finish_reason": "stop"}]}


def test_a_value_that_was_asked_for_as_json_is_its_text(tmp_path: Path) -> None:
    asked, answer = {**ASKED, "response_format": {"type": "json_object"}}, answered({"title": "Äpfel"})
    assert run_of(tmp_path, call(asked, answer)).sessions[0].result == '{"title": "Äpfel"}'
    assert isinstance(run_of(tmp_path, call(answer=answer)).error, MalformedResponseError)


HALF = STREAM.removesuffix("data: [DONE]\n\n")
STREAMED = {**ASKED, "stream": True}
WITH_USAGE = {**STREAMED, "stream_options": {"include_usage": True}}
USED_UP = f"data: {json.dumps({**CHUNK, 'choices': [], 'usage': ANSWER['usage']})}\n\n"
EVENTS = {"content-type": ["text/event-stream"]}
PACKED = {**EVENTS, "content-encoding": ["gzip"]}
OTHER_HOST = "https://router.example/v1/chat/completions"
#: Streams without `[DONE]`, after others of the cassette, and whether they are whole.
UNMARKED = {
    "a reason": ([], call(STREAMED, HALF, headers=EVENTS), True),
    "a reason, and usage that was asked for": ([], call(WITH_USAGE, HALF + USED_UP, headers=EVENTS), True),
    "after a stream of another host": (
        [call(STREAMED, STREAM, url=OTHER_HOST, headers=EVENTS)], call(STREAMED, HALF, headers=EVENTS), True
    ),
    "usage that was asked for and is missing": ([], call(WITH_USAGE, HALF, headers=EVENTS), False),
    "packed": ([], call(STREAMED, gzip.compress(HALF.encode()), headers=PACKED), True),
    "deflated": (
        [], call(STREAMED, zlib.compress(HALF.encode()), headers={**EVENTS, "content-encoding": ["deflate"]}), True
    ),
    "of another type": ([], call(STREAMED, HALF, headers={"content-type": ["text/plain"]}), True),
    "packed, of a host that marks others so": (
        [call(STREAMED, gzip.compress(STREAM.encode()), headers=PACKED)],
        call(STREAMED, gzip.compress(HALF.encode()), headers=PACKED), False
    ),
    "more blank lines": ([], call(STREAMED, HALF + "\n", headers=EVENTS), True),
    "half an event": ([], call(STREAMED, HALF + USED_UP[:-9], headers=EVENTS), False),
    "no reason": ([], call(STREAMED, HALF.replace('"stop"', "null"), headers=EVENTS), False),
    "a host that marks others": ([call(STREAMED, STREAM, headers=EVENTS)], call(STREAMED, HALF, headers=EVENTS), False),
}  # fmt: skip


@pytest.mark.parametrize(("others", "unmarked", "whole"), UNMARKED.values(), ids=UNMARKED)
def test_a_stream_whose_host_marks_the_end_of_none_is_whole_and_it_is_said(
    others: Any, unmarked: Any, whole: bool, tmp_path: Path
) -> None:
    *before, result = replay(cassette(tmp_path, *others, unmarked))
    assert all((other.status, other.message) == ("passed", None) for other in before)
    assert result.status == ("passed" if whole else "failed")
    assert ("this host sends no end marker" in (result.message or "")) is whole


def test_a_mark_that_lacks_its_blank_line_has_come(tmp_path: Path) -> None:
    (result,) = replay(cassette(tmp_path, call(STREAMED, f"{HALF}data: [DONE]\n", headers=EVENTS)))
    assert (result.status, result.message) == ("passed", None)


UNSUPPORTED = {
    "https://api.mistral.ai/v1/fim/completions": "Mistral's completions of code",
    "https://api.openai.com/v1/threads/t/runs": "OpenAI's Assistants",
    "https://api.anthropic.com/v1/complete": "Anthropic's legacy completions",
    "https://bedrock-agent-runtime.us-east-1.amazonaws.com/agents/a/agentAliases/b/sessions/c/text": "Bedrock's agents",
    "https://generativelanguage.googleapis.com/v1beta/interactions": "Gemini's Interactions",
    "http://localhost:11434/api/generate": "Ollama's completions",
    "https://api.cohere.com/v1/generate": "Cohere's completions",
    "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/mistralai/models/m:rawPredict": (
        "models of others on Vertex AI"
    ),
}


@pytest.mark.parametrize(("url", "api"), UNSUPPORTED.items(), ids=UNSUPPORTED.values())
def test_a_call_by_an_api_that_nothing_here_speaks_is_named_and_never_taken_for_no_call(
    url: str, api: str, tmp_path: Path
) -> None:
    (result,) = replay(cassette(tmp_path, call(url=url)))
    assert result.status == "error"
    assert (result.message or "").endswith(f"is a call to a model by {api}, which is not supported")


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1/embeddings",
        "https://api.cohere.com/v1/rerank",
        "https://r.openai.azure.com/openai/deployments/ada/embeddings?api-version=1",
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.titan-embed-text-v2:0/invoke",
        "https://generativelanguage.googleapis.com/v1beta/models/e:batchEmbedContents",
        "https://api.openai.com/v1/images/generations",
    ],
)
def test_what_asks_no_model_for_an_answer_is_no_call(url: str, tmp_path: Path) -> None:
    (result,) = replay(cassette(tmp_path, call({"inputText": "Hi"}, url=url)))
    assert result.status == "not-a-call"


def test_a_recorded_body_that_is_empty_is_a_failure_that_says_so(tmp_path: Path) -> None:
    (result,) = replay(cassette(tmp_path, call(answer="")))
    assert (result.status, result.message) == ("failed", "the recorded body is empty")


def test_a_coding_that_nothing_here_decodes_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    recorded = call(answer=b"\x0b\x02\x80\xc4\xff", headers={"content-encoding": ["br"]})
    assert (
        run_of(tmp_path, recorded).unjudged == "the recorded body is compressed as 'br', which needs pip install brotli"
    )


def test_reasons_are_counted_whatever_their_places() -> None:
    def result(message: str, path: str = "a/b.yaml") -> ReplayResult:
        return ReplayResult(path, "cassette", 1, "openai", None, "error", message=message)

    results = [result("messages[1].x: no"), result("no 'model'"), result("messages[20].x: no", "c.yaml")]
    told = reasons(map(asdict, results))
    assert told == [("messages[…].x: no", 2), ("no 'model'", 1)]
    assert asdict(results[0])["status"] == "error"


def test_what_can_not_be_judged_is_an_error_with_its_reason_in_every_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = next(iter(UNSUPPORTED))
    folder = tmp_path / "tapes"
    folder.mkdir()
    cassette(folder, call(), call(url=url), call(url=url))
    junit, page, document = tmp_path / "junit.xml", tmp_path / "page", tmp_path / "report.json"
    reports = ("--junit", str(junit), "--html", str(page), "--json", str(document))
    said = runner(capsys)("replay", str(folder), *reports)
    why = "is a call to a model by Mistral's completions of code, which is not supported"
    assert said.code == 2
    assert f"2 × POST api.mistral.ai/v1/fim/completions {why}" in said.out
    assert "1 passed, 0 failed, 2 errors" in said.out
    results = json.loads(document.read_text())["results"]
    assert [result["status"] for result in results] == ["passed", "error", "error"]
    assert all(why in result["message"] for result in results[1:])
    suite = ET.parse(junit).getroot()
    assert (suite.get("failures"), suite.get("errors")) == ("0", "2")
    assert why in (suite.findall(".//error")[0].get("message") or "")
    (table,) = parsed(page / "index.html").all("table", "reasons")
    assert [cell.text for cell in table.all("td")] == ["2"]
    assert why in table.text
