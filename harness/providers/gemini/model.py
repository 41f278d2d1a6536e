"""Gemini's generateContent, at Google AI Studio and on Vertex AI, through the official SDK.

Source: https://ai.google.dev/api/generate-content (2026-11).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar, Final

from harness.llm.llm import LLM
from harness.llm.parts import Part
from harness.llm.request import LLMRequest
from harness.providers.gemini.answer import Answer
from harness.providers.gemini.calls import Signatures
from harness.providers.gemini.clients import AsyncClient, check_credentials, new_client
from harness.providers.gemini.errors import translation
from harness.providers.gemini.request import wire_body
from harness.providers.shared.clients import SDKClients

_METHOD: Final = "POST"


class Gemini(LLM):
    """A Gemini model at Google AI Studio, or at a host that speaks its API, such as one at `base_url`.

    `api_version`, such as `v1beta`, is the SDK's own where it is not given. Signatures of thoughts are kept with the
    LLM that was answered, and sent back with the calls that they belong to.
    """

    provider = "gemini"
    asks_for_hosted_tools: ClassVar[bool] = True
    #: Environment variables that may hold the key, in order.
    key_variables: tuple[str, ...] = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
    on_vertex: ClassVar[bool] = False
    #: What models are resources of.
    _resources: ClassVar[str] = "models/"

    def __init__(self, *args: Any, project: str | None = None, location: str | None = None, **settings: Any) -> None:
        super().__init__(*args, **settings)
        #: Of Vertex AI; with a project, credentials are Google's own to find, and no key is sent.
        self.project = project
        self.location = location
        self._signatures = Signatures()
        self._clients = SDKClients(lambda: new_client(self), lambda: AsyncClient(self))

    def check(self, request: LLMRequest) -> None:
        check_credentials(self)
        wire_body(self, request, self._signatures)

    def get_context_window_size(self) -> int:
        return 1_048_576

    # Not the SDK's models.generate_content: it knows fewer fields than the API, and gives answers back without some.

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        answer = Answer(self.provider, self._signatures)
        with translation(answer):
            api: Any = self._clients.sync()._api_client
            body = wire_body(self, request, self._signatures)
            if not request.stream:
                yield from answer.chunk(json.loads(api.request(_METHOD, self._path(request), body).body or ""))
                yield from answer.end()
                return
            response = api._request(api._build_request(_METHOD, self._path(request), body), stream=True)
            with contextlib.closing(response.response_stream):
                for chunk in response.segments():
                    yield from answer.chunk(chunk)
            yield from answer.end()

    async def agenerate(self, request: LLMRequest) -> AsyncIterator[Part]:
        answer = Answer(self.provider, self._signatures)
        with translation(answer):
            api, body = self._clients.running().api, wire_body(self, request, self._signatures)
            if not request.stream:
                whole = await api.async_request(_METHOD, self._path(request), body)
                for part in answer.chunk(json.loads(whole.body or "")):
                    yield part
                for part in answer.end():
                    yield part
                return
            response = await api._async_request(api._build_request(_METHOD, self._path(request), body), stream=True)
            # The SDK lets go of the response where its own iterator ends.
            async with contextlib.aclosing(response._aiter_response_stream()) as lines:
                async for line in lines:
                    for part in answer.chunk(response._load_json_from_response(line)):
                        yield part
            for part in answer.end():
                yield part

    def _path(self, request: LLMRequest) -> str:
        method = "streamGenerateContent?alt=sse" if request.stream else "generateContent"
        return f"{self._resources}{self.model}:{method}"


class VertexAI(Gemini):
    """A Gemini model on Vertex AI: in a `project` and `location`, or, without them, by an API key (express mode)."""

    provider = "vertex_ai"
    key_variables = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
    on_vertex = True
    _resources = "publishers/google/models/"
