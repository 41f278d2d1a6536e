"""Where a model on Azure is, and which variables may say so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from harness.errors import UsageError
from harness.llm.settings import environment

#: Environment variables that may hold the key, in order.
KEY_VARIABLES: Final = ("AZURE_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_INFERENCE_CREDENTIAL")
_ENDPOINT_VARIABLES: Final = ("AZURE_ENDPOINT", "AZURE_OPENAI_ENDPOINT", "AZURE_API_BASE", "AZURE_INFERENCE_ENDPOINT")
_VERSION_VARIABLES: Final = ("AZURE_API_VERSION", "OPENAI_API_VERSION")
_SCOPES_VARIABLES: Final = ("AZURE_CREDENTIAL_SCOPES",)

DEPLOYMENT: Final = re.compile(r"/openai/deployments/([^/?]+)")
#: Hosts of Azure OpenAI resources, where every model is behind a deployment.
_RESOURCE: Final = re.compile(r"https?://[^/]+\.(openai\.azure\.com|cognitiveservices\.azure\.com)")


def azure_endpoint(given: str | None) -> str:
    """Return the endpoint that was given, or that of the first variable that is set. Raises UsageError without one."""
    found = endpoint_given(given)
    if found is None:
        raise UsageError(
            f"azure: no endpoint; pass base_url='https://<resource>.openai.azure.com' or set {_ENDPOINT_VARIABLES[0]}"
        )
    return found


def endpoint_given(given: str | None) -> str | None:
    """Return the endpoint that was given, or that of the first variable that is set."""
    found = given or environment(_ENDPOINT_VARIABLES)
    return None if found is None else found.rstrip("/")


def chat_endpoint(given: str | None, model: str) -> str:
    """Return the endpoint of a chat model: of a bare Azure OpenAI resource it is the deployment of that name."""
    endpoint = azure_endpoint(given)
    return f"{endpoint}/openai/deployments/{model}" if _RESOURCE.fullmatch(endpoint) else endpoint


def api_version(given: str | None) -> str | None:
    """Return the API version that was given, or that of the first variable that is set."""
    return given or environment(_VERSION_VARIABLES)


def credential_scopes(given: Sequence[str] | str | None) -> list[str] | None:
    """Return the scopes of tokens that were given, or those that the variable names, parted by commas."""
    found = given or environment(_SCOPES_VARIABLES)
    if found is None:
        return None
    return [scope.strip() for scope in (found.split(",") if isinstance(found, str) else found) if scope.strip()]
