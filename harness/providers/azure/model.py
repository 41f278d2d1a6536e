"""Chat completions of models on Azure, through the official inference SDK.

Source: https://learn.microsoft.com/python/api/overview/azure/ai-inference-readme (2026-11).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from azure.ai import inference
from azure.ai.inference import aio
from azure.core.credentials import AzureKeyCredential

from harness.llm.connections import end_urllib3_with_runs
from harness.llm.credentials import api_key
from harness.llm.parameters.names import sole_value
from harness.llm.request import LLMRequest
from harness.llm.settings import environment
from harness.providers.azure.body import AsyncRefusalsAreRead, AzureBody, RefusalsAreRead, aread_at_once, read_at_once
from harness.providers.azure.endpoint import (
    KEY_VARIABLES,
    azure_endpoint,
    chat_endpoint,
    configured_endpoint,
    default_version,
)
from harness.providers.azure.errors import translated
from harness.providers.azure.request import wire_body
from harness.providers.azure.retries import AsyncRetries, Retries
from harness.providers.openai.chat_model import ChatModel
from harness.providers.row import sdk_needed
from harness.providers.shared.model import SDKModel
from harness.providers.shared.requests.wire_body import as_json, present

#: What another SDK is not given.
_OF_THIS_SDK: Final = {"api_version": None, "client_params": None}


class AzureChat(ChatModel):
    """A model on Azure: an Azure OpenAI deployment by its name, or a model of another inference endpoint.

    `endpoint` is another name of `base_url`; `credential_scopes` are those of a token credential, which
    `client_params={"credential": …}` gives in place of a key.
    """

    provider = "azure"
    key_variables = KEY_VARIABLES
    response_body = AzureBody
    no_interceptor = "its SDK has no interceptor; give its own policies as client_params={'policies': …}"
    _translated = staticmethod(translated)

    def __init__(
        self,
        *args: Any,
        endpoint: str | None = None,
        base_url: str | None = None,
        credential_scopes: Sequence[str] | str | None = None,
        **settings: Any,
    ) -> None:
        base_url = sole_value("AzureChat", base_url=base_url, endpoint=endpoint)
        super().__init__(*args, base_url=base_url, **settings)
        self._scopes = credential_scopes

    @property
    def endpoint(self) -> str | None:
        """Where the model is, as given or as the environment says: of an Azure OpenAI resource the deployment."""
        found = configured_endpoint(self.base_url)
        return None if found is None else chat_endpoint(found, self.model)

    @property
    def api_version(self) -> str | None:
        return self._llm_api_version or environment(("AZURE_API_VERSION", "OPENAI_API_VERSION"))

    @api_version.setter
    def api_version(self, value: str | None) -> None:
        self._llm_api_version = value

    @property
    def credential_scopes(self) -> list[str] | None:
        """The scopes of tokens, as given or as the environment says, where commas part them."""
        found = self._scopes or environment(("AZURE_CREDENTIAL_SCOPES",))
        if found is None:
            return None
        return [scope.strip() for scope in (found.split(",") if isinstance(found, str) else found) if scope.strip()]

    def _by_responses(self) -> SDKModel:
        # It needs an SDK of its own, and is asked where its resource is, whose newest API needs no version.
        with sdk_needed("azure", "azure"):
            from harness.providers.azure.responses import AzureResponses

        resource = azure_endpoint(self.base_url).partition("/openai")[0]
        return AzureResponses(self.model, **{**self._llm_settings(), **_OF_THIS_SDK, "base_url": resource})

    def check(self, request: LLMRequest) -> None:
        self._client_settings()
        super().check(request)

    def _arguments(self, request: LLMRequest) -> dict[str, Any]:
        body = wire_body(self, self._reasoning.restored(request), chat_endpoint(self.base_url, self.model))
        return {"body": as_json(body, self.provider)}

    def _send(self, client: Any, arguments: dict[str, Any], *, stream: bool) -> Any:
        # A whole answer, too, is read as bytes: the SDK takes it only where its content type is the one that is expected.
        sent = client.complete(**arguments, stream=True)
        if stream:
            return sent
        return read_at_once(sent) if isinstance(client, inference.ChatCompletionsClient) else aread_at_once(sent)

    def _client_settings(self) -> dict[str, Any]:
        given = self.client_params or {}
        if "credential" not in given:
            given = {"credential": AzureKeyCredential(api_key(self.api_key, self.provider, KEY_VARIABLES)), **given}
        endpoint = chat_endpoint(self.base_url, self.model)
        settings = present(
            api_version=self.api_version or default_version(endpoint),
            credential_scopes=self.credential_scopes,
            base_headers=None if self.default_headers is None else dict(self.default_headers),
            connection_timeout=self.timeout,
            read_timeout=self.timeout,
            retry_total=self.max_retries,
        )
        return {"endpoint": endpoint, **settings, **given}

    def _new_client(self) -> inference.ChatCompletionsClient:
        end_urllib3_with_runs()
        settings = self._client_settings()
        settings = {"retry_policy": Retries(**settings), **settings}
        return inference.ChatCompletionsClient(**settings, per_retry_policies=[RefusalsAreRead()])

    def _new_async_client(self) -> aio.ChatCompletionsClient:
        settings = self._client_settings()
        settings = {"retry_policy": AsyncRetries(**settings), **settings}
        return aio.ChatCompletionsClient(**settings, per_retry_policies=[AsyncRefusalsAreRead()])
