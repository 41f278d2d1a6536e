"""Hosts that speak OpenAI's chat completions: a model string is enough to reach one."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ProviderStatusError, UsageError
from harness.llm import LLM
from harness.providers.openai.compatible import OpenAICompatible
from harness.providers.openai.hosts import HOSTS
from harness.recording.calls.replay_calls import replay_cassette
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.tape.tape import playing
from tests.llm.scripted import WAYS, Way, in_session, streamed
from tests.providers.recorded.playing_again import heard
from tests.providers.recorded.reading import live_exchanges
from tests.servers.openai.chat import OpenAIChatServer
from tests.servers.openai.chat_scenarios import HARBOUR_TEXT, SCENARIOS


@pytest.fixture
def server() -> Iterator[OpenAIChatServer]:
    with OpenAIChatServer() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for host in HOSTS.values():
        for name in (*host.key_variables, *host.base_url_variables):
            monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", HOSTS)
def test_a_host_answers_under_its_own_name(name: str, way: Way, server: OpenAIChatServer) -> None:
    llm = LLM(f"{name}/gpt-4o-mini", base_url=server.base_url, api_key="k", max_retries=0)
    assert isinstance(llm, OpenAICompatible)
    assert (llm.provider, llm.model) == (name, "gpt-4o-mini")
    assert streamed(llm, way, SCENARIOS["text"].prompt).result == HARBOUR_TEXT
    error = streamed(llm, way, SCENARIOS["bad_key"].prompt).error
    assert isinstance(error, ProviderStatusError)
    assert error.provider == name


@pytest.mark.parametrize("name", [name for name, host in HOSTS.items() if host.needs_key])
def test_a_key_is_needed_and_found_in_the_hosts_variables(
    name: str, server: OpenAIChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    llm = LLM(f"{name}/gpt-4o-mini", base_url=server.base_url)
    with pytest.raises(UsageError, match=HOSTS[name].key_variables[0]):
        llm.call("Hi")
    monkeypatch.setenv(HOSTS[name].key_variables[-1], "from-the-variable")
    llm.call(SCENARIOS["text"].prompt)
    assert server.requests[0].headers["authorization"] == "Bearer from-the-variable"


@pytest.mark.parametrize("name", [name for name, host in HOSTS.items() if not host.needs_key])
def test_a_host_of_ones_own_needs_no_key(name: str, server: OpenAIChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOSTS[name].base_url_variables[0], server.base_url)
    assert LLM(f"{name}/gpt-4o-mini").call(SCENARIOS["text"].prompt) == HARBOUR_TEXT


@pytest.mark.parametrize("way", WAYS)
def test_a_live_answer_of_openrouter_comes_by_its_model_string(way: Way, corpus: Path) -> None:
    (exchange,) = live_exchanges(corpus, "openai-compatible")
    (interaction,) = read_cassette(exchange.path)
    messages: list[dict[str, Any]] = exchange.request["messages"]
    rest = {name: value for name, value in exchange.request.items() if name not in {"messages", "model", "stream"}}
    model = f"openrouter/{exchange.request['model']}"
    stream = exchange.request.get("stream")
    with playing(exchange.path, (interaction,)) as tape:
        llm = LLM(model, api_key="k", stream=stream, additional_params=rest, max_retries=0)
        ran = in_session(llm, way, messages)
    assert (tape.misses, ran.error) == ((), None)
    answer = json.loads(exchange.body)
    message = answer["choices"][0]["message"]
    assert ran.result == message["content"]
    assert ran.frames[-1].data["usage"] == answer["usage"]
    assert heard(exchange.path, 1, way).thinking == (message.get("reasoning") or "")


def test_the_live_cassette_replays(corpus: Path) -> None:
    (exchange,) = live_exchanges(corpus, "openai-compatible")
    for replayed in replay_cassette(exchange.path):
        assert (replayed.problems, replayed.error) == ([], None)


@pytest.mark.skipif(importlib.util.find_spec("litellm") is not None, reason="litellm is installed")
def test_what_reaches_all_others_names_its_extra_where_it_is_missing() -> None:
    with pytest.raises(UsageError, match=r"stream-harness\[litellm\]"):
        LLM("litellm/cohere/command-r")
    with pytest.raises(UsageError, match=r"'cohere'.*stream-harness\[litellm\]"):
        LLM("cohere/command-r")
