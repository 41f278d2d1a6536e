"""What the Azure SDK raises, translated once into the errors of this project."""

from __future__ import annotations

import json
from typing import Any

from azure.core import exceptions

from harness.errors import ProviderError
from harness.providers.shared.answer import ProviderAnswer
from harness.providers.shared.failure import failure_in

#: What the SDK's reading of a whole answer raises where that is none.
_NO_ANSWER = (ValueError, LookupError, AttributeError, TypeError, exceptions.AzureError)


def translated(error: Exception, answer: ProviderAnswer) -> ProviderError | None:
    if isinstance(error, exceptions.HttpResponseError) and error.response is not None:
        return _of_response(error, error.response, answer)
    # The SDK's name for a body that broke off is an error of a response, without one.
    if isinstance(
        error, exceptions.HttpResponseError | exceptions.ServiceRequestError | exceptions.ServiceResponseError
    ):
        return answer.connection_error(error)
    if isinstance(error, json.JSONDecodeError):
        return answer.malformed(f"no JSON: {error.doc[:1_000]!r}")
    return answer.malformed(error) if isinstance(error, _NO_ANSWER) else None


def _of_response(error: exceptions.HttpResponseError, response: Any, answer: ProviderAnswer) -> ProviderError:
    request_id = answer.request_id_in(response.headers)
    text = response.text()
    if response.status_code < 300:
        answer.request_id = request_id
        return answer.malformed(f"{error.message}: {text[:1_000]!r}")
    return answer.refused(response.status_code, failure_in(text.encode(), answer.code_field), request_id)
