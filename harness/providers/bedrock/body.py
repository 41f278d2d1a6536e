"""What boto3 makes of a response: a whole answer, or the events of a ConverseStream, taken off the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final

import orjson

from harness.providers.bedrock.sdk import botocore
from harness.providers.shared.body import ResponseBody
from harness.providers.shared.failure import failure_in

_DELTA: Final = "contentBlockDelta"


class BedrockBody(ResponseBody):
    def __init__(self, sent: Mapping[str, Any]) -> None:
        self.headers = sent.get("ResponseMetadata", {})
        self._sent = sent

    def whole(self) -> Mapping[str, Any]:
        return self._sent

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return _events(with_words(self._sent["stream"]))

    def __aiter__(self) -> AsyncIterator[Mapping[str, Any]]:
        return aiter(with_words(self._sent["stream"]))

    def close(self) -> None:
        self._sent["stream"].close()


def with_words(stream: Any) -> Any:
    """Return botocore's `stream`, or aiobotocore's, that raises the exceptions in it in the server's own words."""
    stream._parser = _Parser(stream._parser, stream._operation_name)
    return stream


class _Parser:
    """Parses messages as botocore does, but for exceptions, of which that knows some by name, and of these one field."""

    def __init__(self, parser: Any, operation: str) -> None:
        self._parser, self._operation = parser, operation

    def parse(self, message: Mapping[str, Any], shape: Any) -> Any:
        """Return the event of a message, of aiobotocore's parser an awaitable of it. Raises EventStreamError."""
        headers = message["headers"]
        if headers.get(":message-type") != "exception":
            return self._parser.parse(message, shape)
        code = headers.get(":exception-type", "")
        reported = {"Code": code, "Message": failure_in(message["body"]).message or code}
        raise botocore.exceptions.EventStreamError({"Error": reported}, self._operation)


def _events(stream: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the events of botocore's `stream`, in the form that botocore gives them; raise what it raises.

    Nearly all are pieces of text. Their JSON has that form already (fields that nobody knows stay in it), so it is not
    gone through once more by the service's description, which takes botocore as long as all else that it does with an
    event. Its framing and its checksums stay.
    """
    for message in stream._event_generator:
        event = _text_delta(message) or stream._parse_event(message)
        if event:
            yield event


def _text_delta(message: Any) -> dict[str, Any] | None:
    """Return the event of a message that holds a piece of text; None for all others, well formed or not."""
    headers = message.headers
    if headers.get(":event-type") != _DELTA or headers.get(":message-type") != "event":
        return None
    try:
        event = orjson.loads(message.payload)
        text = event["delta"]["text"]
    except (ValueError, KeyError, TypeError):
        return None
    return {_DELTA: event} if type(text) is str else None
