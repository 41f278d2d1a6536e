"""What boto3 raises, translated once into the errors of this project."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final

from harness.errors import HarnessError, MalformedResponseError, ProviderError, ProviderStatusError, UsageError
from harness.providers.bedrock.answer import Answer
from harness.providers.bedrock.sdk import botocore
from harness.providers.shared.transport_errors import RETRYABLE, no_whole_answer

#: What a request must have that is this caller's to give.
_CALLERS: Final = (
    botocore.exceptions.NoCredentialsError,
    botocore.exceptions.PartialCredentialsError,
    botocore.exceptions.NoRegionError,
    botocore.exceptions.ParamValidationError,
    botocore.exceptions.ProfileNotFound,
)
_TRANSPORT: Final = (botocore.exceptions.HTTPClientError, botocore.exceptions.ConnectionError)
#: Codes of errors inside a stream that may not come again.
_PASSING: Final = frozenset({"internalServerException", "throttlingException", "serviceUnavailableException"})


@contextlib.contextmanager
def translation(answer: Answer) -> Iterator[None]:
    """Raise what boto3 raises inside as an error of this project."""
    try:
        yield
    except Exception as error:
        ours = _translated(error, answer)
        if ours is None:
            raise
        raise ours from error


def _translated(error: Exception, answer: Answer) -> HarnessError | None:
    """Return the error to raise for what boto3 raised; None for what does not come from it."""
    provider = answer.provider
    if isinstance(error, botocore.exceptions.EventStreamError):
        return _stream_error(error, answer)
    if isinstance(error, botocore.exceptions.ClientError):
        return _status_error(error, provider)
    if isinstance(error, _CALLERS):
        return UsageError(f"{provider}: {error}")
    if isinstance(error, _TRANSPORT) or _is_transport_error(error):
        return no_whole_answer(error, provider, begun=answer.begun, request_id=answer.request_id)
    malformed = botocore.eventstream.ParserError | botocore.parsers.ResponseParserError
    if isinstance(error, malformed) or _failed_in_parser(error):
        return MalformedResponseError(
            f"{provider} sent what its wire format does not allow ({type(error).__name__}: {error})",
            provider=provider,
            request_id=answer.request_id,
        )
    return None


def _status_error(error: botocore.exceptions.ClientError, provider: str) -> ProviderStatusError:
    told: Any = error.response
    status = told["ResponseMetadata"]["HTTPStatusCode"]
    return ProviderStatusError(
        f"{provider} answered {status}: {told['Error'].get('Message', '')}",
        provider=provider,
        status=status,
        request_id=told["ResponseMetadata"].get("RequestId"),
        code=told["Error"].get("Code"),
        retryable=status in RETRYABLE,
    )


def _stream_error(error: botocore.exceptions.EventStreamError, answer: Answer) -> ProviderError:
    told: Any = error.response.get("Error", {})
    return ProviderError(
        f"{answer.provider} reported an error inside the stream: {told.get('Message', '')}",
        provider=answer.provider,
        request_id=answer.request_id,
        code=told.get("Code"),
        retryable=told.get("Code") in _PASSING,
    )


def _is_transport_error(error: Exception) -> bool:
    """Whether this is an error of what is under botocore, which lets it through while it streams."""
    return type(error).__module__.partition(".")[0] in {"urllib3", "aiohttp"}


def _failed_in_parser(error: Exception) -> bool:
    """Whether botocore's own parser stumbled: it trusts that what it reads has the shape that it expects."""
    innermost = error.__traceback__
    while innermost is not None and innermost.tb_next is not None:
        innermost = innermost.tb_next
    return innermost is not None and innermost.tb_frame.f_globals.get("__name__") == botocore.parsers.__name__
