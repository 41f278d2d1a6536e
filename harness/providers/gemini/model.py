"""Gemini's generateContent, at Google AI Studio and on Vertex AI, through the official SDK.

Source: https://ai.google.dev/api/generate-content (2026-11).
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Final

from harness.llm.credentials import PLACEHOLDER, api_key, credentials_needed
from harness.llm.input.unsent_fields import Carried
from harness.llm.parameters.names import sole_value
from harness.llm.request import LLMRequest
from harness.llm.settings import environment
from harness.providers.gemini.answer import GeminiAnswer
from harness.providers.gemini.body import GeminiBody, translated
from harness.providers.gemini.clients import AsyncGeminiClient, GeminiClient
from harness.providers.gemini.messages import Signatures
from harness.providers.gemini.request import NAMED_RESOURCES, wire_body
from harness.providers.shared.model import SDKModel
from harness.providers.shared.reasoning.by_call import outlines
from harness.providers.shared.requests.wire_body import EXTRA_QUERY, present, with_query
from harness.providers.shared.tls import system_context

#: What models are resources of.
_AT_STUDIO: Final = "models/"
_ON_VERTEX: Final = "publishers/google/models/"
#: Attempts after the first where the caller names no number, as other SDKs have it.
_RETRIES: Final = 2


class Gemini(SDKModel):
    """A Gemini model at Google AI Studio, or at a host that speaks its API, such as one at `base_url`.

    `api_version`, such as `v1beta`, is the SDK's own where it is not given. Signatures of thoughts are kept with the
    LLM that was answered, and sent back with the calls that they belong to. `additional_params` may hold `extra_query`, the
    query of the URL; without `alt=sse` in it the API streams a JSON array.
    """

    provider = "gemini"
    response_body = GeminiBody
    no_interceptor = "its SDK has no interceptor; give an HTTP client of your own instead"
    _translated = staticmethod(translated)
    asks_for_hosted_tools: ClassVar[bool] = True
    carried = Carried()
    key_variables: tuple[str, ...] = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
    on_vertex: ClassVar[bool] = False

    def __init__(
        self,
        *args: Any,
        project: str | None = None,
        location: str | None = None,
        safety_settings: Any = None,
        use_vertexai: bool | None = None,
        thinking_config: Any = None,
        **settings: Any,
    ) -> None:
        thinking = sole_value("Gemini", thinking=settings.get("thinking"), thinking_config=thinking_config)
        super().__init__(*args, **{**settings, **present(thinking=thinking)})
        self._project = project
        self._location = location
        #: Category → threshold, or a list of `{category, threshold}`.
        self.safety_settings = safety_settings
        self._use_vertexai = use_vertexai
        self._signatures = Signatures()

    def _new_client(self) -> GeminiClient:
        return GeminiClient(self._client_arguments())

    def _new_async_client(self) -> AsyncGeminiClient:
        return AsyncGeminiClient(self._client_arguments())

    @property
    def project(self) -> str | None:
        """The project on Vertex AI, as given or, where there is no key, as the environment says.

        With one, credentials are Google's own to find, and no key is sent.
        """
        if self._project is not None or not self._asks_vertex() or self.api_key:
            return self._project or None
        return environment(("GOOGLE_CLOUD_PROJECT",))

    @property
    def location(self) -> str | None:
        """The location on Vertex AI, as given or, on Vertex AI, as the environment says."""
        return self._location or (environment(("GOOGLE_CLOUD_LOCATION",)) if self.project else None)

    def _asks_vertex(self) -> bool:
        """Whether the model is asked on Vertex AI: by its prefix, because the caller or the environment says so."""
        if self.on_vertex or self._use_vertexai is not None:
            return self.on_vertex or bool(self._use_vertexai)
        switch = environment(("GOOGLE_GENAI_USE_VERTEXAI",)) or ""
        return bool(self._project) or switch.lower() in ("1", "true")

    def check(self, request: LLMRequest) -> None:
        self._key()
        super().check(request)

    def _key(self) -> str | None:
        """Return the key, or None where credentials are Google's own to find. Raises UsageError where there is none."""
        return None if self.project is not None else api_key(self.api_key, self.provider, self.key_variables)

    def _client_arguments(self) -> dict[str, Any]:
        options: dict[str, Any] = {
            "base_url": self.base_url,
            "api_version": self.api_version,
            "headers": dict(self.default_headers or {}) or None,
            # Milliseconds here.
            "timeout": None if self.timeout is None else round(self.timeout * 1000),
            # Said always: unasked, the async client waits and tries again by itself.
            "retry_options": {"attempts": 1 + (_RETRIES if self.max_retries is None else self.max_retries)},
        }
        if not credentials_needed():
            # Played from a tape, or sent to a local server. The SDK would read the system's certificates three times.
            context = system_context()
            options |= {"client_args": {"verify": context}, "async_client_args": {"verify": context, "ssl": context}}
        arguments = {"vertexai": self._asks_vertex(), "http_options": options, **(self.client_params or {})}
        key, project = self._key(), self.project
        if project is None:
            return {**arguments, "api_key": key}
        arguments |= {"project": project, "location": self.location}
        if not credentials_needed():
            # Played from a tape: there is nobody to show credentials to. The SDK asks for a token all the same.
            from google.oauth2.credentials import Credentials

            arguments["credentials"] = Credentials(PLACEHOLDER)  # type: ignore[no-untyped-call]
        return arguments

    # Not the SDK's models.generate_content: it knows fewer fields than the API, and gives answers back without some.

    def _arguments(self, request: LLMRequest) -> dict[str, Any]:
        return {"path": self._path(request), "body": self._body(request)}

    def _body(self, request: LLMRequest) -> dict[str, Any]:
        return wire_body(self, request, self._signatures, self.safety_settings)

    def _send(self, client: Any, arguments: dict[str, Any], *, stream: bool) -> Any:
        return client.send(**arguments, stream=stream)

    def _answer(self, request: LLMRequest) -> GeminiAnswer:
        return GeminiAnswer(self.provider, partial(self._signatures.keep, outlines(request.messages)[-1]))

    def _path(self, request: LLMRequest) -> str:
        method = "streamGenerateContent" if request.stream else "generateContent"
        # Without it the stream is a JSON array.
        query = self.additional_params.get(EXTRA_QUERY, {"alt": "sse"} if request.stream else {})
        named = self.model.startswith(NAMED_RESOURCES)
        place = "" if named else _ON_VERTEX if self._asks_vertex() else _AT_STUDIO
        return with_query(f"{place}{self.model}:{method}", query)


class VertexAI(Gemini):
    """A Gemini model on Vertex AI: in a `project` and `location`, or, without them, by an API key (express mode)."""

    provider = "vertex_ai"
    key_variables = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
    on_vertex = True
