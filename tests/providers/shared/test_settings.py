"""Settings under the names that programs know, from keywords and from the environment, as they reach each provider."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from google.genai.types import ThinkingConfig
from msgspec.structs import replace

from harness.errors import HarnessError, ProviderConnectionError, UsageError
from harness.llm import LLM, no_credentials_needed
from harness.llm.recorded import OMIT
from harness.providers.openai.chat import OpenAIChat
from harness.providers.openai.responses.model import OpenAIResponses
from harness.providers.registry import recognized, refuse_foreign
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.tape.tape import playing
from harness.recording.wire import Ending
from harness.shipped import shipped_recording
from tests.llm.scripted import WAYS, Way, called, streamed
from tests.servers.raw import Raw

HEADERS = {"x-team": "harbour"}


@pytest.fixture
def raw() -> Iterator[Raw]:
    """A server that refuses everything, and keeps what it was asked."""
    with Raw(b'{"error": {"message": "no"}}', "application/json", 400) as running:
        yield running


def asked(raw: Raw, model: str, way: Way = "sync", keywords: Mapping[str, Any] | None = None, **settings: Any) -> Any:
    """Return the request that a call makes."""
    where = {"base_url": raw.origin} if not {"base_url", "api_base", "endpoint"} & settings.keys() else {}
    llm = LLM(model, **{"api_key": "k", "max_retries": 0, **where, **settings})
    with contextlib.suppress(HarnessError):
        called(llm, way, "Hi", **(keywords or {}))
    return raw.requests[-1]


@pytest.mark.parametrize(
    ("model", "settings", "sent"),
    [
        ("openai/gpt-4o", {"verbosity": "low"}, {"verbosity": "low"}),
        ("openai/gpt-4o", {"store": True}, {"store": True}),
        ("azure/d", {"store": False}, {"store": False}),
        ("openai/gpt-4o", {"top_k": 3}, {"top_k": 3}),
        ("openai/gpt-4o", {"max_completion_tokens": 9}, {"max_completion_tokens": 9}),
        ("openai/gpt-4o", {"max_tokens": 9}, {"max_tokens": 9}),
        ("openai/gpt-4o", {"stop_sequences": "END"}, {"stop": ["END"]}),
        ("openai/gpt-5", {"stop": ["END"]}, {"stop": None}),
        ("openai/gpt-6-sol", {"stop": ["END"]}, {"stop": None}),
        ("openai/o3", {"stop": ["END"]}, {"stop": None}),
        ("openrouter/openai/gpt-oss-120b", {"stop": ["END"]}, {"stop": ["END"]}),
        ("openai/gpt-4o", {"stream": True}, {"tool_choice": None}),
        ("azure/d", {"verbosity": "low"}, {"verbosity": "low"}),
        ("azure/o3", {"stop": ["END"]}, {"stop": None}),
        ("azure/gpt-35-turbo", {"stop": ["END"]}, {"stop": ["END"]}),
        ("anthropic/claude-opus-4-5", {"top_k": 3, "metadata": {"user_id": "u"}}, {"top_k": 3, "metadata": {"user_id": "u"}}),
        ("claude/claude-opus-4-5", {"max_output_tokens": 9}, {"max_tokens": 9}),
        ("anthropic/claude-opus-4-5", {"stop": ["\n\n", "END"]}, {"stop_sequences": ["END"]}),
        ("anthropic/claude-opus-4-5", {"stop": "\n"}, {"stop_sequences": None}),
        ("anthropic/claude-opus-4-5", {"thinking": {"type": "enabled", "budget_tokens": 1024}}, {"max_tokens": 4096}),
        ("anthropic/claude-opus-4-5", {"thinking": {"type": "enabled", "budget_tokens": 10_000}}, {"max_tokens": 14_096}),
        ("anthropic/claude-opus-4-5", {"thinking": {"type": "adaptive"}}, {"max_tokens": 4096}),
        ("anthropic/claude-opus-4-6", {"thinking": True}, {"thinking": {"type": "adaptive"}}),
        ("anthropic/claude-haiku-4-5", {"thinking": True, "max_tokens": 2000},
         {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000}),
        ("anthropic/claude-opus-4-6", {"thinking": False}, {"thinking": {"type": "disabled"}}),
        ("bedrock/us.anthropic.claude-opus-4-6-v1", {"thinking": True},
         {"additionalModelRequestFields": {"thinking": {"type": "adaptive"}}}),
        ("gemini/gemini-2.5-flash", {"top_k": 3, "max_output_tokens": 9},
         {"generationConfig": {"topK": 3, "maxOutputTokens": 9}}),
        ("gemini/gemini-2.5-flash", {"safety_settings": {"HARM": "NONE"}},
         {"safetySettings": [{"category": "HARM", "threshold": "NONE"}]}),
        ("gemini/gemini-2.5-flash", {"thinking_config": {"thinkingBudget": 9}},
         {"generationConfig": {"thinkingConfig": {"thinkingBudget": 9}}}),
        ("gemini/gemini-3-flash", {"thinking": True, "reasoning_effort": "low"},
         {"generationConfig": {"thinkingConfig": {"includeThoughts": True, "thinkingLevel": "low"}}}),
        ("gemini/gemini-2.5-flash", {"thinking": True, "reasoning_effort": "medium"},
         {"generationConfig": {"thinkingConfig": {"includeThoughts": True, "thinkingBudget": 8192}}}),
        ("gemini/gemini-2.5-flash", {"thinking": ThinkingConfig(thinking_budget=9)},
         {"generationConfig": {"thinkingConfig": {"thinkingBudget": 9}}}),
        ("bedrock/m", {"guardrail_config": {"guardrailIdentifier": "g", "guardrailVersion": "1"},
                       "additional_model_request_fields": {"x": 1}, "additional_model_response_field_paths": ["/y"]},
         {"guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"},
          "additionalModelRequestFields": {"x": 1}, "additionalModelResponseFieldPaths": ["/y"]}),
        ("bedrock/us.anthropic.claude-opus-4-5", {"top_k": 3, "verbosity": "low"},
         {"additionalModelRequestFields": {"top_k": 3, "verbosity": "low"}}),
        ("aws/amazon.nova-lite-v1:0", {"top_k": 3}, {"additionalModelRequestFields": {"inferenceConfig": {"topK": 3}}}),
        ("openai/gpt-4o",
         {"api": "responses", "instructions": "Be brief.", "store": False, "include": ["x"],
          "builtin_tools": ["web_search", "code_interpreter", {"type": "mcp", "server_label": "s"}],
          "previous_response_id": "resp_1", "auto_chain_reasoning": True},
         {"instructions": "Be brief.", "store": False, "include": ["x", "reasoning.encrypted_content"],
          "tools": [{"type": "web_search"}, {"type": "code_interpreter", "container": {"type": "auto"}},
                    {"type": "mcp", "server_label": "s"}], "previous_response_id": "resp_1", "tool_choice": None}),
        ("openai/gpt-4o", {"api": "responses", "stop": ["END"], "verbosity": "low"}, {"stop": None, "verbosity": "low"}),
    ],
)  # fmt: skip
def test_a_setting_reaches_the_body(model: str, settings: dict[str, Any], sent: dict[str, Any], raw: Raw) -> None:
    body = json.loads(asked(raw, model, **settings).body)
    assert {name: body.get(name) for name in sent} == sent


NAMED = {"name": "n", "schema": {"type": "object"}}
TEXT = {"type": "json_schema", "json_schema": NAMED}


@pytest.mark.parametrize(
    ("model", "settings", "field", "own", "sent"),
    [
        ("openai-responses/m", {"response_format": TEXT}, "text", {"verbosity": "low"},
         {"format": {"type": "json_schema", **NAMED}, "verbosity": "low"}),
        ("openai-responses/m", {"reasoning_effort": "low"}, "reasoning", {"summary": "auto"},
         {"effort": "low", "summary": "auto"}),
        ("anthropic/m", {"response_format": TEXT}, "output_config", {"effort": "low"},
         {"format": {"type": "json_schema", "schema": {"type": "object"}}, "effort": "low"}),
        ("gemini/m", {"top_p": 0.1}, "generationConfig", {"topK": 4}, {"topP": 0.1, "topK": 4}),
        ("bedrock/m", {"max_tokens": 9}, "inferenceConfig", {"topP": 0.1}, {"maxTokens": 9, "topP": 0.1}),
        ("bedrock/m", {"thinking": {"type": "adaptive"}}, "additionalModelRequestFields", {"x": 1},
         {"thinking": {"type": "adaptive"}, "x": 1}),
        ("ollama-api/m", {"seed": 1}, "options", {"num_ctx": 9}, {"seed": 1, "num_ctx": 9}),
    ],
)  # fmt: skip
def test_an_object_that_settings_fill_is_filled_by_additional_fields_too(
    model: str, settings: dict[str, Any], field: str, own: dict[str, Any], sent: dict[str, Any], raw: Raw
) -> None:
    for additional, expected in ((own, sent), (dict.fromkeys(sent, OMIT), {})):
        request = asked(raw, model, **settings, additional_params={field: additional})
        assert json.loads(request.body).get(field, {}) == expected


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model", ["openai/m", "azure/m", "anthropic/m", "gemini/m", "bedrock/m", "openai-responses/m"])
def test_header_fields_are_sent_with_every_request(model: str, way: Way, raw: Raw) -> None:
    assert asked(raw, model, way, default_headers=HEADERS).headers["x-team"] == "harbour"


@pytest.mark.parametrize("tool", ["flat", "nested"])
@pytest.mark.parametrize(
    ("model", "choice"), [("openai/m", "auto"), ("azure/m", "auto"), ("anthropic/m", None), ("ollama/m", "auto")]
)
def test_tools_are_chosen_among_freely(model: str, choice: str | None, tool: str, raw: Raw) -> None:
    function = {"name": "add", "description": "Adds.", "parameters": {"type": "object", "properties": {}}}
    given = function if tool == "flat" else {"type": "function", "function": function}
    body = json.loads(asked(raw, model, keywords={"tools": [given]}).body)
    assert body.get("tool_choice") == choice
    assert len(body["tools"]) == 1


@pytest.mark.parametrize(
    ("model", "settings", "environment", "path"),
    [
        ("openai/m", {}, {"OPENAI_API_BASE": "{}/b"}, "/b/chat/completions"),
        ("openai/m", {"api_base": "{}/c"}, {"OPENAI_API_BASE": "{}/b"}, "/c/chat/completions"),
        ("ollama/m", {"base_url": "{}"}, {}, "/v1/chat/completions"),
        ("ollama/m", {"base_url": "{}/v1"}, {}, "/v1/chat/completions"),
        ("ollama/m", {}, {"OLLAMA_HOST": "{host}"}, "/v1/chat/completions"),
        ("hosted_vllm/m", {}, {"VLLM_BASE_URL": "{}/v1"}, "/v1/chat/completions"),
        ("snowflake/m", {}, {"SNOWFLAKE_API_BASE": "{}/api"}, "/api/chat/completions"),
        ("azure_openai/m", {"endpoint": "{}/openai/deployments/m"}, {"AZURE_API_VERSION": "2025-01-01"},
         "/openai/deployments/m/chat/completions?api-version=2025-01-01"),
        ("azure/m", {}, {"AZURE_API_BASE": "{}", "AZURE_API_VERSION": "v"}, "/chat/completions?api-version=v"),
        ("deepseek/m", {"custom_openai": True, "base_url": "{}"}, {}, "/chat/completions"),
        ("llama3", {"provider": "ollama", "base_url": "{}"}, {}, "/v1/chat/completions"),
        ("m", {"provider": "anthropic", "base_url": "{}"}, {}, "/v1/messages"),
        ("azure/m", {"api": "responses", "endpoint": "{}"}, {}, "/openai/v1/responses"),
        ("gemini/m", {"base_url": "{}"}, {"GOOGLE_GENAI_USE_VERTEXAI": "true"},
         "/v1beta1/publishers/google/models/m:generateContent"),
        ("gemini/m", {"base_url": "{}", "use_vertexai": False}, {"GOOGLE_GENAI_USE_VERTEXAI": "true"},
         "/v1/models/m:generateContent"),
    ],
)  # fmt: skip
def test_an_address_comes_from_keywords_and_variables(
    model: str,
    settings: dict[str, Any],
    environment: dict[str, str],
    path: str,
    raw: Raw,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def filled(text: Any) -> Any:
        host = raw.origin.removeprefix("http://")
        return text.replace("{}", raw.origin).replace("{host}", host) if isinstance(text, str) else text

    for name, value in environment.items():
        monkeypatch.setenv(name, filled(value))
    llm = LLM(model, **{name: filled(value) for name, value in {"api_key": "k", "max_retries": 0, **settings}.items()})
    with contextlib.suppress(HarnessError):
        llm.call("Hi")
    assert raw.requests[-1].path == path


@pytest.mark.parametrize(
    ("model", "variable", "attribute", "shown"),
    [
        ("openai/m", "OPENAI_API_KEY", "api_key", "from-there"),
        ("anthropic/m", "ANTHROPIC_API_KEY", "api_key", "from-there"),
        ("gemini/m", "GOOGLE_API_KEY", "api_key", "from-there"),
        ("ollama/m", "OLLAMA_API_KEY", "api_key", "from-there"),
        ("hosted_vllm/m", "VLLM_API_KEY", "api_key", "from-there"),
        ("azure/m", "AZURE_API_KEY", "api_key", "from-there"),
        ("azure/m", "AZURE_ENDPOINT", "endpoint", "from-there"),
        ("azure/m", "AZURE_API_VERSION", "api_version", "from-there"),
        ("azure/m", "AZURE_CREDENTIAL_SCOPES", "credential_scopes", ["from-there"]),
        ("bedrock/m", "AWS_REGION_NAME", "region_name", "from-there"),
        ("vertex_ai/m", "GOOGLE_CLOUD_PROJECT", "project", "from-there"),
    ],
)
def test_a_setting_of_the_environment_shows_on_the_object(
    model: str, variable: str, attribute: str, shown: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    llm = LLM(model)
    monkeypatch.delenv(variable, raising=False)
    assert getattr(llm, attribute) is None
    monkeypatch.setenv(variable, "from-there")
    assert getattr(llm, attribute) == shown
    assert "from-there" not in str(llm.to_config_dict())


def test_the_deployment_of_an_azure_resource_shows_as_its_endpoint() -> None:
    llm: Any = LLM("azure/gpt-4o", endpoint="https://r.openai.azure.com/", api_version="2025-01-01")
    assert llm.endpoint == "https://r.openai.azure.com/openai/deployments/gpt-4o"


@pytest.mark.parametrize(
    ("model", "settings", "told"),
    [
        (
            "openai/m",
            {"aws_secret_access_key": "s"},
            "aws_secret_access_key is a setting of bedrock/…; openai/… has none",
        ),
        ("anthropic/m", {"endpoint": "e"}, "endpoint is a setting of azure/…"),
        ("anthropic/m", {"organization": "o"}, "organization is a setting of openai/…"),
        ("openai/m", {"auto_chain": True}, "auto_chain is a setting of openai-responses/…"),
        ("anthropic/m", {"api": "responses"}, "openai/… and azure/… have it, and anthropic/… has not"),
        ("openai/m", {"api": "smoke"}, "api='smoke': expected 'responses'"),
        ("bedrock/m", {"interceptor": object()}, "bedrock: .* no interceptor"),
        ("openai/m", {"api": "responses", "parse_tool_outputs": True}, "parse_tool_outputs: .*Leave it out"),
        ("snowflake/m", {"api_key": "k"}, "snowflake: no address; pass base_url='https://<account>"),
    ],
)
def test_a_setting_that_has_no_effect_there_is_refused(model: str, settings: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        LLM(model, **settings).call("Hi")


def test_what_reaches_all_providers_takes_the_settings_of_each() -> None:
    refuse_foreign("litellm", {"aws_region_name": "eu-north-1", "organization": "o", "project": "p"})


def test_credentials_for_aws_may_be_given(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    given: dict[str, Any] = {
        "aws_access_key_id": "AKIDGIVEN",
        "aws_secret_access_key": "s",
        "region_name": "eu-north-1",
    }
    request = asked(raw, "bedrock/m", **given)
    assert "Credential=AKIDGIVEN/" in request.headers["authorization"]
    assert "/eu-north-1/bedrock/" in request.headers["authorization"]


class Seen:
    """Looks at what is sent and what comes."""

    def __init__(self) -> None:
        self.statuses: list[int] = []

    def on_outbound(self, request: Any) -> Any:
        request.headers["x-seen"] = "yes"
        return request

    def on_inbound(self, response: Any) -> Any:
        self.statuses.append(response.status_code)
        return response


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model", ["openai/m", "anthropic/m", "openai-responses/m"])
def test_an_interceptor_sees_requests_and_responses(model: str, way: Way, raw: Raw) -> None:
    seen = Seen()
    assert asked(raw, model, way, interceptor=seen).headers["x-seen"] == "yes"
    assert seen.statuses == [400]


def test_parameters_of_the_sdk_s_client_are_its_own(raw: Raw) -> None:
    request = asked(raw, "openai/m", client_params={"organization": "org-1"})
    assert request.headers["openai-organization"] == "org-1"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model", ["openai/m", "openai-responses/m", "groq/m"])
def test_what_openai_s_client_takes_by_name_is_no_field_of_a_request(model: str, way: Way, raw: Raw) -> None:
    request = asked(raw, model, way, organization="org-1", project="p-1", default_query={"a": "b"})
    assert (request.headers["openai-organization"], request.headers["openai-project"]) == ("org-1", "p-1")
    assert request.path.endswith("?a=b")
    assert not {"organization", "project", "default_query"} & json.loads(request.body).keys()


def test_functions_wait_to_be_found_where_tools_are_searched(raw: Raw) -> None:
    tools = [{"name": "add", "description": "Adds.", "input_schema": {"type": "object", "properties": {}}}]
    body = json.loads(asked(raw, "anthropic/claude-opus-4-5", keywords={"tools": tools}, tool_search=True).body)
    assert [tool["name"] for tool in body["tools"]] == ["tool_search_tool_bm25", "add"]
    assert body["tools"][1]["defer_loading"] is True
    assert "tools" not in json.loads(asked(raw, "anthropic/claude-opus-4-5", tool_search=True).body)


def test_a_token_credential_of_azure_is_asked_for_its_scopes_and_needs_no_key() -> None:
    scopes = list[str]()

    class Credential:
        def get_token(self, *asked: str, **options: Any) -> SimpleNamespace:
            scopes.extend(asked)
            return SimpleNamespace(token="t", expires_on=2**40)

    path = shipped_recording("azure/text") / "cassette.yaml"
    (recorded,) = read_cassette(path)
    place: dict[str, Any] = {
        "base_url": "https://harbour-example.openai.azure.com",
        "api_version": "2024-12-01-preview",
    }
    llm = LLM("azure/gpt-4o-mini", **place, credential_scopes=["s"], client_params={"credential": Credential()})
    with playing(path, (recorded,)):
        assert streamed(llm, "sync", "How is the harbour tonight?").result.startswith("The harbour")
    assert scopes == ["s"]


@pytest.mark.parametrize("kind", [OpenAIChat, OpenAIResponses])
def test_an_integration_that_is_chosen_by_its_class_takes_any_name(kind: type[LLM]) -> None:
    assert kind("in-house-7").model == "in-house-7"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model", ["openai", "anthropic", "bedrock", "gemini", "azure"])
def test_a_failure_that_is_played_says_that_it_is_the_tapes(model: str, way: Way) -> None:
    path = shipped_recording(f"{model}/text") / "cassette.yaml"
    (recorded,) = read_cassette(path)
    nothing = replace(
        recorded.response, status=0, body=b"", chunks=(), ended=Ending("no-response", "ConnectError: refused", 0.0)
    )
    call = recognized("POST", recorded.request.url)
    assert call is not None
    asked_for = call.parse(recorded.request.url, recorded.request.body)
    with playing(path, (replace(recorded, response=nothing),)), no_credentials_needed():
        llm = LLM(asked_for.model, max_retries=0, stream=asked_for.stream, **asked_for.settings)
        with pytest.raises(ProviderConnectionError) as raised:
            called(llm, way, asked_for.messages)
    assert "this failure is the recording's" in "".join(raised.value.__notes__)


# What refuses chat completions.

ELSEWHERE = {"message": "This model is only supported in v1/responses and not in v1/chat/completions."}
EFFORT = {"message": "Function tools with reasoning_effort are not supported for this model."}
ANSWERED = {
    "id": "r",
    "status": "completed",
    "output": [{"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}],
}
CHOICE = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]}


class Choosy(Raw):
    """Serves no chat completions, or none that are asked for an effort."""

    def answer(self, request: Any) -> Any:
        if request.path.endswith("/responses"):
            self.sends(json.dumps(ANSWERED).encode(), "application/json")
        elif request.path.startswith("/elsewhere"):
            self.sends(json.dumps({"error": ELSEWHERE}).encode(), "application/json", 404)
        elif b"reasoning_effort" in request.body:
            self.sends(json.dumps({"error": EFFORT}).encode(), "application/json", 400)
        else:
            self.sends(json.dumps(CHOICE).encode(), "application/json")
        return super().answer(request)


#: A provider → its address below a server's, and what is asked there first and then.
SERVED_ELSEWHERE = {
    "openai": ("", "/chat/completions", "/responses"),
    "azure": (
        "/openai/deployments/gpt-5-pro",
        "/openai/deployments/gpt-5-pro/chat/completions?api-version=1",
        "/openai/v1/responses",
    ),
}


@pytest.mark.parametrize("provider", SERVED_ELSEWHERE)
@pytest.mark.parametrize("way", WAYS)
def test_a_model_that_only_responses_serve_is_asked_there_from_then_on(way: Way, provider: str) -> None:
    below, first, then = SERVED_ELSEWHERE[provider]
    version: dict[str, Any] = {"api_version": "1"} if provider == "azure" else {}
    with Choosy() as server:
        address = f"{server.origin}/elsewhere{below}"
        llm = LLM(f"{provider}/gpt-5-pro", base_url=address, api_key="k", max_retries=0, **version)
        assert [called(llm, way, "Hi"), called(llm, way, "Hi")] == ["Hi", "Hi"]
    assert [request.path.removeprefix("/elsewhere") for request in server.requests] == [first, then, then]
    assert llm.get_token_usage_summary().successful_requests == 2


def test_what_responses_have_no_word_for_keeps_the_refusal() -> None:
    with Choosy() as server:
        llm = LLM("openai/gpt-5-pro", base_url=f"{server.origin}/elsewhere", api_key="k", max_retries=0, seed=1)
        with pytest.raises(HarnessError, match="only supported in v1/responses"):
            llm.call("Hi")


@pytest.mark.parametrize("provider", ["openai", "azure"])
@pytest.mark.parametrize("way", WAYS)
def test_an_effort_that_is_refused_beside_tools_is_left_out(way: Way, provider: str) -> None:
    tools = [{"name": "add", "parameters": {"type": "object", "properties": {}}}]
    with Choosy() as server:
        llm = LLM(f"{provider}/gpt-5.4", base_url=server.origin, api_key="k", max_retries=0, reasoning_effort="low")
        assert called(llm, way, "Hi", tools=tools) == "Hi"
        assert ["reasoning_effort" in json.loads(request.body) for request in server.requests] == [True, False]
        with pytest.raises(HarnessError, match="reasoning_effort"):
            called(llm, way, "Hi")


@pytest.mark.parametrize("model", ["openai/m", "anthropic/m", "gemini/m"])
@pytest.mark.parametrize("query", ["a=b", 5])
def test_a_query_that_is_none_is_refused_before_anything_is_sent(query: Any, model: str, raw: Raw) -> None:
    llm = LLM(model, api_key="k", base_url=raw.origin, additional_params={"extra_query": query})
    with pytest.raises(UsageError, match=f"extra_query is {query!r}; expected a dict"):
        llm.call("Hi")
    assert raw.requests == []
