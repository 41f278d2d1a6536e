"""What the tests of every integration share: its server, and nobody's credentials."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.providers.integrations.integration import Integration
from tests.servers.scripted_server import ScriptedServer

#: Whatever of these is set is the person's who runs the tests.
_VARIABLES = (
    "ANTHROPIC_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    *(f"{prefix}{name}" for prefix in ("AZURE_API_", "AZURE_OPENAI_API_") for name in ("KEY", "ENDPOINT", "VERSION")),
    *(f"{prefix}{name}" for prefix in ("AZURE_", "AZURE_OPENAI_") for name in ("KEY", "ENDPOINT")),
    "OPENAI_API_VERSION",
    "OPENAI_BASE_URL",
    "OPENAI_API_BASE",
    "OLLAMA_HOST",
    "AZURE_CREDENTIAL_SCOPES",
    "GOOGLE_GENAI_USE_VERTEXAI",
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_CLOUD_LOCATION",
    "AWS_REGION_NAME",
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
)


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials of nobody, and none of the person who runs the tests."""
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")


@pytest.fixture
def server(integration: Integration) -> Iterator[ScriptedServer[Any, Any]]:
    """The integration's provider on loopback."""
    with integration.server() as running:
        yield running
