"""The official Anthropic SDK, or a clear word where it is missing. Whatever needs the SDK imports it from here."""

from __future__ import annotations

from harness.errors import MissingExtraError

try:
    import anthropic
except ImportError as error:
    raise MissingExtraError("calls to anthropic need its SDK: pip install 'stream-harness[anthropic]'") from error

__all__ = ["anthropic"]
