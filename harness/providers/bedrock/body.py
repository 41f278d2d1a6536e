"""What boto3 makes of a response: a whole answer, the events of a ConverseStream, taken off the wire, or an error."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final

import botocore.eventstream
import botocore.exceptions
import botocore.parsers
import orjson

from harness.errors import HarnessError, ProviderError, UsageError
from harness.providers.bedrock.foreign import ForeignBodyError
from harness.providers.shared.answer import ProviderAnswer
from harness.providers.shared.body import ResponseBody
from harness.providers.shared.failure import Failure, failure_in, is_transport_error

_DELTA: Final = "contentBlockDelta"
#: What a request must have that is this caller's to give.
_CALLERS: Final = (
    botocore.exceptions.NoCredentialsError,
    botocore.exceptions.PartialCredentialsError,
    botocore.exceptions.NoRegionError,
    botocore.exceptions.ParamValidationError,
    botocore.exceptions.ProfileNotFound,
)
_TRANSPORT: Final = (botocore.exceptions.HTTPClientError, botocore.exceptions.ConnectionError)
_MALFORMED: Final = (botocore.eventstream.ParserError, botocore.parsers.ResponseParserError, RecursionError)


class BedrockBody(ResponseBody):
    def __init__(self, sent: Mapping[str, Any]) -> None:
        self.headers = sent.get("ResponseMetadata", {})
        self._sent, self._response = sent, sent.get("stream")

    def whole(self) -> Mapping[str, Any]:
        return self._sent

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return _events(with_words(self._response))

    def __aiter__(self) -> AsyncIterator[Mapping[str, Any]]:
        return aiter(with_words(self._response))


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
        failure = failure_in(message["body"])
        # The last is a field of this project's.
        reported = {"Code": code, "Message": failure.message or code, "Status": failure.status}
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


def translated(error: Exception, answer: ProviderAnswer) -> HarnessError | None:
    """Return the error of this project for what boto3 raises; None for what does not come from it."""
    if isinstance(error, botocore.exceptions.ClientError):
        response: Any = error.response
        reported = response.get("Error", {})
        failure = Failure(reported.get("Message"), reported.get("Code"), reported.get("Status"))
        if isinstance(error, botocore.exceptions.EventStreamError):
            return answer.reported(failure)
        head = response["ResponseMetadata"]
        return answer.refused(head["HTTPStatusCode"], failure, head.get("RequestId"))
    if isinstance(error, ForeignBodyError):
        return _foreign(error, answer)
    if isinstance(error, _CALLERS):
        return UsageError(f"{answer.provider}: {error}")
    if isinstance(error, _TRANSPORT) or is_transport_error(error):
        return answer.connection_error(error)
    if isinstance(error, _MALFORMED) or _failed_in_parser(error):
        return answer.malformed(error)
    return None


def _foreign(error: ForeignBodyError, answer: ProviderAnswer) -> HarnessError:
    if error.headers is not None:
        answer.head(error.headers)
    try:
        answer.refuse_body(error.body, "no answer of Bedrock")
    except ProviderError as reported:
        return reported


def _failed_in_parser(error: Exception) -> bool:
    """Whether botocore's own parser stumbled: it trusts that what it reads has the shape that it expects."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(frames) and frames[-1].f_globals.get("__name__") == botocore.parsers.__name__
