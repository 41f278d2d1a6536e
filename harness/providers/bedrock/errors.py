"""What boto3 raises, translated once into the errors of this project."""

from __future__ import annotations

import traceback
from typing import Any, Final

from harness.errors import HarnessError, ProviderError, UsageError
from harness.providers.bedrock.foreign import ForeignBodyError
from harness.providers.bedrock.sdk import botocore
from harness.providers.shared.answer import ProviderAnswer
from harness.providers.shared.failure import Failure, is_transport_error

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


def translated(error: Exception, answer: ProviderAnswer) -> HarnessError | None:
    if isinstance(error, botocore.exceptions.ClientError):
        response: Any = error.response
        failure = Failure(response.get("Error", {}).get("Message"), response.get("Error", {}).get("Code"))
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
