"""What litellm raises, translated once: what an SDK raised, and not what litellm makes of it, without its status or id."""

from __future__ import annotations

from typing import Any

from harness.errors import HarnessError, UsageError
from harness.providers.litellm.sdk import httpx
from harness.providers.openai.sdk import openai
from harness.providers.shared import stainless
from harness.providers.shared.answer import ProviderAnswer
from harness.providers.shared.failure import failure_in


def translated(error: Exception, answer: ProviderAnswer) -> HarnessError | None:
    origin = _origin(error) if isinstance(error, openai.OpenAIError) else error
    if type(origin) is openai.OpenAIError:  # what the SDK says of its settings, such as a key that is missing
        return UsageError(f"litellm: {origin}")
    if isinstance(origin, httpx.HTTPStatusError):
        return _status_error(origin.response, error, answer)
    if type(origin) is openai.APIError:
        return answer.reported(failure_in(origin.body or origin.message))
    return stainless.translated(openai, origin, answer)


def is_early_end(error: openai.OpenAIError) -> bool:
    """Whether litellm says by itself that a stream has ended too soon, and no library below it raised anything."""
    origin = _origin(error)
    return isinstance(origin, openai.APIConnectionError) and type(origin).__module__.partition(".")[0] == "litellm"


def _origin(error: Exception) -> Exception:
    """Return the error of the SDK or the HTTP library that one of litellm's goes back to, else litellm's own first one."""
    found: BaseException | None = error
    own = error
    while found is not None:
        package = type(found).__module__.partition(".")[0]
        if isinstance(found, Exception) and package in {"openai", "httpx"}:
            return found
        if isinstance(found, Exception) and package == "litellm":
            own = found
        found = getattr(found, "original_exception", None) or found.__cause__ or found.__context__
    return own


def _status_error(response: Any, error: Exception, answer: ProviderAnswer) -> HarnessError:
    """Return an HTTP error that litellm met without an SDK."""
    try:
        failure = failure_in(response.content)
    except httpx.StreamError:
        failure = failure_in(str(error))
    return answer.refused(response.status_code, failure, answer.request_id_in(response.headers))
