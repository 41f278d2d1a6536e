"""What the Gen AI SDK raises, translated once into the errors of this project."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any, Final

from harness.errors import ProviderError
from harness.providers.gemini.sdk import genai_errors
from harness.providers.shared.answer import ProviderAnswer
from harness.providers.shared.failure import failure_in, is_transport_error
from harness.providers.shared.shapes import OF_ANOTHER_SHAPE

_REQUEST_INFO: Final = "type.googleapis.com/google.rpc.RequestInfo"


def translated(error: Exception, answer: ProviderAnswer) -> ProviderError | None:
    if isinstance(error, genai_errors.APIError):
        sent = _sent(error.details)
        return answer.refused(error.code, failure_in(sent, answer.code_field), _request_id(sent))
    if isinstance(error, (genai_errors.UnknownApiResponseError, RecursionError)):
        return answer.malformed(error)
    return answer.connection_error(error) if is_transport_error(error) else None


def _sent(details: Any) -> Any:
    """Return what Google sent. The async client leaves it unread where its content type is that of a stream."""
    if isinstance(details, Mapping) and "error" not in details:
        with contextlib.suppress(*OF_ANOTHER_SHAPE):
            details = json.loads(details["message"])
    return details[0] if isinstance(details, list) and len(details) == 1 else details


def _request_id(sent: Any) -> str | None:
    """Return the id that the details of an error give; no response header has it."""
    error = sent.get("error") if isinstance(sent, Mapping) else None
    details = error.get("details") if isinstance(error, Mapping) else None
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, Mapping) and detail.get("@type") == _REQUEST_INFO:
            return detail.get("requestId")
    return None
