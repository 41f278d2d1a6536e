"""What the Gen AI SDK raises, translated once into the errors of this project."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from harness.errors import MalformedResponseError, ProviderError, ProviderStatusError
from harness.providers.gemini.answer import Answer
from harness.providers.gemini.sdk import genai_errors
from harness.providers.shared.transport_errors import RETRYABLE, is_transport_error, no_whole_answer

_REQUEST_INFO: Final = "type.googleapis.com/google.rpc.RequestInfo"


@contextlib.contextmanager
def translation(answer: Answer) -> Iterator[None]:
    """Raise what the SDK raises inside as an error of this project."""
    try:
        yield
    except Exception as error:
        ours = _translated(error, answer)
        if ours is None:
            raise
        raise ours from error


def _translated(error: Exception, answer: Answer) -> ProviderError | None:
    """Return the error to raise for what the SDK raised; None for what does not come from the provider."""
    provider = answer.provider
    if isinstance(error, genai_errors.APIError):
        told = _told(error)
        return ProviderStatusError(
            f"{provider} answered {error.code}: {told.get('message') or error.message}",
            provider=provider,
            status=error.code,
            request_id=_request_id(told),
            code=told.get("status") or error.status,
            retryable=error.code in RETRYABLE,
        )
    if is_transport_error(error) or type(error).__module__.partition(".")[0] == "aiohttp":
        return no_whole_answer(error, provider, begun=answer.begun)
    if isinstance(error, TimeoutError):
        return no_whole_answer(error, provider, begun=answer.begun)
    if _is_torn(error.__cause__):
        return no_whole_answer(error, provider, begun=True)
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | genai_errors.UnknownApiResponseError):
        return MalformedResponseError(
            f"{provider} sent what its wire format does not allow ({type(error).__name__}: {error})", provider=provider
        )
    return None


def _is_torn(error: BaseException | None) -> bool:
    """Whether this is JSON that only lacks its end: a stream that was cut inside a line."""
    return isinstance(error, json.JSONDecodeError) and (
        error.pos >= len(error.doc) or error.msg.startswith("Unterminated string")
    )


def _told(error: genai_errors.APIError) -> Mapping[str, Any]:
    """Return what Google said of an error. The async client leaves it unread where its content type is that of a stream."""
    details = error.details
    if isinstance(details, Mapping) and "error" not in details:
        with contextlib.suppress(KeyError, TypeError, ValueError):
            details = json.loads(details["message"])
        if isinstance(details, list) and len(details) == 1:
            details = details[0]
    told = details.get("error") if isinstance(details, Mapping) else None
    return told if isinstance(told, Mapping) else {}


def _request_id(told: Mapping[str, Any]) -> str | None:
    """Return the id that the details of an error give; no response header has it."""
    details = told.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, Mapping) and detail.get("@type") == _REQUEST_INFO:
            return detail.get("requestId")
    return None
