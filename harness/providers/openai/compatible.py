"""Models of hosts that speak OpenAI's chat completions, by the host's name."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from harness.errors import UsageError
from harness.llm.credentials import PLACEHOLDER
from harness.llm.request import LLMRequest
from harness.llm.settings import environment
from harness.providers.openai.chat import OpenAIChat
from harness.providers.openai.hosts import HOSTS

#: Where Ollama listens whose address names no port (https://docs.ollama.com/faq, 2026-11).
_OLLAMA_PORT: Final = 11434


class OpenAICompatible(OpenAIChat):
    """A model of a host in the table, such as `openrouter/deepseek/deepseek-r1` or `ollama/llama3.2`.

    `base_url` and `api_key` win over the row. To an address of Ollama `/v1` is added where it lacks that.
    """

    def __init__(self, model: str, *args: Any, **settings: Any) -> None:
        super().__init__(model, *args, **settings)
        self.provider = self._llm_prefix
        self._host = HOSTS[self.provider]
        self.key_variables = self._host.key_variables

    def check(self, request: LLMRequest) -> None:
        super().check(request)
        self._address()

    def _key(self) -> str:
        return super()._key() if self._host.needs_key else self.api_key or PLACEHOLDER

    def _address(self) -> str:
        named = self.base_url or environment(self._host.base_url_variables)
        if named is not None:
            return _with_v1(named) if self._host.is_bare else named
        if "{}" in self._host.base_url:
            raise UsageError(
                f"{self.provider}: no address; pass base_url='{self._host.base_url.format('<account>')}' or set "
                f"{self._host.base_url_variables[0]}"
            )
        return self._host.base_url


def _with_v1(address: str) -> str:
    """Return an address of Ollama, as its own variables have it, as that of its API in OpenAI's form."""
    parts = urlsplit(with_scheme(address))
    path = parts.path.rstrip("/")
    return urlunsplit(parts._replace(path=path if path.endswith("/v1") else f"{path}/v1"))


def with_scheme(address: str) -> str:
    """Return an address of Ollama, which its own variables may name by host and port alone, as a URL."""
    if "://" in address:
        return address
    return f"http://{address}" if re.search(r":\d+(/|$)", address) else f"http://{address}:{_OLLAMA_PORT}"
