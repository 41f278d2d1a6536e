"""OpenAI's Responses API as Azure serves it, under `/openai/v1` of the resource.

Source: https://learn.microsoft.com/azure/ai-foundry/openai/how-to/responses (2026-11).
"""

from __future__ import annotations

from typing import Any

from harness.llm.parameters.names import sole_value
from harness.llm.request import LLMRequest
from harness.providers.azure.endpoint import KEY_VARIABLES, azure_endpoint
from harness.providers.openai.responses.model import OpenAIResponses


class AzureResponses(OpenAIResponses):
    provider = "azure"
    key_variables = KEY_VARIABLES

    def __init__(self, *args: Any, endpoint: str | None = None, base_url: str | None = None, **settings: Any) -> None:
        super().__init__(*args, base_url=sole_value("AzureResponses", base_url=base_url, endpoint=endpoint), **settings)

    def check(self, request: LLMRequest) -> None:
        super().check(request)
        azure_endpoint(self.base_url)

    def _address(self) -> str:
        address = azure_endpoint(self.base_url)
        return address if "/openai" in address else f"{address}/openai/v1"

    def _client_settings(self) -> dict[str, Any]:
        query = {} if self.api_version is None else {"default_query": {"api-version": self.api_version}}
        return {**super()._client_settings(), **query}
