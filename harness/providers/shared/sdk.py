"""A clear word where the SDK of a provider is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from harness.errors import MissingExtraError


@contextmanager
def sdk_needed(provider: str, extra: str) -> Iterator[None]:
    """Raise MissingExtraError where what is imported inside is not installed; `extra` brings it."""
    try:
        yield
    except ImportError as error:
        raise MissingExtraError(
            f"calls to {provider} need its SDK: pip install 'stream-harness[{extra}]' ({error})"
        ) from error
