"""What the wire APIs of OpenAI have in common: the official SDK, its clients, keys and context windows."""

from __future__ import annotations

from typing import Any, Final

from harness.llm.connections import end_with_run
from harness.llm.credentials import api_key
from harness.llm.llm import LLM
from harness.llm.request import LLMRequest
from harness.providers.openai.sdk import openai
from harness.providers.shared.clients import SDKClients
from harness.providers.shared.tls import http_client

#: Tokens that fit into a request and its answer, by the longest prefix of the model's name.
_WINDOWS: Final[dict[str, int]] = {
    "gpt-4": 8_192,
    "gpt-4-turbo": 128_000,
    "gpt-4o": 128_000,
    "gpt-4.1": 1_047_576,
    "gpt-5": 400_000,
    "o1": 200_000,
    "o3": 200_000,
    "o4": 200_000,
}


class OpenAIModel(LLM):
    """A model that the OpenAI SDK reaches, at OpenAI or at `base_url`. A subclass speaks one wire API."""

    provider = "openai"
    #: Environment variables that may hold the key, in order.
    key_variables: tuple[str, ...] = ("OPENAI_API_KEY",)

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._clients = SDKClients(self._new_client, self._new_async_client)

    def check(self, request: LLMRequest) -> None:
        self._key()

    def get_context_window_size(self) -> int:
        fitting = [prefix for prefix in _WINDOWS if self.model.startswith(prefix)]
        return _WINDOWS[max(fitting, key=len)] if fitting else super().get_context_window_size()

    def _key(self) -> str:
        return api_key(self.api_key, self.provider, self.key_variables)

    def _client_settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {"api_key": self._key(), "base_url": self.base_url}
        if self.timeout is not None:
            settings["timeout"] = self.timeout
        if self.max_retries is not None:
            settings["max_retries"] = self.max_retries
        return settings

    def _new_client(self) -> openai.OpenAI:
        client = http_client(openai.DefaultHttpxClient)
        end_with_run(client)
        return openai.OpenAI(**self._client_settings(), http_client=client)

    def _new_async_client(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(**self._client_settings(), http_client=http_client(openai.DefaultAsyncHttpxClient))
