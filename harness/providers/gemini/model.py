"""Gemini's generateContent, at Google AI Studio and on Vertex AI, through the official SDK.

Source: https://ai.google.dev/api/generate-content (2026-11).
"""

from __future__ import annotations

from typing import Any, ClassVar

from harness.errors import ProviderError
from harness.llm.credentials import api_key
from harness.llm.request import LLMRequest
from harness.providers.gemini.answer import GeminiAnswer
from harness.providers.gemini.body import GeminiBody
from harness.providers.gemini.calls import Signatures
from harness.providers.gemini.clients import AsyncGeminiClient, Endpoint, GeminiClient
from harness.providers.gemini.errors import translated
from harness.providers.gemini.request import NAMED_RESOURCES, wire_body
from harness.providers.shared.answer import ProviderAnswer
from harness.providers.shared.clients import SDKClients
from harness.providers.shared.model import SDKModel
from harness.providers.shared.recorded.query import EXTRA_QUERY, with_query


class Gemini(SDKModel):
    """A Gemini model at Google AI Studio, or at a host that speaks its API, such as one at `base_url`.

    `api_version`, such as `v1beta`, is the SDK's own where it is not given. Signatures of thoughts are kept with the
    LLM that was answered, and sent back with the calls that they belong to. `additional_params` may hold `extra_query`, the
    query of the URL; without `alt=sse` in it the API streams a JSON array.
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
        self._clients = SDKClients(lambda: GeminiClient(self._endpoint()), lambda: AsyncGeminiClient(self._endpoint()))

    def check(self, request: LLMRequest) -> None:
        self._endpoint()
        wire_body(self, request, self._signatures)

    def _endpoint(self) -> Endpoint:
        """Return where and how the API is reached. Raises UsageError where a key is needed and there is none."""
        key = None if self.project is not None else api_key(self.api_key, self.provider, self.key_variables)
        return Endpoint(
            key,
            self.base_url,
            self.api_version,
            self.timeout,
            self.max_retries,
            self.on_vertex,
            self.project,
            self.location,
        )

    def get_context_window_size(self) -> int:
        return 1_048_576

    # Not the SDK's models.generate_content: it knows fewer fields than the API, and gives answers back without some.

    def _arguments(self, request: LLMRequest) -> dict[str, Any]:
        return {"path": self._path(request), "body": wire_body(self, request, self._signatures)}

    def _send(self, client: Any, arguments: dict[str, Any], *, stream: bool) -> Any:
        return client.send(**arguments, stream=stream)

    def _opened(self, sent: Any) -> GeminiBody:
        return GeminiBody(sent)

    def _answer(self, request: LLMRequest) -> GeminiAnswer:
        return GeminiAnswer(self.provider, self._signatures)

    def _translated(self, error: Exception, answer: ProviderAnswer) -> ProviderError | None:
        return translated(error, answer)

    def _path(self, request: LLMRequest) -> str:
        method = "streamGenerateContent" if request.stream else "generateContent"
        # Without it the stream is a JSON array.
        query = self.additional_params.get(EXTRA_QUERY, {"alt": "sse"} if request.stream else {})
        return with_query(f"{self._resource()}:{method}", query)

    def _resource(self) -> str:
        named = self.model.startswith(NAMED_RESOURCES)
        return self.model if named else f"{self._resources}{self.model}"


class VertexAI(Gemini):
    """A Gemini model on Vertex AI: in a `project` and `location`, or, without them, by an API key (express mode)."""

    provider = "vertex_ai"
    key_variables = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
    on_vertex = True
    _resources = "publishers/google/models/"
