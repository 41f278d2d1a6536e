"""What the Azure SDK raises, translated once into the errors of this project."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from harness.errors import MalformedResponseError, ProviderError, ProviderStatusError
from harness.providers.azure.sdk import exceptions
from harness.providers.openai.errors import Answer
from harness.providers.shared.transport_errors import RETRYABLE, no_whole_answer


def request_id_of(headers: Mapping[str, str]) -> str | None:
    """Return Azure's id of a request, from the headers of its response."""
    names = ("x-request-id", "apim-request-id", "x-ms-request-id")
    return next((headers[name] for name in names if headers.get(name)), None)


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
    if isinstance(error, exceptions.HttpResponseError) and error.response is not None:
        return _of_status(error, error.response, answer.provider)
    # The SDK's name for a body that broke off is an error of a response, without one.
    if isinstance(
        error, exceptions.HttpResponseError | exceptions.ServiceRequestError | exceptions.ServiceResponseError
    ):
        return no_whole_answer(error, answer.provider, begun=answer.begun, request_id=answer.request_id)
    if isinstance(error, ValueError | LookupError | AttributeError | TypeError | exceptions.AzureError):
        return MalformedResponseError(
            f"{answer.provider} sent what its wire format does not allow ({type(error).__name__}: {error})",
            provider=answer.provider,
            request_id=answer.request_id,
        )
    return None


def _of_status(error: Any, response: Any, provider: str) -> ProviderError:
    told = error.error
    status: int = response.status_code
    if isinstance(error, exceptions.DecodeError):
        return MalformedResponseError(
            f"{provider} sent what its wire format does not allow ({error.message})",
            provider=provider,
            request_id=request_id_of(response.headers),
        )
    return ProviderStatusError(
        f"{provider} answered {status}: {told.message if told is not None else error.message}",
        provider=provider,
        status=status,
        request_id=request_id_of(response.headers),
        code=told.code if told is not None else None,
        retryable=status in RETRYABLE,
    )
