"""The official Google Gen AI SDK, or a clear word where it is missing. Whatever needs the SDK imports it from here."""

from __future__ import annotations

from harness.errors import MissingExtraError

try:
    from google import genai
    from google.genai import errors as genai_errors
except ImportError as error:
    raise MissingExtraError("calls to gemini need its SDK: pip install 'stream-harness[gemini]'") from error

__all__ = ["genai", "genai_errors"]
