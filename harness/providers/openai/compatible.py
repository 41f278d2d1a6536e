"""Models of hosts that speak OpenAI's chat completions, by the host's name."""

from __future__ import annotations

import os
from typing import Any

from harness.llm.credentials import PLACEHOLDER
from harness.providers.openai.chat import OpenAIChat
from harness.providers.openai.hosts import HOSTS


class OpenAICompatible(OpenAIChat):
    """A model of a host in the table, such as `openrouter/deepseek/deepseek-r1` or `ollama/llama3.2`.

    `base_url` and `api_key` win over the row.
    """

    def __init__(self, model: str, *args: Any, **settings: Any) -> None:
        super().__init__(model, *args, **settings)
        self.provider = model.partition("/")[0]
        self._host = HOSTS[self.provider]
        self.key_variables = self._host.key_variables

    def _key(self) -> str:
        return super()._key() if self.key_variables else self.api_key or PLACEHOLDER

    def _client_settings(self) -> dict[str, Any]:
        named = (os.environ.get(name) for name in self._host.base_url_variables)
        base_url = self.base_url or next(filter(None, named), self._host.base_url)
        return {**super()._client_settings(), "base_url": base_url}
