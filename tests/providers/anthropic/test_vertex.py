"""Anthropic's models on Vertex AI: the Messages API behind other paths."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.errors import UsageError
from harness.llm import LLM
from harness.providers.registry import recognized
from tests.providers.recorded.sending_again import Sent, sent_again

PLACE = "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers/anthropic/models"
ASKED = {
    "anthropic_version": "vertex-2023-10-16", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]
}  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [ASKED, {**ASKED, "stream": True}, {**ASKED, "model": "m", "tools": [{"type": "bash_20250124", "name": "bash"}]}],
)
@pytest.mark.parametrize("method", ["rawPredict", "streamRawPredict"])
def test_a_recorded_request_is_sent_again_as_it_was(method: str, body: Any) -> None:
    url, asked = f"{PLACE}/claude-sonnet-4-5@20250929:{method}", json.dumps(body).encode()
    assert sent_again(url, asked) == Sent.of(url, asked)


def test_what_counts_tokens_is_no_call() -> None:
    assert recognized("POST", f"{PLACE}/count-tokens:rawPredict") is None


def test_where_it_is_must_be_said() -> None:
    with pytest.raises(UsageError, match="base_url="):
        LLM("vertex_anthropic/claude-sonnet-4-5", api_key="k").call("Hi")
