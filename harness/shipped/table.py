"""The one table of what is recorded: scenarios that every provider has, and each provider's row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from harness.shipped.flows import ChainFlow, Conversation, ProviderFlow, StoryFlow
from harness.shipped.question import Question, Session, ShippedProvider
from harness.shipped.weather import GET_WEATHER, WeatherReport, get_weather, weather_called

Program = Callable[[ShippedProvider], Session]

_HARBOUR: Final = "How is the harbour tonight?"
_WEATHER: Final = "What is the weather in Bergen?"
_COMPARE: Final = "Compare the weather in Bergen and Narvik."
_TURNING: Final = "Ship or lighthouse: who turns?"
_HIGH_WATER: Final = "When is high water?"
_BRIEFLY: Final = {"role": "system", "content": "Answer in one sentence."}
_SINGLE_ATTEMPT: Final = {"max_retries": 0}
_FUNCTIONS: Final = {"get_weather": get_weather}

#: What is recorded of every provider: scenario → what is asked.
COMMON: Final[Mapping[str, Program]] = {
    "text": Question(_HARBOUR),
    "async_text": Question("Send greetings in several scripts.", reading="astream"),
    "tool_call": Question(_WEATHER, tools=(GET_WEATHER,), functions=_FUNCTIONS),
    "parallel_tool_calls": Question(_COMPARE, tools=(GET_WEATHER,), functions=_FUNCTIONS),
    "thinking": Question(_TURNING),
    "structured_output": Question("Report the weather in Bergen as JSON.", response_model=WeatherReport),
    "length_limited": Question("Count the waves.", {"max_tokens": 5}),
    "not_streamed": Question(_HARBOUR, reading="whole"),
    "http_error": Question(_HARBOUR, _SINGLE_ATTEMPT, of_unknown_model=True),
    "stream_error": Question("Break in the middle.", _SINGLE_ATTEMPT),
    "truncated": Question("Stop without an end marker.", _SINGLE_ATTEMPT),
}
#: Of legacy completions, which know neither tools nor formats.
_OF_TEXT: Final = ("text", "async_text", "length_limited", "not_streamed", "http_error", "stream_error", "truncated")
#: Of chat completions, which show no reasoning.
WITHOUT_THINKING: Final = {name: program for name, program in COMMON.items() if name != "thinking"}


def _flow(flow: type[ProviderFlow]) -> Program:
    return lambda provider: flow(provider).stream_events()


def _claude(thinking: dict[str, Any], ids: str, **redacted: Any) -> dict[str, Program]:
    """Return what is recorded of Claude, whose answers have text beside a tool call."""
    cached = {"type": "text", "text": "Read the log book again.", "cache_control": {"type": "ephemeral"}}
    messages = [_BRIEFLY, {"role": "user", "content": _COMPARE}, *weather_called(ids)]
    return {
        **COMMON,
        "thinking": Question(_TURNING, {"thinking": thinking}),
        "not_streamed": Question(_WEATHER, tools=(GET_WEATHER,), reading="whole"),
        "tool_results": Question(messages, tools=(GET_WEATHER,)),
        "redacted_thinking": Question("Decide behind closed doors.", {"thinking": thinking, **redacted}),
        "cache_usage": Question([{"role": "user", "content": [cached]}]),
    }


_RESOURCE: Final = "https://harbour-example.openai.azure.com"
_PROJECT: Final = "https://europe-west1-aiplatform.googleapis.com/v1/projects/harbour-example/locations/europe-west1"
_MODELS_RESOURCE: Final = "https://harbour-example.eastus2.models.ai.azure.com"

#: By the names of the folders that the recordings are in. The resources on Azure and the project on Vertex AI do not exist.
PROVIDERS: Final[Mapping[str, ShippedProvider]] = {
    "anthropic": ShippedProvider(
        "anthropic/claude-sonnet-4-6",
        "anthropic/claude-0-lighthouse",
        # The beta endpoint, for reasoning of which a part is for the provider alone.
        _claude({"type": "adaptive"}, "toolu", additional_params={"betas": []}),
    ),
    "azure": ShippedProvider(
        "azure/gpt-4o-mini",
        "azure/gpt-0-lighthouse",
        {
            **COMMON,
            "thinking": Question(
                _TURNING,
                {"base_url": _MODELS_RESOURCE, "api_version": "2024-05-01-preview"},
                model="azure/DeepSeek-R1",
            ),
            "responses": Question(
                _HIGH_WATER, {"api_version": None, "thinking": True}, model="azure-responses/gpt-4o-mini"
            ),
        },
        {"base_url": _RESOURCE, "api_version": "2024-12-01-preview"},
    ),
    "bedrock": ShippedProvider(
        "bedrock/us.anthropic.claude-sonnet-4-6",
        "bedrock/us.anthropic.claude-0-lighthouse",
        _claude({"type": "enabled", "budget_tokens": 1024}, "tooluse"),
        # Given here, so that a replay depends on nobody's AWS configuration.
        {"base_url": "https://bedrock-runtime.us-east-1.amazonaws.com"},
    ),
    "bedrock_invoke": ShippedProvider(
        "bedrock-invoke/us.anthropic.claude-sonnet-4-6",
        "bedrock-invoke/us.anthropic.claude-0-lighthouse",
        {**COMMON, "thinking": Question(_TURNING, {"thinking": {"type": "enabled", "budget_tokens": 1024}})},
        {"base_url": "https://bedrock-runtime.us-east-1.amazonaws.com"},
    ),
    "cohere": ShippedProvider("cohere-v1/command-r-08-2024", "cohere-v1/command-0-lighthouse", WITHOUT_THINKING),
    "cohere_v2": ShippedProvider(
        "cohere-v2/command-a-reasoning-08-2025",
        "cohere-v2/command-0-lighthouse",
        {**COMMON, "thinking": Question(_TURNING, {"thinking": True})},
    ),
    "gemini": ShippedProvider(
        "gemini/gemini-2.5-flash",
        "gemini/gemini-0-lighthouse",
        {
            **COMMON,
            "thinking": Question(_TURNING, {"thinking": {"includeThoughts": True}}),
            "length_limited": Question("Count the waves.", {"max_tokens": 3}),
            "not_streamed": Question(_WEATHER, tools=(GET_WEATHER,), reading="whole"),
            "tool_results": _flow(Conversation),
            "cache_usage": Question("Read the log book again."),
            "vertex": Question(_HARBOUR, model="vertex_ai/gemini-2.5-flash"),
        },
    ),
    "ollama": ShippedProvider(
        "ollama-api/gpt-oss:20b",
        "ollama-api/lighthouse:0b",
        {**COMMON, "thinking": Question(_TURNING, {"thinking": True})},
        # Its cloud, so that a replay names nobody's machine.
        {"base_url": "https://ollama.com"},
    ),
    "openai": ShippedProvider(
        "openai/gpt-4o-mini",
        "openai/gpt-0-lighthouse",
        {
            **WITHOUT_THINKING,
            "async_text": Question(_HARBOUR, reading="astream"),
            "two_step_flow": _flow(StoryFlow),
        },
    ),
    "openai_compatible": ShippedProvider(
        "openrouter/openai/gpt-4o-mini",
        "openrouter/openai/gpt-0-lighthouse",
        {
            **COMMON,
            "thinking": Question(_TURNING, model="openrouter/deepseek/deepseek-r1"),
            "deepseek_thinking": Question(_TURNING, model="deepseek/deepseek-reasoner"),
        },
    ),
    "openai_completions": ShippedProvider(
        "openai-completions/gpt-3.5-turbo-instruct",
        "openai-completions/gpt-0-lighthouse",
        {name: COMMON[name] for name in _OF_TEXT},
    ),
    "openai_responses": ShippedProvider(
        "openai-responses/gpt-4o-mini",
        "openai-responses/gpt-0-lighthouse",
        {
            **COMMON,
            "text": Question([_BRIEFLY, {"role": "user", "content": _HARBOUR}]),
            "thinking": Question(_HIGH_WATER, {"reasoning_effort": "low", "thinking": "detailed"}),
            "tool_results": Question(
                [{"role": "user", "content": _COMPARE}, *weather_called("call", ": ")], tools=(GET_WEATHER,)
            ),
            "text_and_tool": Question(
                "Say what you do, then look at the tide.", {"thinking": True}, tools=(GET_WEATHER,)
            ),
            "web_search": Question("How many people live in Bergen?", tools=({"type": "web_search"},)),
            "chained": _flow(ChainFlow),
        },
    ),
    "vertex_anthropic": ShippedProvider(
        "vertex_anthropic/claude-sonnet-4-6",
        "vertex_anthropic/claude-0-lighthouse",
        {**COMMON, "thinking": Question(_TURNING, {"thinking": {"type": "adaptive"}})},
        {"base_url": _PROJECT},
    ),
}
