"""Structured answers of models that have no form for them: a tool is asked for, and callers see the answer alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from pydantic import BaseModel, create_model

from conformance.timeline.calls import as_requested
from conformance.timeline.evidence import WireFacts, WireToolCall
from harness.errors import LLMContextLengthExceededError, MalformedResponseError, ProviderStatusError, UsageError
from harness.llm import LLM, LLMRequest
from harness.providers.openai.request import response_format
from harness.providers.shared.calls.structured import STRUCTURED, fits_native_form
from tests.llm.scripted import WAYS, Way, called, streamed
from tests.providers.integrations.anthropic import START, block, end, piece
from tests.providers.integrations.bedrock import event as message
from tests.providers.integrations.integration import TOOLS, Report
from tests.servers.raw import Raw

REPORT: dict[str, Any] = {"city": "Bergen", "temperature_c": 4.5, "summary": "rain"}
JSON = json.dumps(REPORT)
PIECES = (JSON[:9], JSON[9:])
USE = {"type": "tool_use", "id": "t", "name": STRUCTURED, "input": {}}
OTHER = {"type": "tool_use", "id": "u", "name": "get_tide", "input": {}}
SAID = block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Here:"})
TEXT = block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": JSON})
CLAUDE = ("anthropic/claude-3-5-sonnet-20241022", "text/event-stream")
NOVA = ("bedrock/amazon.nova-lite-v1:0", "application/vnd.amazon.eventstream")


@pytest.mark.parametrize(
    ("model", "native"),
    [
        ("claude-instant-1.2", False), ("claude-2.1", False), ("claude-3-5-sonnet-20241022", False),
        ("anthropic.claude-v2:1", False), ("claude-opus-4-20250514", False), ("claude-opus-4-1", False),
        ("claude-sonnet-4@20250514", False), ("claude-3-7-sonnet-latest", False), ("claude-sonnet-4-5", True),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", True), ("claude-opus-5", True), ("claude-opus-4.5", True),
        ("house-model", True),
    ],
)  # fmt: skip
def test_the_version_in_a_name_tells_whether_there_is_a_form(model: str, native: bool) -> None:
    assert fits_native_form(model, LLMRequest([], response_format=Report)) is native


def use(*pieces: str, start: Any = USE, index: int = 1) -> bytes:
    return block(index, start, *map(piece, pieces))


def converse(*pieces: str) -> bytes:
    start = {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t", "name": STRUCTURED}}}
    deltas = [message("contentBlockDelta", contentBlockIndex=0, delta={"toolUse": {"input": text}}) for text in pieces]
    return b"".join(
        [message("messageStart", role="assistant"), message("contentBlockStart", **start), *deltas,
         message("contentBlockStop", contentBlockIndex=0), message("messageStop", stopReason="tool_use"),
         message("metadata", usage={"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}, metrics={"latencyMs": 1})]
    )  # fmt: skip


def llm(model: str, server: Raw, **settings: Any) -> LLM:
    return LLM(model, base_url=server.origin, api_key="k", max_retries=0, **settings)


SHOWN = [f"text {text!r}" for text in PIECES]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("asked", "body", "told"),
    [
        (CLAUDE, START + use(*PIECES, index=0) + end("tool_use"), [*SHOWN, f"completed {JSON!r} stop"]),
        (CLAUDE, START + SAID + use(*PIECES) + end("tool_use"), [*SHOWN, f"completed {JSON!r} stop"]),
        (CLAUDE, START + TEXT + end("end_turn"), [f"text {JSON!r}", f"completed {JSON!r} stop"]),
        (CLAUDE, START + use(*PIECES) + end("max_tokens"), [*SHOWN, f"completed {JSON!r} length"]),
        (NOVA, converse(*PIECES), [*SHOWN, f"completed {JSON!r} stop"]),
    ],
    ids=["by the tool", "beside text", "as text", "at the limit", "converse"],
)  # fmt: skip
def test_what_the_tool_is_given_is_the_text_and_the_result(
    asked: tuple[str, str], body: bytes, told: list[str], way: Way
) -> None:
    model, media_type = asked
    with Raw(body, media_type) as server:
        ran = streamed(llm(model, server), way, "Weather?", response_model=Report)
    assert ran.transcript == ["started", *told]
    assert ran.result == Report(**REPORT)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("claude", "nova"),
    [(CLAUDE[0], NOVA[0]), ("bedrock-invoke/anthropic.claude-3-5-sonnet-20241022-v2:0", "bedrock-invoke/amazon.nova-lite-v1:0")],
    ids=["own API", "invoked"],
)  # fmt: skip
def test_an_answer_that_is_not_streamed_is_the_same(claude: str, nova: str, way: Way) -> None:
    whole = {
        "id": "m",
        "content": [{**USE, "input": REPORT}],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    with Raw(json.dumps(whole).encode(), "application/json") as server:
        assert called(llm(claude, server), way, "Weather?", response_model=Report) == Report(**REPORT)
    body = json.loads(server.requests[0].body)
    assert [tool["name"] for tool in body["tools"]] == [STRUCTURED]
    assert body["tools"][0]["input_schema"]["required"] == ["city", "temperature_c", "summary"]
    assert (body["tool_choice"], "output_config" in body) == ({"type": "tool", "name": STRUCTURED}, False)
    of_nova = {"output": {"message": {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": STRUCTURED, "input": REPORT}}]}},
               "stopReason": "tool_use", "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}, "metrics": {"latencyMs": 1}}  # fmt: skip
    with Raw(json.dumps(of_nova).encode(), "application/json") as server:
        assert called(llm(nova, server), way, "Weather?", response_model=Report) == Report(**REPORT)
    config = json.loads(server.requests[0].body)["toolConfig"]
    assert config["toolChoice"] == {"tool": {"name": STRUCTURED}}


class Tally(BaseModel):
    boats: dict[str, int]


@pytest.mark.parametrize(
    "model", ["anthropic/claude-sonnet-4-5", "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0"]
)
def test_a_model_with_a_dict_is_asked_for_by_the_tool_since_no_form_says_its_keys(model: str) -> None:
    with Raw(b"{}") as server, suppress(MalformedResponseError):
        llm(model, server).call("Boats?", response_model=Tally)
    body = json.loads(server.requests[0].body)
    assert STRUCTURED in json.dumps(body.get("tools", body.get("toolConfig")))
    assert not {"output_config", "outputConfig"} & body.keys()


@pytest.mark.parametrize(
    ("model", "field"),
    [("anthropic/claude-sonnet-4-5", "output_config"), ("bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0", "outputConfig")],
)  # fmt: skip
def test_a_model_that_allows_fields_beside_its_own_is_asked_for_in_the_form(model: str, field: str) -> None:
    class Tolerant(Report, extra="allow"):
        """As a base class of a whole program may be."""

    with Raw(b"{}") as server, suppress(MalformedResponseError):
        llm(model, server).call("Weather?", response_model=Tolerant)
    body = json.loads(server.requests[0].body)
    assert field in body
    assert not {"tools", "toolConfig"} & body.keys()


def test_beside_other_functions_the_model_chooses_among_all() -> None:
    body = START + use("{}", start=OTHER) + end("tool_use")
    with Raw(body) as server:
        ran = streamed(llm(CLAUDE[0], server), "sync", "Tide?", TOOLS, response_model=Report)
    assert ran.result == [{"id": "u", "type": "function", "function": {"name": "get_tide", "arguments": "{}"}}]
    sent = json.loads(server.requests[0].body)
    assert ([tool["name"] for tool in sent["tools"]], sent["tool_choice"]) == (
        ["get_weather", "get_tide", STRUCTURED], {"type": "any"}
    )  # fmt: skip
    with Raw(body) as server:
        thinking = {"type": "enabled", "budget_tokens": 1024}
        streamed(llm(CLAUDE[0], server, thinking=thinking), "sync", "Tide?", response_model=Report)
    assert json.loads(server.requests[0].body)["tool_choice"] == {"type": "auto"}


@pytest.mark.parametrize(
    ("model", "settings", "tools", "choice"),
    [
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", {}, None, {"tool": {"name": STRUCTURED}}),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", {}, TOOLS, {"any": {}}),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", {"thinking": {"type": "disabled"}}, TOOLS, {"any": {}}),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", {"thinking": {"type": "enabled", "budget_tokens": 1024}}, None, None),
        ("us.meta.llama3-3-70b-instruct-v1:0", {}, None, None),
        ("us.meta.llama3-3-70b-instruct-v1:0", {}, TOOLS, None),
        ("us.meta.llama3-3-70b-instruct-v1:0", {"toolChoice": {"any": {}}}, TOOLS, {"any": {}}),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/a", {}, None, {"tool": {"name": STRUCTURED}}),
        ("arn:aws:bedrock:us-east-1:1:provisioned-model/a", {}, None, {"tool": {"name": STRUCTURED}}),
        ("arn:aws:bedrock:us-east-1:1:custom-model-deployment/a", {}, None, {"tool": {"name": STRUCTURED}}),
    ],
)  # fmt: skip
def test_a_model_on_bedrock_is_made_to_call_the_tool_where_it_can_be(
    model: str, settings: dict[str, Any], tools: Any, choice: Any
) -> None:
    with Raw(b"", NOVA[1]) as server:
        streamed(llm(f"bedrock/{model}", server, **settings), "sync", "Weather?", tools, response_model=Report)
    assert json.loads(server.requests[0].body)["toolConfig"].get("toolChoice") == choice


class Branch(BaseModel):
    name: str
    twigs: list[Branch] = []


@pytest.mark.parametrize(
    ("asked", "schema"),
    [
        (CLAUDE, lambda body: body["tools"][0]["input_schema"]),
        (NOVA, lambda body: body["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"]),
    ],
)
def test_the_tool_takes_an_object_where_a_model_holds_others_of_its_kind(
    asked: tuple[str, str], schema: Callable[[Any], Any]
) -> None:
    model, media_type = asked
    with Raw(b"", media_type) as server:
        streamed(llm(model, server), "sync", "Grow!", response_model=Branch)
    sent = schema(json.loads(server.requests[0].body))
    assert (sent["type"], sent["$defs"].keys(), "$ref" in sent) == ("object", {"Branch"}, False)


def test_an_answer_that_does_not_fit_fails_as_any() -> None:
    with Raw(START + use('{"city": "Bergen"}') + end("tool_use")) as server:
        error = streamed(llm(CLAUDE[0], server), "sync", "Weather?", response_model=Report).error
    assert isinstance(error, MalformedResponseError)


@pytest.mark.parametrize("reason", ["max_tokens", "refusal"])
def test_an_answer_that_is_cut_off_before_it_begins_is_none_of_defaults(reason: str) -> None:
    class Findings(BaseModel):
        issues: list[str] = []
        verdict: str = "fine"

    with Raw(START + use() + end(reason)) as server:
        error = streamed(llm(CLAUDE[0], server), "sync", "Any faults?", response_model=Findings).error
        server.sends(START + use() + end("tool_use"), CLAUDE[1])
        assert streamed(llm(CLAUDE[0], server), "sync", "Any faults?", response_model=Findings).result == Findings()
    assert isinstance(error, MalformedResponseError)
    assert "it was cut off before it began" in str(error)


def test_the_suite_holds_frames_against_what_a_call_asked_for() -> None:
    facts = WireFacts(
        streamed=True, text="Here:", status=200, ended_at_marker=True, finish_reason="tool_calls",
        kinds=("text", "tool_call"), tool_calls=(WireToolCall(STRUCTURED, JSON, "t"),),
    )  # fmt: skip
    shown = as_requested(facts, {"tools": None})
    assert shown is not None
    assert (shown.text, shown.tool_calls, shown.kinds, shown.finish_reason) == (JSON, (), ("text",), "stop")
    asked_for = {"tools": [{"type": "function", "function": {"name": STRUCTURED}}]}
    assert as_requested(facts, asked_for) == facts
    cut = as_requested(facts, {"stop_sequences": ["re"], "tools": asked_for["tools"]})
    assert cut is not None
    assert cut.text == "He"
    assert as_requested(None, {}) is None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("openai/m", {"error": {"code": "context_length_exceeded", "message": "maximum context length is 8192 tokens"}}),
        ("azure/m", {"error": {"code": "context_length_exceeded", "message": "too long"}}),
        ("openai-responses/m", {"error": {"message": "Your input exceeds the context window of this model."}}),
        ("anthropic/m", {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 9 tokens > 8"}}),
        ("gemini/m", {"error": {"code": 400, "message": "The input token count (9) exceeds the maximum number of tokens allowed (8)."}}),
        ("bedrock/m", {"message": "Input is too long for requested model."}),
    ],
)  # fmt: skip
def test_a_conversation_that_does_not_fit_has_an_error_of_its_own(model: str, error: dict[str, Any], way: Way) -> None:
    with Raw(json.dumps(error).encode(), "application/json", 400) as server:
        raised = streamed(llm(model, server), way, "Hi").error
    assert isinstance(raised, LLMContextLengthExceededError)
    assert raised.status == 400


@pytest.mark.parametrize(
    ("name", "sent"), [("Page[Item]", "Page_Item"), ("Überblick", "berblick"), ("报告", "answer"), ("A" * 70, "A" * 64)]
)
def test_the_name_of_a_format_is_one_that_openai_takes(name: str, sent: str) -> None:
    told = response_format(create_model(name, city=(str, ...)))
    assert told["json_schema"]["name"] == sent


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
NESTED = {"type": "json_schema", "json_schema": {"name": "report", "schema": SCHEMA}}
FLAT = {"type": "json_schema", "name": "report", "schema": SCHEMA}
CONVERSE = {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(SCHEMA), "name": "report"}}}
#: Model, the field of its request that says of what form the answer is, and what that says where a schema is given, for a
#: JSON object of any form, and for text; None where it says nothing, and UsageError where it has no word for that.
FORMS: list[tuple[str, str, Any, Any, Any]] = [
    ("openai-responses/m", "text", {"format": FLAT}, {"format": {"type": "json_object"}}, {"format": {"type": "text"}}),
    ("anthropic/m", "output_config", {"format": {"type": "json_schema", "schema": SCHEMA}}, {"format": {"type": "json_object"}}, None),
    ("gemini/m", "generationConfig", {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA},
     {"responseMimeType": "application/json"}, {"responseMimeType": "text/plain"}),
    (NOVA[0], "outputConfig", {"textFormat": CONVERSE}, UsageError, None),
    ("bedrock-invoke/nova", "outputConfig", {"textFormat": CONVERSE}, UsageError, None),
    ("ollama-api/m", "format", SCHEMA, "json", None),
    ("cohere-v1/m", "response_format", {"type": "json_object", "schema": SCHEMA}, {"type": "json_object"}, {"type": "text"}),
    ("cohere-v2/m", "response_format", {"type": "json_object", "json_schema": SCHEMA}, {"type": "json_object"}, {"type": "text"}),
]  # fmt: skip
MODELS = [model for model, *_ in FORMS]


@pytest.mark.parametrize(("model", "field", "schema", "any_object", "text"), FORMS, ids=MODELS)
def test_the_formats_of_openai_are_read_for_every_provider(
    model: str, field: str, schema: Any, any_object: Any, text: Any
) -> None:
    told = [(NESTED, schema), ({"type": "json_object"}, any_object), ({"type": "text"}, text)]
    if not model.startswith("anthropic"):
        told.append((FLAT, schema))
    with Raw(b"{}", "application/json", 400) as server:
        for answer_format, expected in told:
            error = streamed(llm(model, server, response_format=answer_format), "sync", "Weather?").error
            assert isinstance(error, UsageError) == (expected is UsageError)
            if not isinstance(error, UsageError):
                assert json.loads(server.requests[-1].body).get(field) == expected


class Unwritable(BaseModel):
    choose: Callable[[str], str]


@pytest.mark.parametrize("model", [*MODELS, "openai/m", CLAUDE[0]])
def test_a_format_that_has_no_schema_is_the_callers_fault(model: str) -> None:
    with Raw(b"{}", "application/json", 400) as server:
        for unknown in (
            {"type": "json_schema"},
            {"type": "json_schema", "json_schema": None},
            {"json_schema": {"name": "n"}},
        ):
            error = streamed(llm(model, server, response_format=unknown), "sync", "Weather?").error
            # What reaches a provider, that judges.
            assert isinstance(error, UsageError | ProviderStatusError)
        error = streamed(llm(model, server), "sync", "Weather?", response_model=Unwritable).error
    assert isinstance(error, UsageError)
    assert "the response model 'Unwritable' has no JSON Schema" in str(error)


def test_a_model_that_an_sdk_can_not_say_is_the_callers_fault() -> None:
    class Loose(BaseModel):
        value: Any

    with Raw(b"{}") as server:
        error = streamed(llm("anthropic/claude-sonnet-4-5", server), "sync", "Weather?", response_model=Loose).error
        assert not server.requests
    assert isinstance(error, UsageError)
    assert "the response model 'Loose' has no JSON Schema" in str(error)
