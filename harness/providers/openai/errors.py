"""What the OpenAI SDK raises, translated once into the errors of this project."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Protocol

from harness.errors import MalformedResponseError, ProviderError, ProviderStatusError
from harness.providers.openai.sdk import openai
from harness.providers.shared.transport_errors import RETRYABLE, is_transport_error, no_whole_answer


class Answer(Protocol):
    """What is known of an answer when something goes wrong with it."""

    provider: str
    #: Whether it had begun to arrive: a connection that breaks then has cut it.
    begun: bool
    #: From the headers of its response, once they have come.
    request_id: str | None


@contextlib.contextmanager
def translation(answer: Answer) -> Iterator[None]:
    """Raise what the SDK raises inside as an error of this project."""
    try:
        yield
    except Exception as error:
        ours = translated(error, answer.provider, begun=answer.begun, request_id=answer.request_id)
        if ours is None:
            raise
        raise ours from error


def translated(error: Exception, provider: str, *, begun: bool, request_id: str | None = None) -> ProviderError | None:
    """Return the error to raise for what the SDK raised; None for what does not come from the provider."""
    if isinstance(error, openai.APIStatusError):
        return ProviderStatusError(
            f"{provider} answered {error.status_code}: {_said(error)}",
            provider=provider,
            status=error.status_code,
            # Azure serves the same APIs, and has a header of its own for it.
            request_id=error.request_id or error.response.headers.get("apim-request-id"),
            code=error.code,
            retryable=error.status_code in RETRYABLE,
        )
    if isinstance(error, openai.APIConnectionError) or is_transport_error(error):
        return no_whole_answer(error, provider, begun=begun, request_id=request_id)
    if isinstance(error, openai.APIError):
        return ProviderError(
            f"{provider} reported an error inside the stream: {error.message}",
            provider=provider,
            request_id=request_id,
            code=error.code,
        )
    # The SDK hands out objects of whatever JSON came: one that lacks a field shows where the field is used.
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | AttributeError | TypeError | openai.OpenAIError):
        return MalformedResponseError(
            f"{provider} sent what its wire format does not allow ({type(error).__name__}: {error})",
            provider=provider,
            request_id=request_id,
        )
    return None


def _said(error: openai.APIStatusError) -> str:
    """Return what the provider wrote; the SDK's own message has another form in each of its versions."""
    body = error.body
    told = body.get("error", body) if isinstance(body, Mapping) else None
    return str(told["message"]) if isinstance(told, Mapping) and told.get("message") else error.message
