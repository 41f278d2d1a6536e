"""Providers that have no integration of their own, through litellm.

It is given OpenAI's chat form, and answers in it. Source: https://docs.litellm.ai/docs/completion (2026-11).
"""

from __future__ import annotations

from typing import Any

import httpx
import litellm  # type: ignore[import-not-found]  # it can't be installed beside the openai extra

from harness.llm.connections import end_with_run
from harness.llm.credentials import PLACEHOLDER, credentials_needed
from harness.llm.request import LLMRequest
from harness.providers.litellm.answer import LiteLLMAnswer, LiteLLMBody, translated
from harness.providers.openai.request import wire_body
from harness.providers.shared.clients import SDKClients
from harness.providers.shared.model import SDKModel
from harness.providers.shared.requests.wire_body import present


def _prepare() -> None:
    """Have the clients that litellm shares for threads end their connections with the run that uses them."""
    # aiohttp warns of what litellm leaves open when a loop ends; httpx, without it, does not.
    litellm.disable_aiohttp_transport = True
    # Its advice on debugging is printed, not logged.
    litellm.suppress_debug_info = True
    if litellm.client_session is None:
        litellm.client_session = httpx.Client()
    for client in (litellm.client_session, litellm.module_level_client.client):
        end_with_run(client)


_prepare()


class _Functions(SDKClients):
    """litellm's two functions that ask, in the place of clients: there is nothing to make, nor to close."""

    def __init__(self) -> None:
        pass

    def __reduce__(self) -> tuple[type[_Functions], tuple[()]]:
        return _Functions, ()

    def sync(self) -> Any:
        return litellm.completion

    def running(self) -> Any:
        return litellm.acompletion


class LiteLLM(SDKModel):
    """A model by litellm's name for it, such as `cohere/command-r` or `litellm/cohere/command-r`.

    Keys and addresses come from the variables that litellm reads, where `api_key` and `base_url` do not say.
    """

    provider = "litellm"
    response_body = LiteLLMBody
    _translated = staticmethod(translated)

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._clients = _Functions()

    def _arguments(self, request: LLMRequest) -> dict[str, Any]:
        settings = {
            "api_key": self.api_key or (None if credentials_needed() else PLACEHOLDER),
            **{name: getattr(self, name) for name in ("base_url", "api_version", "timeout", "max_retries", "thinking")},
            "extra_headers": None if self.default_headers is None else dict(self.default_headers),
            **(self.client_params or {}),
        }
        body = wire_body(self, request)
        if "tool_choice" not in self.additional_params:
            # Not every provider behind it knows the word.
            body.pop("tool_choice", None)
        return {**present(**settings), **body}

    def _send(self, client: Any, arguments: dict[str, Any], *, stream: bool) -> Any:
        return client(**arguments)

    def _answer(self, request: LLMRequest) -> LiteLLMAnswer:
        return LiteLLMAnswer(self.provider, request)
