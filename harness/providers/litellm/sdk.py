"""litellm, or a clear word where it is missing. Whatever needs it imports it from here."""

from __future__ import annotations

import os

from harness.errors import MissingExtraError

# Else its import fetches a list of prices.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
try:
    import httpx
    import litellm  # type: ignore[import-not-found]  # it can't be installed beside the openai extra
except ImportError as error:
    raise MissingExtraError("calls through litellm need it: pip install 'stream-harness[litellm]'") from error

__all__ = ["httpx", "litellm"]
