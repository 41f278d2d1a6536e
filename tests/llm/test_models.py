"""Which integration a model string names, and where its API key comes from."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from harness.errors import UsageError
from harness.llm import LLM
from harness.llm.credentials import PLACEHOLDER, api_key, no_credentials_needed
from harness.providers.openai.chat import OpenAIChat
from harness.providers.registry import split_model


@pytest.mark.parametrize(
    ("model", "provider", "name"),
    [
        ("openai/gpt-4o-mini", "openai", "gpt-4o-mini"),
        ("openai/some/nested-name", "openai", "some/nested-name"),
        ("gpt-4o", "openai", "gpt-4o"),
        ("chatgpt-4o-latest", "openai", "chatgpt-4o-latest"),
        ("o3-mini", "openai", "o3-mini"),
        ("ft:gpt-4o:acme::1", "openai", "ft:gpt-4o:acme::1"),
    ],
)
def test_a_model_string_names_provider_and_model(model: str, provider: str, name: str) -> None:
    assert split_model(model) == (provider, name)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("lighthouse-1", "no provider can be told from it; write it as provider/model"),
        ("", "no provider can be told from it"),
        ("openai/", "'openai/'"),
        ("harbour/tide-2", "there is no integration for the provider 'harbour'"),
    ],
)
def test_a_model_of_no_known_provider_is_refused_with_those_that_are(model: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as raised:
        LLM(model)
    assert "openai/…" in str(raised.value)


def test_an_llm_is_an_instance_of_its_integration_with_its_settings() -> None:
    llm = LLM("openai/gpt-4o-mini", temperature=0.5, stop="END")
    assert type(llm) is OpenAIChat
    assert (llm.model, llm.temperature, llm.stop) == ("gpt-4o-mini", 0.5, ["END"])
    assert type(OpenAIChat("gpt-4o-mini")) is OpenAIChat


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("openai/gpt-4", 8_192), ("gpt-4o-mini", 128_000), ("gpt-4.1-mini", 1_047_576), ("o3-mini", 200_000),
        ("openai/gpt-3", 8_192), ("ft:gpt-4o:acme::1", 128_000), ("claude/claude-opus-4-1", 200_000),
        ("gemini/gemini-1.5-pro-002", 2_097_152), ("bedrock/us.anthropic.claude-3-haiku-20240307-v1:0", 200_000),
        ("bedrock/amazon.nova-lite-v1:0", 300_000), ("openrouter/meta-llama/llama-3.1-8b-instruct", 131_072),
        ("azure/gpt-5-mini", 400_000), ("gpt-6.1-sol", 400_000), ("groq/later-invention", 8_192),
    ],
)  # fmt: skip
def test_a_request_may_fill_85_percent_of_the_window_of_the_longest_name_that_fits(model: str, tokens: int) -> None:
    assert LLM(model).get_context_window_size() == tokens * 85 // 100


def test_an_integration_and_its_sdk_are_imported_when_they_are_used() -> None:
    script = (
        "import sys, harness; from harness.providers.registry import split_model; split_model('openai/gpt-4o')\n"
        "assert not {'openai', 'harness.providers.openai.chat'} & sys.modules.keys()\n"
        "harness.LLM('openai/gpt-4o'); assert 'openai' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize(
    ("given", "environment", "key"),
    [
        ("mine", {}, "mine"),
        ("mine", {"FIRST_KEY": "first"}, "mine"),
        (None, {"FIRST_KEY": "first", "SECOND_KEY": "second"}, "first"),
        (None, {"FIRST_KEY": "", "SECOND_KEY": "second"}, "second"),
    ],
)
def test_a_key_is_the_one_given_or_the_first_variable_that_is_set(
    given: str | None, environment: dict[str, str], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert api_key(given, "harbour", ["FIRST_KEY", "SECOND_KEY"]) == key


def test_a_missing_key_names_the_variables_and_replay_needs_none() -> None:
    with pytest.raises(UsageError, match="harbour: no API key; pass api_key=… or set FIRST_KEY or SECOND_KEY"):
        api_key(None, "harbour", ["FIRST_KEY", "SECOND_KEY"])
    with no_credentials_needed():
        assert api_key(None, "harbour", ["FIRST_KEY"]) == PLACEHOLDER


@pytest.mark.parametrize("messages", ["Hi", [{"role": "user", "content": "Hi"}]])
def test_a_call_without_a_key_is_refused_before_it_starts(messages: Any) -> None:
    session = LLM("openai/gpt-4o-mini").stream_events(messages)
    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        list(session)
    assert session.frames == []
