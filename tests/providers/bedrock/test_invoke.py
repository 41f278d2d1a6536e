"""InvokeModel: each model's own form, asked and answered, whole and in chunks."""

from __future__ import annotations

import base64
import json
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from harness.errors import MalformedResponseError, StreamTruncatedError, UsageError
from harness.llm import LLM, LLMRequest, UnsentFieldWarning
from harness.llm.input.reader import read_messages
from harness.llm.output.parts import Usage
from harness.providers.bedrock.dialect import aws_message
from harness.providers.bedrock_invoke.answer import InvokedChat
from harness.providers.bedrock_invoke.request import parse_recorded, wire_body
from harness.recording import Replayed
from tests.providers.recorded.cassettes import played
from tests.providers.recorded.playing_again import again
from tests.providers.recorded.sending_again import Sent, sent_again

HOST = "https://bedrock-runtime.us-east-1.amazonaws.com"
ASKED = [{"role": "user", "content": [{"text": "Hi"}]}]
CALL = [{"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}]
STREAMED_CALL = [{"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}]


def url(model: str, *, stream: bool = False) -> str:
    return f"{HOST}/model/{model}/invoke{'-with-response-stream' if stream else ''}"


@dataclass
class Form:
    """One model's form: what it is asked, what it answers whole, and in chunks."""

    model: str
    asked: dict[str, Any]
    whole: dict[str, Any]
    chunks: list[dict[str, Any]]
    result: Any = "Hello"
    streamed_result: Any = "Hello"
    finish: str = "stop"
    usage: dict[str, int] | None = field(
        default_factory=lambda: {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    )


METRICS = {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 3, "outputTokenCount": 2}}
PROMPT = {"prompt": "Hi", "temperature": 0.5}
CLAUDE = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
CLAUDE_USAGE = {"input_tokens": 3, "output_tokens": 2}
COMPLETION = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
CHAT_USAGE = {"usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}
COMMANDS = [{"name": "f", "parameters": {"x": 1}}]
COMMANDED = [{**CALL[0], "id": "call_0"}]
NOVA_USAGE = {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}
FORMS = {
    "anthropic": Form(
        "anthropic.claude-3-haiku-20240307-v1%3A0",
        CLAUDE,
        {"id": "m", "type": "message", "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn",
         "usage": CLAUDE_USAGE},
        [
            {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 3, "output_tokens": 1}}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
            {"type": "message_stop", **METRICS},
        ],
    ),
    "anthropic, a call": Form(
        "us.anthropic.claude-3-5-sonnet-20240620-v1%3A0",
        {**CLAUDE, "tools": [{"name": "f", "input_schema": {"type": "object"}}]},
        {"id": "m", "type": "message", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {"x": 1}}],
         "stop_reason": "tool_use", "usage": CLAUDE_USAGE},
        [
            {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 3, "output_tokens": 1}}},
            {"type": "content_block_start", "index": 0,
             "content_block": {"type": "tool_use", "id": "t1", "name": "f", "input": {}}},
            {"type": "content_block_delta", "index": 0,
             "delta": {"type": "input_json_delta", "partial_json": '{"x":1}'}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 2}},
            {"type": "message_stop"},
        ],
        result=CALL,
        streamed_result=STREAMED_CALL,
        finish="tool_calls",
    ),
    "anthropic, a prompt": Form(
        "anthropic.claude-v2",
        {"prompt": "\n\nHuman: Hi\n\nAssistant:", "max_tokens_to_sample": 5},
        {"type": "completion", "completion": "Hello", "stop_reason": "max_tokens"},
        [{"completion": "Hel", "stop_reason": None}, {"completion": "lo", "stop_reason": "max_tokens"}],
        finish="length",
        usage=None,
    ),
    "nova": Form(
        "amazon.nova-micro-v1%3A0",
        {"schemaVersion": "messages-v1", "messages": ASKED, "inferenceConfig": {"max_new_tokens": 5}},
        {"output": {"message": {"role": "assistant", "content": [{"text": "Hello"}]}}, "stopReason": "end_turn",
         "usage": NOVA_USAGE},
        [
            {"messageStart": {"role": "assistant"}},
            {"contentBlockDelta": {"delta": {"text": "Hello"}, "contentBlockIndex": 0}},
            {"contentBlockStop": {"contentBlockIndex": 0}},
            {"messageStop": {"stopReason": "end_turn"}},
            {"metadata": {"usage": NOVA_USAGE}, **METRICS},
        ],
    ),
    "nova, a call": Form(
        "us.amazon.nova-pro-v1%3A0",
        {"messages": ASKED, "toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {}}}}]}},
        {"output": {"message": {"content": [{"toolUse": {"toolUseId": "t1", "name": "f", "input": {"x": 1}}}]}},
         "stopReason": "tool_use", "usage": NOVA_USAGE},
        [
            {"contentBlockStart": {"start": {"toolUse": {"toolUseId": "t1", "name": "f"}}, "contentBlockIndex": 0}},
            {"contentBlockDelta": {"delta": {"toolUse": {"input": '{"x":1}'}}, "contentBlockIndex": 0}},
            {"messageStop": {"stopReason": "tool_use"}},
            {"metadata": {"usage": NOVA_USAGE}},
        ],
        result=CALL,
        streamed_result=STREAMED_CALL,
        finish="tool_calls",
    ),
    "chat completions": Form(
        "openai.gpt-oss-20b-1%3A0",
        {"messages": [{"role": "user", "content": "Hi"}], "max_completion_tokens": 5},
        {**COMPLETION, **CHAT_USAGE,
         "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}]},
        [
            {**COMPLETION, "choices": [{"index": 0, "delta": {"content": "Hello"}, "finish_reason": None}]},
            {**COMPLETION, **CHAT_USAGE, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        ],
    ),
    "mistral's conversations": Form(
        "mistral.mistral-large-2407-v1%3A0",
        {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5},
        {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "stop_reason": "length"}],
         **CHAT_USAGE},
        [
            {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hel"}, "stop_reason": None}]},
            {"choices": [{"index": 0, "message": {"role": "assistant", "content": "lo"}, "stop_reason": None}]},
            {"choices": [{"index": 0, "message": {"role": "assistant", "content": ""}, "stop_reason": "length"}],
             **METRICS},
        ],
        finish="length",
    ),
    "titan": Form(
        "amazon.titan-text-lite-v1",
        {"inputText": "Hi", "textGenerationConfig": {"maxTokenCount": 5}},
        {"inputTextTokenCount": 3, "results": [{"tokenCount": 2, "outputText": "Hello", "completionReason": "FINISH"}]},
        [{"outputText": "Hel", "index": 0, "totalOutputTextTokenCount": None, "completionReason": None},
         {"outputText": "lo", "index": 0, "totalOutputTextTokenCount": 2, "completionReason": "FINISH",
          "inputTextTokenCount": 3}],
    ),
    "llama": Form(
        "meta.llama3-1-70b-instruct-v1%3A0",
        PROMPT,
        {"generation": "Hello", "prompt_token_count": 3, "generation_token_count": 2, "stop_reason": "length"},
        [{"generation": "Hel", "prompt_token_count": 3, "generation_token_count": 1, "stop_reason": None},
         {"generation": "lo", "prompt_token_count": None, "generation_token_count": 2, "stop_reason": "length"}],
        finish="length",
    ),
    "mistral": Form(
        "mistral.mistral-7b-instruct-v0%3A2",
        PROMPT,
        {"outputs": [{"text": "Hello", "stop_reason": "stop"}]},
        [{"outputs": [{"text": "Hello", "stop_reason": None}]}, {"outputs": [{"text": "", "stop_reason": "stop"}]}],
        usage=None,
    ),
    "command": Form(
        "cohere.command-light-text-v14",
        PROMPT,
        {"id": "g", "generations": [{"id": "h", "text": "Hello", "finish_reason": "COMPLETE"}], "prompt": "Hi"},
        [{"text": "Hello", "is_finished": False, "index": 0}, {"is_finished": True, "finish_reason": "COMPLETE"}],
        usage=None,
    ),
    "command-r": Form(
        "cohere.command-r-v1%3A0",
        {"message": "Hi", "p": 0.9},
        {"response_id": "r", "text": "Hello", "finish_reason": "COMPLETE", "chat_history": []},
        [{"event_type": "text-generation", "text": "Hello", "is_finished": False},
         {"event_type": "stream-end", "finish_reason": "COMPLETE", "is_finished": True, "response": {"text": "Hello"}}],
        usage=None,
    ),
    "command-r, a call": Form(
        "cohere.command-r-plus-v1%3A0",
        {"message": "Hi", "tools": [{"name": "f", "description": "", "parameter_definitions": {}}]},
        {"response_id": "r", "text": "I look.", "finish_reason": "COMPLETE", "tool_calls": COMMANDS},
        [{"event_type": "text-generation", "text": "I look.", "is_finished": False},
         {"event_type": "tool-calls-generation", "tool_calls": COMMANDS, "is_finished": False},
         {"event_type": "stream-end", "finish_reason": "COMPLETE", "is_finished": True,
          "response": {"text": "I look.", "tool_calls": COMMANDS}}],
        result=COMMANDED,
        streamed_result=COMMANDED,
        finish="tool_calls",
        usage=None,
    ),
    "jurassic": Form(
        "ai21.j2-mid-v1",
        PROMPT,
        {"completions": [{"data": {"text": "Hello"}, "finishReason": {"reason": "endoftext"}}]},
        [{"completions": [{"data": {"text": "Hello"}, "finishReason": {"reason": "endoftext"}}]}],
        usage=None,
    ),
}  # fmt: skip


def replayed(folder: Path, form: Form, answer: str | bytes, *, stream: bool) -> Replayed:
    kind = "application/vnd.amazon.eventstream" if stream else "application/json"
    return played(folder, url(form.model, stream=stream), form.asked, answer, kind)


def events(chunks: list[dict[str, Any]]) -> bytes:
    return b"".join(chunk({"bytes": base64.b64encode(json.dumps(one).encode()).decode()}) for one in chunks)


def chunk(held: dict[str, str]) -> bytes:
    headers = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    return aws_message(headers, json.dumps(held).encode())


def check(run: Replayed, result: Any, form: Form) -> None:
    assert (run.unjudged, run.problems, run.error) == (None, [], None)
    assert run.sessions[0].result == result
    completed = run.frames[-1].data
    assert completed["finish_reason"] == form.finish
    counted = completed["usage"]
    assert (counted and {name: counted[name] for name in form.usage or counted}) == form.usage


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_invoked_model_is_asked_and_answers_in_its_own_form(form: Form, tmp_path: Path) -> None:
    check(replayed(tmp_path, form, json.dumps(form.whole), stream=False), form.result, form)


@pytest.mark.parametrize("name", ["anthropic", "nova", "chat completions", "titan", "command-r"])
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_what_a_guardrail_has_stopped_is_filtered(stream: bool, name: str, tmp_path: Path) -> None:
    form, guarded = FORMS[name], {"amazon-bedrock-guardrailAction": "INTERVENED"}
    *before, last = form.chunks
    answer = events([*before, {**last, **guarded}]) if stream else json.dumps({**form.whole, **guarded})
    check(replayed(tmp_path, form, answer, stream=stream), "Hello", replace(form, finish="content_filter"))


SAID = {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}


@pytest.mark.parametrize(
    "answer",
    [{"results": []}, {"generation": None, "prompt_token_count": 3}, {"text": ["a"]}, {"choices": [SAID]}],
    ids=["an empty list", "null", "a list", "a conversation"],
)
def test_an_answer_without_text_is_none(answer: dict[str, Any], tmp_path: Path) -> None:
    run = replayed(tmp_path, FORMS["titan"], json.dumps(answer), stream=False)
    assert isinstance(run.error, MalformedResponseError)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_chunks_of_an_invoked_model_are_its_answer(form: Form, tmp_path: Path) -> None:
    check(replayed(tmp_path, form, events(form.chunks), stream=True), form.streamed_result, form)


def test_the_end_mark_of_another_framing_is_no_chunk_that_is_broken(tmp_path: Path) -> None:
    form = FORMS["chat completions"]
    mark = {"bytes": base64.b64encode(b"[DONE]").decode()}
    check(replayed(tmp_path, form, events(form.chunks) + chunk(mark), stream=True), form.streamed_result, form)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_chunks_that_lack_the_last_are_no_answer(form: Form, tmp_path: Path) -> None:
    run = replayed(tmp_path, form, events(form.chunks[:-1]), stream=True)
    assert isinstance(run.error, StreamTruncatedError)


@pytest.mark.parametrize("name", ["anthropic", "nova", "command-r"])
def test_what_comes_behind_the_end_is_none_of_the_answer(name: str, tmp_path: Path) -> None:
    form = FORMS[name]
    sent = events([*form.chunks, {"error": {"message": "gone"}}])
    check(replayed(tmp_path, form, sent, stream=True), form.streamed_result, form)


def test_what_the_service_counts_is_told_of_a_conversation_that_tells_nothing_of_it() -> None:
    answer = InvokedChat("bedrock-invoke", LLMRequest(read_messages("Hi")))
    answer.head({"HTTPHeaders": {"x-amzn-bedrock-input-token-count": "3", "x-amzn-bedrock-output-token-count": "2"}})
    form = FORMS["mistral's conversations"].whole
    told = [part for part in answer.whole(json.dumps({**form, "usage": None}).encode()) if isinstance(part, Usage)]
    assert [part.payload() for part in told] == [{"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_any_field_of_an_invoked_body_is_sent_again_as_it_was(form: Form) -> None:
    asked = json.dumps({**form.asked, "later_invention": {"a": [1, None]}}).encode()
    assert sent_again(url(form.model), asked) == Sent.of(url(form.model), asked)


@pytest.mark.parametrize("model", ["cohere.command-r-v1%3A0", "mistral.mistral-large-2402-v1%3A0", "zai.glm-4.6"])
@pytest.mark.parametrize("asked", [PROMPT, {"inputText": "Hi"}])
def test_a_recorded_prompt_is_sent_again_whatever_the_model_takes(model: str, asked: dict[str, Any]) -> None:
    body = json.dumps(asked).encode()
    assert sent_again(url(model), body) == Sent.of(url(model), body)


def test_a_call_without_a_body_is_made_without_one() -> None:
    call = parse_recorded(url("does-not-exist", stream=True), b"")
    assert wire_body(*again(call)) is None
    assert call.stream


@pytest.mark.parametrize(
    ("model", "body"),
    [
        ("anthropic.claude-3", {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9,
                                "messages": [{"role": "user", "content": "Hi"}]}),
        ("amazon.nova-lite-v1:0", {"messages": ASKED, "inferenceConfig": {"maxTokens": 9}}),
        *((model, {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9})
          for model in ("openai.gpt-oss-20b", "writer.palmyra-x5-v1:0", "zai.glm-4.6")),
        ("cohere.command-r-v1:0", {"message": "Hi", "max_tokens": 9}),
    ],
)  # fmt: skip
def test_a_conversation_of_ours_takes_the_form_of_the_model(model: str, body: Any) -> None:
    made = wire_body(LLM(f"bedrock-invoke/{model}", max_tokens=9), LLMRequest(read_messages("Hi")))
    assert json.loads(made or b"") == body


@pytest.mark.parametrize("chosen", [{}, {"tool_choice": {"type": "none"}}], ids=["", "chosen"])
def test_tools_of_which_a_conversation_tells_are_sent_without_a_choice_that_is_not_known_there(chosen: Any) -> None:
    asked: dict[str, Any] = {"role": "assistant", "tool_calls": CALL}
    conversation = read_messages([asked, {"role": "tool", "tool_call_id": "t1", "content": "1"}])
    llm = LLM("bedrock-invoke/anthropic.claude-3", additional_params=chosen)
    body = json.loads(wire_body(llm, LLMRequest(conversation)) or b"")
    assert [tool["name"] for tool in body["tools"]] == ["f"]
    assert {name: body[name] for name in body if name == "tool_choice"} == chosen


@pytest.mark.parametrize(
    ("model", "settings", "fields", "unsent"),
    [
        ("amazon.nova-lite-v1:0", {"max_tokens": 9, "top_k": 3}, {"inferenceConfig": {"maxTokens": 9, "topK": 3}}, None),
        ("amazon.nova-lite-v1:0", {"seed": 7}, {}, "seed"),
        ("anthropic.claude-3", {"max_tokens": 9, "seed": 7}, {"max_tokens": 9}, "seed"),
        ("anthropic.claude-3", {"max_tokens": 9, "betas": ["a"]}, {"max_tokens": 9, "anthropic_beta": ["a"]}, None),
        ("openai.gpt-oss-20b", {"seed": 7, "n": 2}, {"seed": 7, "n": 2}, None),
        ("openai.gpt-oss-20b", {"thinking": True}, {}, "thinking"),
    ],
)  # fmt: skip
def test_a_setting_has_the_place_that_the_maker_gives_it(
    model: str, settings: dict[str, Any], fields: dict[str, Any], unsent: str | None
) -> None:
    llm: Any = LLM(f"bedrock-invoke/{model}", **settings)
    with nullcontext() if unsent is None else pytest.warns(UnsentFieldWarning, match=f"no place for {unsent}, and"):
        request = llm._llm_begin("Hi", None, None, None, None).request
    body = json.loads(wire_body(llm, request) or b"")
    assert {name: body[name] for name in body.keys() - {"messages", "anthropic_version"}} == fields


@pytest.mark.parametrize(("model", "field"), [("amazon.titan-text-lite-v1", "inputText"), ("meta.llama3", "prompt")])
def test_a_model_that_takes_one_text_is_asked_that_and_nothing_else(model: str, field: str) -> None:
    llm = LLM(f"bedrock-invoke/{model}", additional_params={"top_k": 1})
    assert json.loads(wire_body(llm, LLMRequest(read_messages("Hi"))) or b"") == {field: "Hi", "top_k": 1}
    with pytest.raises(UsageError, match="one text"):
        wire_body(llm, LLMRequest(read_messages([{"role": "user", "content": "Hi"}] * 2)))
    settings: Any
    for settings in ({"max_tokens": 1}, {"top_k": 1}):
        with pytest.raises(UsageError, match=f"words of its own for {next(iter(settings))!r}"):
            wire_body(LLM(f"bedrock-invoke/{model}", **settings), LLMRequest(read_messages("Hi")))
