"""Which providers can be spoken to here, in their own formats."""

from __future__ import annotations

from importlib import metadata
from typing import Final

#: Provider, by the name of its shipped recordings → the distribution of its official SDK.
_SDKS: Final = {
    "anthropic": "anthropic",
    "azure": "azure-ai-inference",
    "bedrock": "boto3",
    "gemini": "google-genai",
    "openai": "openai",
    "openai_responses": "openai",
}


def reachable_providers() -> frozenset[str]:
    """Return the providers whose SDKs are installed."""

    def is_installed(distribution: str) -> bool:
        try:
            metadata.version(distribution)
        except metadata.PackageNotFoundError:
            return False
        return True

    return frozenset(name for name, sdk in _SDKS.items() if is_installed(sdk))
