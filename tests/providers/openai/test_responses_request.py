"""Recorded requests of the Responses API become calls, and the calls the same requests again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.errors import UsageError
from harness.providers.openai.responses.model import OpenAIResponses
from harness.providers.openai.responses.request import parse_recorded
from tests.providers.openai.requests_responses import URL
from tests.providers.recorded.playing_again import again

HI = {"role": "user", "content": "Hi"}


def rebuilt(body: dict[str, Any]) -> Any:
    llm, request = again(parse_recorded(URL, json.dumps(body).encode()))
    assert isinstance(llm, OpenAIResponses)
    return llm._body(request)


@pytest.mark.parametrize(
    "item",
    [
        {"role": "user", "content": "Hi", "mood": "good"},
        {"role": "user", "content": [{"type": "input_text", "text": "Hi", "tone": 1}]},
        {"role": "user", "content": [{"type": "input_smell"}]},
        {"type": "later_invention"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "", "namespace": "n"},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "x"}]},
        {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "x"},
        {"type": "reasoning", "summary": "none"},
    ],
)
def test_an_item_that_we_have_no_word_for_is_carried_as_it_is(item: Any) -> None:
    body = {"model": "m", "input": [HI, item]}
    assert rebuilt(body) == body
    assert rebuilt({**body, "instructions": "Be brief."}) == {**body, "instructions": "Be brief."}


def test_what_is_no_item_is_refused_by_its_place() -> None:
    with pytest.raises(UsageError, match=r"input\[1\]"):
        parse_recorded(URL, json.dumps({"model": "m", "input": [HI, 3]}).encode())


@pytest.mark.parametrize("rest", [{"input": "Hi"}, {}, {"input": [{"type": "later_invention"}]}])
def test_a_prompt_that_the_provider_keeps_needs_no_model_and_no_input(rest: dict[str, Any]) -> None:
    body = {"prompt": {"id": "pmpt_1", "version": "2"}, **rest}
    assert rebuilt(body) == body


@pytest.mark.parametrize("body", [b"", b"[]", b'{"model": "m"}'])
def test_a_body_that_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(UsageError, match="recorded request"):
        parse_recorded(URL, body)


def test_a_call_that_is_answered_later_is_named_as_not_supported() -> None:
    body = {"model": "m", "input": "Hi", "background": True}
    with pytest.raises(UsageError, match="background of the recorded request"):
        parse_recorded(URL, json.dumps(body).encode())
    assert rebuilt({**body, "stream": True, "stream_options": {}}) == {**body, "stream": True, "stream_options": {}}
