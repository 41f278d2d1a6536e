"""What only OpenAI's chat completions have: models that think, and those that it has not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest

from harness.errors import ProviderStatusError
from tests.providers.integrations import OPENAI_CHAT
from tests.servers.openai.chat import OpenAIChatServer


@pytest.fixture
def server() -> Iterator[OpenAIChatServer]:
    with OpenAIChatServer() as running:
        yield running


@pytest.mark.parametrize(("model", "name"), [("gpt-4o", "max_tokens"), ("o3-mini", "max_completion_tokens"),
                                             ("gpt-5-nano", "max_completion_tokens"),
                                             ("gpt-6-sol", "max_completion_tokens"),
                                             ("ft:o4-mini:acme::1", "max_completion_tokens")])  # fmt: skip
def test_reasoning_models_take_their_limit_under_its_newer_name(
    model: str, name: str, server: OpenAIChatServer
) -> None:
    with suppress(ProviderStatusError):  # the server has none of the reasoning models
        replace(OPENAI_CHAT, model=f"openai/{model}").llm(server, max_tokens=50, reasoning_effort="low").call(
            OPENAI_CHAT.prompts["text"]
        )
    sent = server.requests[0].body
    assert {key: sent[key] for key in sent if "tokens" in key} == {name: 50}
    assert sent["reasoning_effort"] == "low"


def test_an_unknown_model_is_the_providers_error(server: OpenAIChatServer) -> None:
    with pytest.raises(ProviderStatusError, match="`gpt-0` does not exist") as raised:
        replace(OPENAI_CHAT, model="openai/gpt-0").llm(server).call("Hi")
    assert (raised.value.status, raised.value.code) == (404, "model_not_found")
