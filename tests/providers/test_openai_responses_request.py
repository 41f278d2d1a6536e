"""Recorded requests of the Responses API become calls, and the calls the same requests again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.errors import UsageError
from harness.providers.openai.responses_request import parse_recorded
from tests.providers.requests_openai_responses import URL


@pytest.mark.parametrize(
    ("item", "place"),
    [
        ({"role": "user", "content": "Hi", "mood": "good"}, r"input\[1\]\.mood"),
        (
            {"role": "user", "content": [{"type": "input_text", "text": "Hi", "tone": 1}]},
            r"input\[1\]\.content\[0\]\.tone",
        ),
        ({"role": "user", "content": [{"type": "input_smell"}]}, r"input\[1\]\.content\[0\]\.type"),
        ({"type": "later_invention"}, r"input\[1\]\.type"),
        (
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "", "namespace": "n"},
            r"input\[1\]\.namespace",
        ),
        ({"type": "function_call_output", "call_id": "c", "output": [{"type": "x"}]}, r"input\[1\]\.output\[0\]"),
        ({"type": "reasoning", "summary": "none"}, r"input\[1\]"),
        ("text", r"input\[1\]"),
    ],
)
def test_what_can_not_be_rebuilt_is_named(item: Any, place: str) -> None:
    body = {"model": "m", "input": [{"role": "user", "content": "Hi"}, item]}
    with pytest.raises(UsageError, match=place):
        parse_recorded(URL, json.dumps(body).encode())


@pytest.mark.parametrize("body", [b"", b"[]", b'{"model": "m"}', b'{"input": "Hi"}'])
def test_a_body_that_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(UsageError, match="recorded request"):
        parse_recorded(URL, body)
