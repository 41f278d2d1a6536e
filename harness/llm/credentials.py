"""Where API keys come from, and when none is needed."""

from __future__ import annotations

import contextvars
import os
from collections.abc import Generator, Sequence

from harness.blocks import block
from harness.errors import UsageError

_optional: contextvars.ContextVar[bool] = contextvars.ContextVar("harness_credentials_optional", default=False)
#: What is sent where no key is needed; recordings never hold it, as they hold no credential at all.
PLACEHOLDER = "no-key-needed"


@block
def no_credentials_needed() -> Generator[None]:
    """Let calls in this context do without a key: they are played from a tape, or go to a local server."""
    token = _optional.set(True)
    try:
        yield
    finally:
        _optional.reset(token)


def api_key(key: str | None, provider: str, variables: Sequence[str]) -> str:
    """Return the key that was given, or that of the first variable that is set.

    Raises:
        UsageError: there is none, and one is needed; it names the variables.
    """
    found = key or next((value for name in variables if (value := os.environ.get(name))), None)
    if found is None and not _optional.get():
        raise UsageError(
            f"{provider}: no API key; pass api_key=… or set {' or '.join(variables)}. Replaying a recording needs none"
        )
    return found or PLACEHOLDER


def credentials_needed() -> bool:
    """Whether a call made here must have credentials; for SDKs that find theirs by themselves."""
    return not _optional.get()
