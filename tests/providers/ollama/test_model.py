"""Ollama's own chat API: asked, answered whole and in lines, and made again from what was recorded."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from harness.errors import MalformedResponseError, ProviderError, StreamTruncatedError, UsageError
from harness.llm import LLM, LLMRequest
from harness.llm.input.reader import read_messages, read_tools
from harness.providers.ollama.request import wire_body
from harness.providers.registry import recognized
from harness.providers.shared.lines import LinesDecoder
from harness.recording import Replayed
from tests.providers.recorded.cassettes import played
from tests.providers.recorded.sending_again import Sent, sent_again
from tests.servers.ollama.server import OllamaServer

URL = "http://localhost:11434/api/chat"
ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
WHOLE = {**ASKED, "stream": False}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
HEAD = {"model": "m", "created_at": "2026-01-05T12:00:00Z"}
END = {"done": True, "done_reason": "stop", "eval_count": 2, "prompt_eval_count": 5}


def line(ended: dict[str, Any] | None = None, **said: Any) -> str:
    return json.dumps({**HEAD, "message": {"role": "assistant", "content": "", **said}, **(ended or {"done": False})})


def called(number: int, **function: Any) -> str:
    return line(tool_calls=[{"function": {"name": "look", "arguments": {"at": number}, **function}}])


def replayed(folder: Path, asked: dict[str, Any], answer: str, kind: str = "application/x-ndjson") -> Replayed:
    return played(folder, URL, asked, answer, kind)


@pytest.mark.parametrize("end", ["\n", "\r\n", ""], ids=["line ends", "CRLF", "no last line end"])
def test_an_answer_is_what_its_lines_say_with_usage_and_reason(end: str, tmp_path: Path) -> None:
    lines = [line(thinking=None, reasoning="Hm."), line(content=[{"type": "text", "text": "Hel"}]), line(content="lo")]
    run = replayed(tmp_path, ASKED, (end or "\n").join([*lines, line(END)]) + end)
    assert (run.unjudged, run.problems, run.error) == (None, [], None)
    assert run.sessions[0].result == "Hello"
    last = run.frames[-1].data
    assert (last["finish_reason"], last["usage"]["prompt_tokens"], last["usage"]["total_tokens"]) == ("stop", 5, 7)
    assert [frame.type for frame in run.frames].count("llm_thinking_chunk") == 1


def test_an_answer_that_comes_at_once_is_the_same(tmp_path: Path) -> None:
    run = replayed(tmp_path, WHOLE, line({**END, "done_reason": "length"}, content="Hello"), "application/json")
    assert (run.problems, run.error, run.sessions[0].result) == ([], None, "Hello")
    assert run.frames[-1].data["finish_reason"] == "length"


@pytest.mark.parametrize("asked", [ASKED, WHOLE], ids=["streamed", "whole"])
def test_an_answer_on_several_lines_is_one(asked: Any, tmp_path: Path) -> None:
    answer = json.dumps(json.loads(line(END, content="Hello")), indent=2)
    run = replayed(tmp_path, asked, answer, "application/json")
    assert (run.problems, run.error, run.sessions[0].result) == ([], None, "Hello")


def test_calls_without_ids_are_told_apart_and_are_why_it_ended(tmp_path: Path) -> None:
    # An argument may say what ends a stream.
    lines = [called(1), called(2, arguments={"done": True}), line(END)]
    run = replayed(tmp_path, {**ASKED, "tools": [TOOL]}, "\n".join(lines))
    assert (run.problems, run.error) == ([], None)
    assert run.frames[-1].data["finish_reason"] == "tool_calls"
    told = [(call["id"], json.loads(call["function"]["arguments"])) for call in run.sessions[0].result]
    assert told == [("call_0", {"at": 1}), ("call_1", {"done": True})]


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (line(content="Hel") + "\n", StreamTruncatedError, "end marker"),
        (line(content="Hel") + "\n" + line(END)[:40], StreamTruncatedError, "in the middle of"),
        ("", StreamTruncatedError, ""),
        (line(content="Hel") + '\n{"error": "the model runner has stopped"}\n', ProviderError, "runner has stopped"),
        ('{"error": "model requires more memory"}', ProviderError, "more memory"),
        (line({**END, "error": "gone"}), ProviderError, "gone"),
        (line({"done": True, "done_reason": "load"}), ProviderError, "'load'"),
        (line(content="Hel") + "\nnonsense\n", MalformedResponseError, "nonsense"),
        ("<html>Bad gateway</html>", MalformedResponseError, "Bad gateway"),
        ("\n<html>\n<p>Bad gateway</p>\n</html>\n", MalformedResponseError, "Bad gateway"),
        (json.dumps({"error": {"message": "more memory"}}, indent=2), ProviderError, "more memory"),
        (json.dumps({"message": "gone", "code": 1}, indent=2)[:-2], StreamTruncatedError, "in the middle of"),
        ('event: error\ndata: {"message": "runner has stopped"}\n\n', ProviderError, "runner has stopped"),
        ('{"error":\n{"message": "a"}}\n{"b": 1}\n', MalformedResponseError, "no JSON"),
        ('{"done": true}\n', MalformedResponseError, "nothing but an end"),
        (json.dumps({**HEAD, **END, "response": "Hello"}), MalformedResponseError, "nothing but an end"),
        (line(content=["Hel"]) + "\n", MalformedResponseError, "in place of an object"),
        (line(tool_calls=[{"function": {"arguments": {}}}]) + "\n", MalformedResponseError, "has no name"),
        (called(1, arguments=[1]) + "\n", MalformedResponseError, ""),
    ],
)
@pytest.mark.parametrize("asked", [ASKED, WHOLE], ids=["streamed", "whole"])
def test_what_is_no_whole_answer_is_a_failure(
    asked: Any, answer: str, error: type[Exception], said: str, tmp_path: Path
) -> None:
    run = replayed(tmp_path, asked, answer)
    # An empty body is told apart before it is read.
    if answer:
        assert isinstance(run.error, error)
        assert said in str(run.error)
    assert run.error is not None or run.problems or run.unjudged


CONVERSATION = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Look"},
    {
        "role": "assistant",
        "content": "",
        "thinking": "I look.",
        "tool_calls": [{"id": "c", "function": {"name": "look", "arguments": {"at": 1}}}],
    },
    {"role": "tool", "content": "Seen", "tool_call_id": "c", "tool_name": "look"},
]


@pytest.mark.parametrize(
    "body",
    [
        ASKED,
        WHOLE,
        {**ASKED, "stream": True, "options": {}},
        {**ASKED, "stream": None, "keep_alive": -1, "think": "high", "format": "json"},
        {**ASKED, "options": {"temperature": 0, "num_ctx": 4096, "stop": ["a"]}, "tools": []},
        {**WHOLE, "tools": [TOOL], "format": {"type": "object"}, "messages": CONVERSATION},
        # Tools in another form than ours.
        {**ASKED, "tools": [TOOL, TOOL["function"]]},
        # As older clients send them: no ids, an image, a part of a kind of its own.
        {**ASKED, "messages": [{"role": "user", "content": "See", "images": ["AAAA"]}]},
        {
            **ASKED,
            "messages": [
                {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}
            ],
        },
    ],
)
def test_any_request_is_sent_again_as_it_was(body: Any) -> None:
    asked = json.dumps(body).encode()
    assert sent_again(URL, asked) == Sent.of(URL, asked)


def test_what_an_application_calls_api_chat_is_no_call_to_a_model() -> None:
    bodies: list[Any] = [{"messages": ASKED["messages"]}, {"model": "m"}, {"model": "m", "messages": []}, []]
    for body in bodies:
        assert recognized("POST", "https://app.example/api/chat", json.dumps(body).encode()) is None
    assert recognized("POST", URL, json.dumps(ASKED).encode()) is not None


class Report(BaseModel):
    city: str


def test_settings_have_their_places_and_a_conversation_its_form() -> None:
    llm = LLM("ollama-api/m", max_tokens=5, temperature=0.5, seed=1, stop="a", thinking=True, options={"num_ctx": 8})
    said: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "text", "text": "Look"}, image("data:image/png;base64,AAAA")]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "Seen"},
    ]
    asked = LLMRequest(
        read_messages(said), tools=read_tools([TOOL]), stream=True, stop=llm.stop, response_format=Report
    )
    assert wire_body(llm, asked) == {
        "model": "m",
        "messages": [
            {"role": "user", "content": "Look", "images": ["AAAA"]},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"id": "c", "function": {"name": "look", "arguments": {"at": 1}}}],
            },
            {"role": "tool", "content": "Seen", "tool_call_id": "c", "tool_name": "look"},
        ],
        "stream": True,
        "think": True,
        "tools": [TOOL],
        "format": Report.model_json_schema(),
        "options": {"temperature": 0.5, "num_predict": 5, "seed": 1, "stop": ["a"], "num_ctx": 8},
    }


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


@pytest.mark.parametrize(
    ("settings", "content", "said"),
    [
        ({"n": 2}, "Hi", "n can't be sent"),
        ({"thinking": {"type": "enabled"}}, "Hi", "thinking is true"),
        ({}, [image("https://a.example/b.png")], "data URL"),
        ({}, [{"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}], "'input_audio'"),
    ],
)
def test_what_has_no_form_there_is_refused_before_anything_is_sent(settings: Any, content: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        LLM("ollama-api/m", **settings).call([{"role": "user", "content": content}])


def test_a_line_takes_a_time_that_grows_with_its_length() -> None:
    decoder = LinesDecoder()
    begun = time.process_time()
    for _ in range(20_000):
        assert not [*decoder.feed(b"x" * 64)]
    assert time.process_time() - begun < 1
    assert decoder.line == b"x" * 1_280_000


def test_what_led_to_a_call_goes_back_with_it() -> None:
    lines = [line(thinking="I look."), line(tool_calls=[{"id": "c1", "function": {"name": "look", "arguments": {}}}])]
    llm: Any = LLM("ollama-api/m")
    first = LLMRequest(read_messages("Look"))
    answer = llm._answer(first)
    list(answer.piece("\n".join([*lines, line(END), ""]).encode()))
    llm._keep(first, answer)
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    again = LLMRequest(read_messages([*first.messages, {"role": "assistant", "content": "", "tool_calls": [call]}]))
    (_, message) = llm._arguments(again)["body"]["messages"]
    assert message["thinking"] == "I look."


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/api"])
def test_an_address_may_be_that_of_either_api(ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with OllamaServer() as server:
        monkeypatch.setenv("OLLAMA_HOST", f"{server.origin.removeprefix('http://')}{ending}")
        assert LLM("ollama-api/gpt-oss:20b").call("How is the harbour tonight?").startswith("The harbour is calm")
        assert [asked.path for asked in server.requests] == ["/api/chat"]
