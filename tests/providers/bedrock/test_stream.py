"""Events of a ConverseStream that are read directly say the same as those that botocore reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import botocore.parsers
import botocore.session
import pytest
from botocore.eventstream import EventStream

from harness.llm.output.parts import Part, TextDelta
from harness.providers.bedrock.answer import BedrockAnswer
from harness.providers.bedrock.body import BedrockBody
from harness.providers.bedrock.dialect import aws_message


def message(kind: str, payload: Any, how: str = "event") -> bytes:
    """Return an event-stream message; a payload of bytes is left as it is."""
    name = ":exception-type" if how == "exception" else ":event-type"
    headers = {name: kind, ":content-type": "application/json", ":message-type": how}
    return aws_message(headers, payload if isinstance(payload, bytes) else json.dumps(payload).encode())


def delta(said: Any, **more: Any) -> bytes:
    return message("contentBlockDelta", {"contentBlockIndex": 0, "delta": said, **more})


MESSAGES: dict[str, list[bytes]] = {
    "text": [delta({"text": "Hi"}, p="abc"), delta({"text": " é 🗼\n"})],
    "empty text": [delta({"text": ""})],
    "half a surrogate pair": [message("contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"text":"\\ud83d"}}')],
    "text that is a number": [delta({"text": 5})],
    "no text": [delta({"text": None}), delta({}), delta("Hi"), message("contentBlockDelta", {})],
    "text without a place": [message("contentBlockDelta", {"delta": {"text": "Hi"}})],
    "reasoning": [delta({"reasoningContent": {"text": "hm"}}), delta({"reasoningContent": {"signature": "s"}})],
    "a call": [
        message("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t", "name": "f"}}}),
        message("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"a"'}}}),
        message("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": ": 1}"}}}),
        message("contentBlockStop", {"contentBlockIndex": 1}),
    ],
    "the end": [
        message("messageStop", {"stopReason": "end_turn"}),
        message("metadata", {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}}),
    ],
    "later invention": [message("laterInvention", {"delta": {"text": "Hi"}}), delta({"text": "Hi"}, later=[1])],
    "broken JSON": [delta({"text": "Hi"}), message("contentBlockDelta", b'{"delta":{"text":"Hi')],
    "an error": [delta({"text": "Hi"}), message("throttlingException", {"message": "slow"}, "exception")],
    "an error named as text": [message("contentBlockDelta", {"delta": {"text": "Hi"}}, "error")],
}


class _Raw:
    def __init__(self, messages: Iterable[bytes]) -> None:
        self._messages = messages

    def stream(self) -> Iterator[bytes]:
        yield from self._messages


def opened(messages: Iterable[bytes]) -> Any:
    """Return what boto3 gives as the stream of an answer."""
    operation = botocore.session.get_session().get_service_model("bedrock-runtime").operation_model("ConverseStream")
    parser = botocore.parsers.create_parser("rest-json")._event_stream_parser
    return EventStream(_Raw(messages), operation.get_event_stream_output(), parser, "ConverseStream")


def heard(stream: Iterable[Mapping[str, Any]]) -> tuple[list[Part], str]:
    """Return the parts that come of events, and the error that ends them."""
    answer, parts = BedrockAnswer("bedrock", lambda ids, thoughts: None), list[Part]()
    try:
        for event in stream:
            parts += answer.piece(event)
    except Exception as error:
        return parts, f"{type(error).__name__}: {error}"
    return parts, ""


@pytest.mark.parametrize("messages", MESSAGES.values(), ids=MESSAGES)
def test_an_event_says_what_it_says_to_botocore(messages: list[bytes]) -> None:
    assert heard(BedrockBody({"stream": opened(messages)})) == heard(opened(messages))


def test_text_is_not_gone_through_by_the_services_description() -> None:
    stream = opened(MESSAGES["text"])
    stream._parse_event = None
    assert heard(BedrockBody({"stream": stream})) == ([TextDelta("Hi"), TextDelta(" é 🗼\n")], "")


def test_what_comes_behind_the_end_is_none_of_the_answer() -> None:
    text = {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "é"}}}
    ends: list[dict[str, Any]] = [{"messageStop": {"stopReason": "end_turn"}}, {"metadata": {"usage": {}}}]
    assert heard([text, *ends, text, *ends]) == heard([text, *ends])
