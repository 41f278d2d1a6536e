"""Counts of tokens mean the same whoever sends them: the prompt's hold the cache's, the answer's the reasoning, the total is their sum."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from harness.llm import LLM
from tests.llm.scripted import in_session
from tests.providers.integrations import (
    ANTHROPIC,
    AZURE,
    BEDROCK,
    GEMINI,
    OPENAI_CHAT,
    OPENAI_RESPONSES,
    openai_responses,
)
from tests.providers.integrations.integration import Integration
from tests.servers.raw import Raw


@dataclass(frozen=True)
class Counts:
    """What a provider counts, and prompt, completion and total of it."""

    name: str
    integration: Integration
    sent: dict[str, Any] | None
    told: tuple[int, int, int] | None


CLAUDE = {"input_tokens": 10, "output_tokens": 5}
CONVERSE = {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}
GENERATED = {"promptTokenCount": 10, "candidatesTokenCount": 5}
CHAT = {"prompt_tokens": 10, "completion_tokens": 5}
ROWS = (
    Counts("cached and newly cached", ANTHROPIC,
           {**CLAUDE, "cache_read_input_tokens": 2048, "cache_creation_input_tokens": 128}, (2186, 5, 2191)),
    Counts("a cache that is null", ANTHROPIC, {**CLAUDE, "cache_read_input_tokens": None}, (10, 5, 15)),
    Counts("cached, and a total of the rest", BEDROCK,
           {**CONVERSE, "cacheReadInputTokens": 2048, "cacheWriteInputTokens": 128}, (2186, 5, 2191)),
    Counts("what a tool of the provider's read", GEMINI, {**GENERATED, "toolUsePromptTokenCount": 7}, (17, 5, 22)),
    Counts("thoughts, and no total", GEMINI, {**GENERATED, "thoughtsTokenCount": 3, "totalTokenCount": None}, (10, 8, 18)),
    Counts("no answer", GEMINI, {"promptTokenCount": 10}, (10, 0, 10)),
    Counts("cached among the prompt", OPENAI_CHAT,
           {**CHAT, "total_tokens": 15, "prompt_tokens_details": {"cached_tokens": 4}}, (10, 5, 15)),
    Counts("reasoning beside the answer", OPENAI_CHAT,
           {**CHAT, "total_tokens": 18, "completion_tokens_details": {"reasoning_tokens": 3}}, (10, 8, 18)),
    Counts("reasoning in the answer", AZURE,
           {**CHAT, "total_tokens": 15, "completion_tokens_details": {"reasoning_tokens": 3}}, (10, 5, 15)),
    Counts("a total that is another", AZURE, {**CHAT, "total_tokens": 99}, (10, 5, 15)),
    Counts("counts that are texts", OPENAI_CHAT, {"prompt_tokens": "10", "completion_tokens": "5"}, (10, 5, 15)),
    Counts("counts that are texts, and reasoning beside the answer", OPENAI_CHAT,
           {"prompt_tokens": "10", "completion_tokens": "5", "total_tokens": "18",
            "completion_tokens_details": {"reasoning_tokens": "3"}}, (10, 8, 18)),
    Counts("newly cached, by how long", ANTHROPIC,
           {**CLAUDE, "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 28}}, (138, 5, 143)),
    Counts("what a tool of the provider's read, in no total", GEMINI,
           {**GENERATED, "toolUsePromptTokenCount": 7, "totalTokenCount": 15}, (10, 5, 15)),
    Counts("the same, in texts", GEMINI,
           {"promptTokenCount": "10", "candidatesTokenCount": "5", "toolUsePromptTokenCount": "7", "totalTokenCount": "15"},
           (10, 5, 15)),
    Counts("none", OPENAI_CHAT, None, None),
    Counts("one that is empty", OPENAI_CHAT, {}, None),
    Counts("no total", OPENAI_RESPONSES, {**CLAUDE, "input_tokens_details": None}, (10, 5, 15)),
)  # fmt: skip


def whole(row: Counts) -> dict[str, Any]:
    """Return an answer with these counts."""
    match row.integration.name:
        case "anthropic":
            return {"id": "m", "content": [], "stop_reason": "end_turn", "usage": row.sent}
        case "bedrock":
            return {"output": {"message": {"content": []}}, "stopReason": "end_turn", "usage": row.sent}
        case "gemini":
            return {"candidates": [{"finishReason": "STOP"}], "usageMetadata": row.sent}
        case "openai-responses":
            return openai_responses.response("completed", usage=row.sent)
    message = {"role": "assistant", "content": "a"}
    return {"id": "c", "choices": [{"message": message, "finish_reason": "stop"}], "usage": row.sent}


@dataclass(frozen=True)
class Elsewhere:
    """An answer of an integration beside those of the table, and what is told of its counts."""

    model: str
    answer: dict[str, Any]
    told: dict[str, int]


SUM = {"prompt_tokens": 2186, "completion_tokens": 5, "total_tokens": 2191}
CACHED = {**SUM, "cached_prompt_tokens": 2048, "cache_creation_tokens": 128}
MESSAGE = {"id": "m", "type": "message", "content": [{"type": "text", "text": "a"}], "stop_reason": "end_turn",
           "usage": {**CLAUDE, "cache_read_input_tokens": 2048, "cache_creation_input_tokens": 128}}  # fmt: skip
NOVA = {"output": {"message": {"content": [{"text": "a"}]}}, "stopReason": "end_turn"}
TEXT = {"id": "c", "choices": [{"text": "a", "finish_reason": "stop"}]}
ALL = {"prompt_tokens": 2186, "completion_tokens": 5, "total_tokens": 1}
ELSEWHERE = (
    Elsewhere("bedrock-invoke/anthropic.claude-3-haiku", MESSAGE, CACHED),
    Elsewhere("bedrock-invoke/amazon.nova-micro", {**NOVA, "usage": {**CONVERSE, "cacheReadInputTokens": 2048,
              "cacheWriteInputTokens": 128}}, CACHED),
    Elsewhere("bedrock-invoke/us.amazon.nova-pro", {**NOVA, "usage": {**CONVERSE, "cacheReadInputTokenCount": 2048,
              "cacheWriteInputTokenCount": 128}}, CACHED),
    Elsewhere("bedrock-invoke/meta.llama3", {"generation": "a", "prompt_token_count": 2186, "generation_token_count": 5,
              "stop_reason": "stop"}, SUM),
    Elsewhere("bedrock-invoke/amazon.titan-text-lite-v1", {"inputTextTokenCount": "2186", "results": [
              {"tokenCount": 5.0, "outputText": "a", "completionReason": "FINISH"}]}, SUM),
    Elsewhere("vertex_anthropic/claude-sonnet-4-5", MESSAGE, CACHED),
    Elsewhere("openai-completions/m", {**TEXT, "usage": ALL}, SUM),
    Elsewhere("openai/m", {"choices": [{"text": "a", "finish_reason": "STOP"}], "usage": {**ALL, "cached_tokens": 7}},
              {**SUM, "cached_prompt_tokens": 7}),
    Elsewhere("deepseek/m", {"choices": [{"message": {"content": "a"}, "usage": {**ALL, "prompt_cache_hit_tokens": 7}}]},
              {**SUM, "cached_prompt_tokens": 7}),
    Elsewhere("groq/m", {"choices": [{"message": {"content": "a"}}], "x_groq": {"usage": ALL}}, SUM),
)  # fmt: skip


@pytest.mark.parametrize("row", ELSEWHERE, ids=lambda row: row.model)
def test_usage_means_the_same_by_every_other_way(row: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "nobody")
    pytest.importorskip("boto3" if row.model.startswith("bedrock") else "openai")
    with Raw(json.dumps(row.answer).encode(), "application/json") as server:
        ran = in_session(LLM(row.model, base_url=server.origin, api_key="k", max_retries=0, stream=False), "sync", "Hi")
    assert ran.error is None
    assert ran.result == "a"
    assert ran.frames[-1].data["usage"] == row.told


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=f"{row.integration.name}-{row.name}", marks=row.integration.marks) for row in ROWS]
)
def test_usage_means_the_same_for_all(row: Counts) -> None:
    with Raw(json.dumps(whole(row)).encode(), "application/json") as server:
        llm = row.integration.llm(server, stream=False)
        ran = in_session(llm, "sync", "Hi")
    assert ran.error is None
    told = ran.frames[-1].data["usage"]
    if row.told is None:
        assert told is None
    else:
        assert tuple(told[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")) == row.told
        assert llm.get_token_usage_summary().total_tokens == row.told[-1]
