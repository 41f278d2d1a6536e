"""The events of a ConverseStream, as boto3 takes them off the wire."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

_DELTA: Final = "contentBlockDelta"


def events(stream: Any) -> Iterator[Mapping[str, Any]]:
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
        told = orjson.loads(message.payload)
        text = told["delta"]["text"]
    except (ValueError, KeyError, TypeError):
        return None
    return {_DELTA: told} if type(text) is str else None
