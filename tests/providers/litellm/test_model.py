"""Providers without an integration of their own, through litellm; its extra has an environment to itself."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from harness.errors import (
    ProviderConnectionError,
    ProviderError,
    ProviderStatusError,
    StreamTruncatedError,
    UsageError,
)
from harness.llm import LLM
from tests.llm.scripted import WAYS, Ran, Way, in_session, streamed, text_of
from tests.optional import needs
from tests.servers.openai.chat import OpenAIChatServer
from tests.servers.openai.chat_scenarios import BERGEN_CALL, HARBOUR_TEXT, NARVIK_CALL, SCENARIOS
from tests.servers.openai.compatible import SCENARIOS as OF_HOSTS, THOUGHT, THOUGHT_TEXT, DeepSeekServer

needs("litellm", "the extra `litellm` is not installed; it can't stand beside `openai`")

# What litellm keeps open is its own; the garbage collector finds it in any later test.
pytestmark = pytest.mark.filterwarnings("ignore")

THINKING = OF_HOSTS["thinking"]
TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}
]


@pytest.fixture
def server() -> Iterator[OpenAIChatServer]:
    with OpenAIChatServer() as running:
        yield running


def ask(server: OpenAIChatServer, way: Way, streams: bool, scenario: str, **keywords: Any) -> Ran:
    llm = LLM("litellm/openai/gpt-4o-mini", base_url=server.base_url, api_key="k", max_retries=0)
    prompt = SCENARIOS[scenario].prompt
    if streams:
        return streamed(llm, way, prompt, **keywords)
    llm.stream = False
    return in_session(llm, way, prompt, **keywords)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
def test_text_arrives_with_usage_and_reason(way: Way, streams: bool, server: OpenAIChatServer) -> None:
    ran = ask(server, way, streams, "text")
    completed = ran.frames[-1].data
    assert (ran.result, completed["finish_reason"]) == (HARBOUR_TEXT, "stop")
    assert completed["usage"]["total_tokens"] > 0
    assert text_of(ran.frames) == (HARBOUR_TEXT if streams else "")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
def test_every_parallel_call_arrives(way: Way, streams: bool, server: OpenAIChatServer) -> None:
    ran = ask(server, way, streams, "parallel_tool_calls", tools=TOOLS)
    asked = [(call["function"]["name"], call["function"]["arguments"]) for call in ran.result]
    assert asked == [(call.name, call.arguments) for call in (BERGEN_CALL, NARVIK_CALL)]
    assert len({call["id"] for call in ran.result}) == 2
    assert ran.frames[-1].data["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda llm: pickle.loads(pickle.dumps(llm))], ids=["copy", "pickle"])
def test_an_llm_can_be_copied(copied: Callable[[LLM], LLM], server: OpenAIChatServer) -> None:
    twin = copied(LLM("litellm/openai/gpt-4o-mini", base_url=server.base_url, api_key="k"))
    assert twin.call(SCENARIOS["text"].prompt) == HARBOUR_TEXT


@dataclass(frozen=True)
class Failing:
    scenario: str
    streams: bool
    kind: type[ProviderError]
    status: int | None = None
    #: Whether the response is known by its id.
    known: bool = False


FAILURES = [
    Failing("bad_key", True, ProviderStatusError, 401, known=True),
    Failing("bad_key", False, ProviderStatusError, 401, known=True),
    Failing("stream_error", True, ProviderError, known=True),
    Failing("truncated", True, StreamTruncatedError, known=True),
    Failing("truncated_eof", True, StreamTruncatedError, known=True),
    Failing("truncated_reset", True, StreamTruncatedError, known=True),
    Failing("truncated_eof", False, ProviderConnectionError),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "failing", FAILURES, ids=lambda one: f"{one.scenario} {'streamed' if one.streams else 'whole'}"
)
def test_a_failure_is_a_typed_error(failing: Failing, way: Way, server: OpenAIChatServer) -> None:
    ran = ask(server, way, failing.streams, failing.scenario)
    assert type(ran.error) is failing.kind
    error: ProviderError = ran.error
    assert error.status == failing.status
    assert (error.request_id is not None) is failing.known
    assert [frame.type for frame in ran.frames].count("llm_call_failed") == 1


def test_a_provider_that_has_no_row_is_litellms() -> None:
    llm = LLM("cohere/command-r")
    assert (type(llm).__name__, llm.model) == ("LiteLLM", "cohere/command-r")


@pytest.mark.parametrize("way", WAYS)
def test_an_http_error_that_litellm_meets_without_an_sdk_is_told_as_any_other(way: Way) -> None:
    with DeepSeekServer() as server:
        llm = LLM("litellm/deepseek/lighthouse", base_url=server.base_url, api_key="k", max_retries=0)
        error = streamed(llm, way, SCENARIOS["text"].prompt).error
    assert isinstance(error, ProviderStatusError)
    assert (error.status, error.code, error.retryable) == (404, "model_not_found", False)
    assert error.request_id is not None
    assert "The model `lighthouse` does not exist" in str(error)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model", ["deepseek/deepseek-reasoner", "openai/deepseek-reasoner"])
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
def test_thinking_arrives(streams: bool, model: str, way: Way) -> None:
    with DeepSeekServer() as server:
        llm = LLM(f"litellm/{model}", base_url=server.base_url, api_key="k", max_retries=0, stream=streams)
        ran = in_session(llm, way, THINKING.prompt)
    assert ran.result == THOUGHT_TEXT
    assert ran.frames[-1].data["usage"]["reasoning_tokens"] > 0
    if streams:
        assert "".join(f.data["chunk"] for f in ran.frames if f.type == "llm_thinking_chunk") == THOUGHT


def test_a_missing_key_is_the_callers_to_give(server: OpenAIChatServer) -> None:
    with pytest.raises(UsageError, match="litellm: .*OPENAI_API_KEY"):
        LLM("litellm/openai/gpt-4o-mini", base_url=server.base_url).call("Hi")
