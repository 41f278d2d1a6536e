"""boto3 and botocore, or a clear word where they are missing. Whatever needs them imports them from here."""

from __future__ import annotations

from harness.errors import MissingExtraError

try:
    import boto3
    import botocore.config
    import botocore.eventstream
    import botocore.exceptions
    import botocore.hooks
    import botocore.loaders
    import botocore.parsers
    import botocore.session
except ImportError as error:
    raise MissingExtraError("calls to bedrock need boto3: pip install 'stream-harness[bedrock]'") from error

__all__ = ["boto3", "botocore"]
