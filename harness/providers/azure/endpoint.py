"""Where a model on Azure is, and which variables may say so."""

from __future__ import annotations

import re
from typing import Final

from harness.errors import UsageError
from harness.llm.settings import environment

#: Environment variables that may hold the key, in order.
KEY_VARIABLES: Final = ("AZURE_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_INFERENCE_CREDENTIAL")
ENDPOINT_VARIABLES: Final = ("AZURE_ENDPOINT", "AZURE_OPENAI_ENDPOINT", "AZURE_API_BASE", "AZURE_INFERENCE_ENDPOINT")

DEPLOYMENT: Final = re.compile(r"/openai/deployments/([^/?]+)")
#: By which a deployment is asked where nobody names a version: that of the SDK knows neither what asks for usage nor schemas
#: of answers (https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle, 2026-11).
_DEPLOYMENT_VERSION: Final = "2024-10-21"
#: Hosts of Azure OpenAI resources, those of the clouds of governments and of China too, where every model is behind a deployment.
_RESOURCE: Final = re.compile(r"https?://[^/]+\.(?:openai|cognitiveservices)\.azure\.(?:com|us|cn)")


def azure_endpoint(base_url: str | None) -> str:
    """Return the endpoint that was given, or that of the first variable that is set. Raises UsageError without one."""
    found = configured_endpoint(base_url)
    if found is None:
        raise UsageError(
            f"azure: no endpoint; pass base_url='https://<resource>.openai.azure.com' or set {ENDPOINT_VARIABLES[0]}"
        )
    return found


def configured_endpoint(base_url: str | None) -> str | None:
    """Return the endpoint that was given, or that of the first variable that is set."""
    found = base_url or environment(ENDPOINT_VARIABLES)
    return None if found is None else found.rstrip("/")


def chat_endpoint(base_url: str | None, model: str) -> str:
    """Return the endpoint of a chat model: of a bare Azure OpenAI resource it is the deployment of that name."""
    endpoint = azure_endpoint(base_url)
    return f"{endpoint}/openai/deployments/{model}" if _RESOURCE.fullmatch(endpoint) else endpoint


def default_version(endpoint: str) -> str | None:
    """Return the version of the API by which an endpoint is asked where none is named; None for the SDK's own."""
    return _DEPLOYMENT_VERSION if DEPLOYMENT.search(endpoint) else None
