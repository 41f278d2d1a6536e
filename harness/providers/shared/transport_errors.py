"""What the SDKs over httpx have in common where a provider can't be reached, or breaks off."""

from __future__ import annotations

from typing import Final

from harness.errors import ProviderConnectionError, ProviderError, StreamTruncatedError

#: Statuses after which the same request may succeed. 529: Anthropic is overloaded.
RETRYABLE: Final = frozenset({408, 409, 429, 500, 502, 503, 504, 529})


def is_transport_error(error: Exception) -> bool:
    """Whether this is an error of httpx or its twin that an SDK let through."""
    return type(error).__module__.partition(".")[0] in {"httpx", "httpx2"}


def no_whole_answer(error: Exception, provider: str, *, begun: bool, request_id: str | None = None) -> ProviderError:
    """Return the error for a connection that failed. `begun` tells whether the answer had begun to arrive."""
    cause = error.__cause__ or error
    what = f"{type(cause).__name__}: {cause}"
    if begun:
        return StreamTruncatedError(
            f"the stream of {provider} was cut before its end marker ({what})",
            provider=provider,
            request_id=request_id,
            retryable=True,
        )
    return ProviderConnectionError(
        f"no answer from {provider} ({what})", provider=provider, request_id=request_id, retryable=True
    )
