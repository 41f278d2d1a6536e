"""What only Bedrock needs and has: a region, tools of its own."""

from __future__ import annotations

import json

import pytest

from harness.errors import UsageError
from harness.llm import LLM
from tests.llm.scripted import called
from tests.providers.integrations import BEDROCK
from tests.servers.raw import Raw


def test_a_region_is_needed_where_there_is_no_endpoint() -> None:
    with pytest.raises(UsageError, match="region"):
        LLM("bedrock/us.amazon.nova-micro-v1:0").call("Hi")


def test_the_use_of_a_tool_of_bedrocks_is_no_call_of_the_callers() -> None:
    use = {"toolUseId": "s", "name": "nova_grounding", "input": {}, "type": "server_tool_use"}
    content = [
        {"toolUse": use},
        {"toolResult": {"toolUseId": "s", "content": [{"text": "r"}]}},
        {"text": "It is 7 °C."},
    ]
    answer = {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": "end_turn"}
    with Raw(json.dumps(answer).encode(), "application/json") as server:
        assert called(BEDROCK.llm(server), "sync", "Hi") == "It is 7 °C."
