"""What the Anthropic SDK raises, translated once into the errors of this project."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Final

from harness.errors import MalformedResponseError, ProviderError, ProviderStatusError
from harness.providers.anthropic.answer import Answer
from harness.providers.anthropic.sdk import anthropic
from harness.providers.shared.transport_errors import RETRYABLE, is_transport_error, no_whole_answer

#: Error types that come inside a stream and may not come again.
_PASSING: Final = frozenset({"api_error", "overloaded_error", "rate_limit_error", "timeout_error"})


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
    if isinstance(error, anthropic.APIStatusError):
        return _status_error(error, provider)
    if isinstance(error, anthropic.APIConnectionError) or is_transport_error(error):
        return no_whole_answer(error, provider, begun=answer.begun, request_id=answer.request_id)
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | anthropic.AnthropicError):
        return MalformedResponseError(
            f"{provider} sent what its wire format does not allow ({type(error).__name__}: {error})",
            provider=provider,
            request_id=answer.request_id,
        )
    return None


def _status_error(error: anthropic.APIStatusError, provider: str) -> ProviderError:
    said = error.api_message or error.message
    if error.status_code < 400:
        # An error event in a stream that began as a success.
        return ProviderError(
            f"{provider} reported an error inside the stream: {said}",
            provider=provider,
            request_id=error.request_id,
            code=error.type,
            retryable=error.type in _PASSING,
        )
    return ProviderStatusError(
        f"{provider} answered {error.status_code}: {said}",
        provider=provider,
        status=error.status_code,
        request_id=error.request_id,
        code=error.type,
        retryable=error.status_code in RETRYABLE,
    )
