"""What the OpenAI SDK raises, translated once into the errors of this project."""

from __future__ import annotations

import json

import openai

from harness.errors import (
    MalformedResponseError,
    ProviderConnectionError,
    ProviderError,
    ProviderStatusError,
    StreamTruncatedError,
)

#: Statuses after which the same request may succeed.
_RETRYABLE = frozenset({408, 409, 429, 500, 502, 503, 504})


def translated(error: Exception, provider: str, *, begun: bool) -> ProviderError | None:
    """Return the error to raise for what the SDK raised; None for what does not come from the provider.

    `begun` tells whether the answer had begun to arrive: a connection that breaks then has cut it.
    """
    if isinstance(error, openai.APIStatusError):
        return ProviderStatusError(
            f"{provider} answered {error.status_code}: {error.message}",
            provider=provider,
            status=error.status_code,
            request_id=error.request_id,
            code=error.code,
            retryable=error.status_code in _RETRYABLE,
        )
    if isinstance(error, openai.APIConnectionError) or _is_transport_error(error):
        cause = error.__cause__ or error
        what = f"{type(cause).__name__}: {cause}"
        if begun:
            return StreamTruncatedError(
                f"the stream of {provider} was cut before its end marker ({what})", provider=provider, retryable=True
            )
        return ProviderConnectionError(f"no answer from {provider} ({what})", provider=provider, retryable=True)
    if isinstance(error, openai.APIError):
        return ProviderError(
            f"{provider} reported an error inside the stream: {error.message}", provider=provider, code=error.code
        )
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | openai.OpenAIError):
        return MalformedResponseError(
            f"{provider} sent what its wire format does not allow ({type(error).__name__}: {error})", provider=provider
        )
    return None


def _is_transport_error(error: Exception) -> bool:
    """Whether this is an error of httpx or its twin that the SDK let through."""
    return type(error).__module__.partition(".")[0] in {"httpx", "httpx2"}
