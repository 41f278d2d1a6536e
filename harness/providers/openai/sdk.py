"""The official OpenAI SDK, or a clear word where it is missing. Whatever needs the SDK imports it from here."""

from __future__ import annotations

from harness.errors import MissingExtraError

try:
    import openai
except ImportError as error:
    raise MissingExtraError("calls to openai need its SDK: pip install 'stream-harness[openai]'") from error

__all__ = ["openai"]
