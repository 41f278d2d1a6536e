"""The official Azure SDK, or a clear word where it is missing. Whatever needs the SDK imports it from here."""

from __future__ import annotations

from harness.errors import MissingExtraError

try:
    from azure.ai import inference
    from azure.ai.inference import aio
    from azure.core import exceptions
    from azure.core.credentials import AzureKeyCredential
    from azure.core.pipeline import policies
except ImportError as error:
    raise MissingExtraError("calls to azure need its SDK: pip install 'stream-harness[azure]'") from error

__all__ = ["AzureKeyCredential", "aio", "exceptions", "inference", "policies"]
