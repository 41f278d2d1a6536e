"""What a provider signed or hid of its reasoning goes back to it, unchanged, with the tool calls that it led to."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from harness.errors import ProviderStatusError
from harness.llm import LLM
from harness.llm.input.blocks import ThinkingPart
from harness.llm.input.messages import Message
from harness.llm.input.reader import read_messages
from harness.llm.request import LLMRequest
from harness.providers.shared.reasoning.thoughts import Thoughts
from tests.llm.scripted import WAYS, Way
from tests.servers.anthropic import wire as anthropic_wire
from tests.servers.anthropic.scenarios import BERGEN_CALL, CROSSING, HIDDEN, Answer, Scenario
from tests.servers.anthropic.server import MODELS, AnthropicServer
from tests.servers.bedrock import wire as bedrock_wire
from tests.servers.bedrock.server import BedrockServer
from tests.servers.openai.responses import OpenAIResponsesServer
from tests.servers.raw import Raw
from tests.servers.script import CHECKING

PROMPT = "Think, then look at the weather in Bergen."
ANSWERED = "It is 11 degrees in Bergen."
REPLIES = (Answer((HIDDEN, CROSSING, CHECKING, BERGEN_CALL)), Answer((ANSWERED,)))
SCENARIOS = {"thoughts": Scenario(PROMPT, REPLIES)}
TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}
]
THINKING = {"type": "enabled", "budget_tokens": 1024}


@dataclass(frozen=True)
class Provider:
    model: str
    server: Callable[[], AnthropicServer | BedrockServer]
    #: From the body of the first request, the blocks of reasoning that answered it.
    sent: Callable[[Mapping[str, Any]], list[dict[str, Any]]]


def of_anthropic(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    seed = "thoughts/claude-sonnet-4-6/1"
    message = anthropic_wire.Message.of(REPLIES[0], body, MODELS["claude-sonnet-4-6"], seed)
    content: list[dict[str, Any]] = message.whole()["content"]
    return content[:2]


def of_bedrock(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    message = bedrock_wire.Message.of(REPLIES[0], body, "thoughts/us.anthropic.claude-sonnet-4-6/1")
    content: list[dict[str, Any]] = message.whole()["output"]["message"]["content"]
    return content[:2]


PROVIDERS = [
    Provider("anthropic/claude-sonnet-4-6", lambda: AnthropicServer(SCENARIOS), of_anthropic),
    Provider("bedrock/us.anthropic.claude-sonnet-4-6", lambda: BedrockServer(SCENARIOS), of_bedrock),
]
every_provider = pytest.mark.parametrize("provider", PROVIDERS, ids=["anthropic", "bedrock"])


def ask(llm: LLM, way: Way, *messages: Mapping[str, Any]) -> Any:
    if way == "sync":
        return llm.call([dict(message) for message in messages], tools=TOOLS)
    return asyncio.run(llm.acall([dict(message) for message in messages], tools=TOOLS))


def converse(llm: LLM, way: Way, prompt: str, content: Any = None) -> Any:
    """Ask, answer the tool call as an OpenAI-like caller does, and return the last answer."""
    asked = {"role": "user", "content": prompt}
    calls = ask(llm, way, asked)
    told = {"role": "tool", "tool_call_id": calls[0]["id"], "content": "11 degrees"}
    return ask(llm, way, asked, {"role": "assistant", "content": content, "tool_calls": calls}, told)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("said", [None, "", CHECKING], ids=["no text", "empty text", "text"])
@every_provider
def test_signed_and_hidden_reasoning_goes_back_before_the_call(
    provider: Provider, said: str | None, streams: bool, way: Way
) -> None:
    with provider.server() as server:
        llm = LLM(provider.model, base_url=server.base_url, api_key="k", thinking=THINKING, stream=streams)
        assert converse(llm, way, PROMPT, said) == ANSWERED
        first, second = server.bodies
    content = second["messages"][1]["content"]
    assert content[:2] == provider.sent(first)
    assert [block["text"] for block in content[2:-1]] == ([said] if said else [])
    assert len(content) == (4 if said else 3)


@every_provider
def test_reasoning_that_the_caller_gives_is_the_only_one(provider: Provider) -> None:
    own = {"type": "thinking", "thinking": "Mine.", "signature": "bWluZQ=="}
    with provider.server() as server:
        llm = LLM(provider.model, base_url=server.base_url, api_key="k", thinking=THINKING)
        assert converse(llm, "sync", PROMPT, [own]) == ANSWERED
        content = server.bodies[1]["messages"][1]["content"]
    assert len(content) == 2
    assert "bWluZQ==" in str(content[0])


@every_provider
def test_another_llm_knows_nothing_of_it(provider: Provider) -> None:
    asked = {"role": "user", "content": PROMPT}
    with provider.server() as server:
        first, second = (LLM(provider.model, base_url=server.base_url, api_key="k") for _ in range(2))
        calls = ask(first, "sync", asked)
        told = {"role": "tool", "tool_call_id": calls[0]["id"], "content": "11 degrees"}
        ask(second, "sync", asked, {"role": "assistant", "content": None, "tool_calls": calls}, told)
        assert len(server.bodies[1]["messages"][1]["content"]) == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("encrypted", [True, False], ids=["encrypted", "kept by the provider"])
def test_encrypted_reasoning_of_responses_goes_back_before_the_call(encrypted: bool, streams: bool, way: Way) -> None:
    include = {"include": ["reasoning.encrypted_content"], "store": False} if encrypted else {}
    with OpenAIResponsesServer() as server:
        llm = LLM(
            "openai-responses/gpt-4o-mini",
            base_url=server.base_url,
            api_key="k",
            thinking=True,
            stream=streams,
            additional_params=include,
        )
        converse(llm, way, "Say what you do, then look at the tide.")
        items = server.requests[1].body["input"]
    reasoning = [item for item in items if item.get("type") == "reasoning"]
    assert len(reasoning) == encrypted
    if encrypted:
        assert items.index(reasoning[0]) + 1 == next(n for n, item in enumerate(items) if item.get("call_id"))
        assert reasoning[0]["id"].startswith("rs_")
        assert len(reasoning[0]["encrypted_content"]) == 60
        assert reasoning[0]["summary"][0]["text"].startswith("**Looking at the tide**")


@dataclass(frozen=True)
class Host:
    """A host that says one thing behind every call, and gives all calls one id."""

    model: str
    answer: Callable[[str], dict[str, Any]]


def of_chat(thought: str) -> dict[str, Any]:
    call = {"id": "get_weather:0", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "reasoning_content": thought, "tool_calls": [call]}
    return {"id": "1", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}


def of_messages(thought: str) -> dict[str, Any]:
    call = {"type": "tool_use", "id": "get_weather:0", "name": "get_weather", "input": {}}
    content = [{"type": "thinking", "thinking": thought, "signature": "s"}, call]
    return {"id": "1", "type": "message", "role": "assistant", "content": content, "stop_reason": "tool_use"}


def of_gemini(thought: str) -> dict[str, Any]:
    call = {"functionCall": {"id": "get_weather:0", "name": "get_weather", "args": {}}, "thoughtSignature": thought}
    return {"candidates": [{"content": {"parts": [call], "role": "model"}, "finishReason": "STOP"}]}


@pytest.mark.parametrize(
    "host",
    [Host("deepseek/deepseek-chat", of_chat), Host("anthropic/claude-sonnet-4-6", of_messages),
     Host("gemini/gemini-3-pro", of_gemini)],
    ids=lambda host: host.model,
)  # fmt: skip
def test_reasoning_stays_in_its_conversation_whatever_the_ids(host: Host) -> None:
    def turn(asked: str, thought: str, *earlier: Any) -> list[dict[str, Any]]:
        """Ask, and return the conversation with the call and its result."""
        server.sends(json.dumps(host.answer(thought)).encode(), "application/json")
        user = {"role": "user", "content": asked}
        calls = ask(llm, "sync", *earlier, user)
        told = {"role": "tool", "tool_call_id": calls[0]["id"], "content": "7"}
        return [*earlier, user, {"role": "assistant", "content": None, "tool_calls": calls}, told]

    def sent(conversation: list[dict[str, Any]]) -> list[str]:
        """Return the thoughts that are sent with a conversation."""
        server.sends(b"", "application/json", 400)
        with pytest.raises(ProviderStatusError):
            ask(llm, "sync", *conversation)
        return re.findall(r"of-\w+", server.requests[-1].body.decode())

    with Raw() as server:
        llm = LLM(host.model, base_url=server.origin, api_key="k")
        # Of blocks of a provider's own, nothing is known.
        own = [] if "claude" not in host.model else [{"type": "own", "text": {"is": "an object"}}]
        ann, bob = (
            {"role": "system", "content": [{"type": "text", "text": f"{name} is asking."}, *own]}
            for name in ("Ann", "Bob")
        )
        first = turn("The weather?", "of-ann", ann)
        second = turn("The weather?", "of-bob", bob)
        later = turn("The weather?", "of-ann2", *first)
        assert sent(first) == ["of-ann"]
        assert sent(second) == ["of-bob"]
        assert sent(later) == ["of-ann", "of-ann2"]
        # Without what stood before, it may be of either; and nobody's else's is of any.
        assert sent(second[1:]) == []
        assert sent([{"role": "user", "content": "The tide?"}, *second[2:]]) == []
        # What only one conversation may have led to stays with it, although its beginning is gone.
        assert sent(turn("The tide?", "of-tide", *first)[-3:]) == ["of-tide"]


def test_only_so_much_is_kept() -> None:
    thoughts = Thoughts()
    part = ThinkingPart(type="thinking", thinking="t", signature="s")
    for number in range(1001):
        thoughts.keep(LLMRequest([]), [f"call_{number}"], [part])
    function = {"name": "f", "arguments": "{}"}

    def restored(number: int) -> Message:
        call = {"id": f"call_{number}", "type": "function", "function": function}
        request = LLMRequest(read_messages([{"role": "assistant", "content": None, "tool_calls": [call]}]))
        return thoughts.restored(request).messages[0]

    assert restored(0).content is None
    assert restored(1).content == restored(1000).content == [part]
