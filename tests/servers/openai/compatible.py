"""Hosts on loopback that speak OpenAI's chat completions with fields of their own: OpenRouter and DeepSeek.

Both answer from `SCENARIOS`, the script of the OpenAI chat server and one in which the model thinks. Sources:
https://openrouter.ai/docs/api-reference/streaming and …/docs/use-cases/reasoning-tokens,
https://api-docs.deepseek.com/guides/reasoning_model and …/quick_start/rate_limit (2026-11).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, ClassVar, Final

from tests.servers.openai.chat import OpenAIChatServer
from tests.servers.openai.chat_scenarios import SCENARIOS as OF_OPENAI, Completion, Scenario
from tests.servers.openai.chat_wire import sse
from tests.servers.scripted_server import rewritten
from tests.servers.wire_server import Hold, WireResponse

THOUGHT: Final = "A ship turns, and so does the lamp. The lighthouse itself stands still."
THOUGHT_TEXT: Final = "The ship turns."

SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(
    {
        **OF_OPENAI,
        "thinking": Scenario("Ship or lighthouse: who turns?", (Completion(THOUGHT_TEXT, reasoning=THOUGHT),)),
    }
)


class _Host(OpenAIChatServer):
    """A host whose events are OpenAI's but for what a subclass makes of them."""

    #: A comment with which the host keeps the connection awake until the model answers.
    comment: ClassVar[bytes]

    script = SCENARIOS

    def complete(self, body: Mapping[str, Any]) -> WireResponse:
        response = super().complete(body)
        if response.content_length is None:
            return replace(response, body=tuple(self._events(response.body)))
        return rewritten(response, lambda answer: json.dumps(self.own(answer), ensure_ascii=False).encode())

    def _events(self, parts: tuple[bytes | Hold, ...]) -> Iterator[bytes | Hold]:
        yield self.comment
        for part in parts:
            if part is Hold.HERE or not part.startswith(b'data: {"id"'):
                yield part
            else:
                yield sse(self.own(json.loads(part.removeprefix(b"data: "))))

    def own(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return a chunk or a whole answer in this host's form."""
        for name in ("service_tier", "obfuscation"):
            answer.pop(name, None)
        return answer


class OpenRouterServer(_Host):
    """OpenRouter: which provider answered, its own finish reason, and reasoning as `reasoning` with details."""

    api = "/api/v1"
    models = MappingProxyType({name: name for name in ("openai/gpt-4o-mini", "deepseek/deepseek-r1")})
    paths = frozenset({"/api/v1/chat/completions"})
    comment = b": OPENROUTER PROCESSING\n\n"

    def own(self, answer: dict[str, Any]) -> dict[str, Any]:
        answer = super().own(answer)
        for choice in answer["choices"]:
            said: dict[str, Any] = choice.get("delta", choice.get("message"))
            thought: str | None = said.pop("reasoning_content", None)
            if thought is not None:
                said["reasoning"] = thought
                details = {"type": "reasoning.text", "text": thought, "format": "unknown", "index": 0}
                said["reasoning_details"] = [details]
            choice["native_finish_reason"] = choice["finish_reason"]
        number = answer.pop("id").removeprefix("chatcmpl-")
        return {"id": f"gen-{answer['created']}-{number[:20]}", "provider": "Harbour", **answer}


class DeepSeekServer(_Host):
    """DeepSeek: reasoning as `reasoning_content`, beside content that is null, and what of the prompt was cached."""

    models = MappingProxyType({name: name for name in ("deepseek-chat", "deepseek-reasoner")})
    # litellm uses the second.
    paths = frozenset({"/v1/chat/completions", "/beta/chat/completions"})
    comment = b": keep-alive\n\n"

    def own(self, answer: dict[str, Any]) -> dict[str, Any]:
        answer = super().own(answer)
        for choice in answer["choices"]:
            said: dict[str, Any] = choice.get("delta", choice.get("message"))
            said.pop("refusal", None)
            if choice.get("delta") and "reasoning_content" in said:
                said["content"] = None
        if answer.get("usage"):
            told = {"prompt_cache_hit_tokens": 0, "prompt_cache_miss_tokens": answer["usage"]["prompt_tokens"]}
            answer["usage"].update(told)
        return answer
