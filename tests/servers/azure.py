"""A provider on loopback that speaks Azure's form of chat completions, and its Responses API.

`AzureServer` answers `POST /openai/deployments/<deployment>/chat/completions?api-version=…` from the scenarios of the
OpenAI chat server, with what Azure adds: the results of content filters, keys in alphabetical order, and a first event
that tells of the prompt alone. `POST /chat/completions?api-version=…` is the same at an endpoint of a model that thinks.
`POST /openai/v1/responses` is answered as the OpenAI Responses server does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self

from tests.servers.compatible import SCENARIOS
from tests.servers.openai_chat import MODELS, ChatRequest, OpenAIChatServer
from tests.servers.openai_chat_scenarios import Failure
from tests.servers.openai_responses import OpenAIResponsesServer
from tests.servers.wire_server import Hold, WireRequest, WireResponse

_PATH: Final = re.compile(
    r"(?:/openai/deployments/([^/]+))?/chat/completions\?api-version=(\d{4}-\d\d-\d\d(?:-preview)?)"
)
_SAFE: Final = {"filtered": False, "severity": "safe"}
_PROMPT_FILTERS: Final = {
    "hate": _SAFE,
    "jailbreak": {"filtered": False, "detected": False},
    "self_harm": _SAFE,
    "sexual": _SAFE,
    "violence": _SAFE,
}
_TEXT_FILTERS: Final = {"hate": _SAFE, "self_harm": _SAFE, "sexual": _SAFE, "violence": _SAFE}


class AzureServer(OpenAIChatServer):
    """An Azure OpenAI resource whose deployments are named as their models are, and an endpoint of another model."""

    models = MappingProxyType({**MODELS, "DeepSeek-R1": "deepseek-r1"})

    def __init__(self, *, port: int = 0) -> None:
        super().__init__(SCENARIOS, port=port)
        self._responses = OpenAIResponsesServer()

    def __enter__(self) -> Self:
        self._responses.__enter__()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._responses.__exit__(kind, error, traceback)
        super().__exit__(kind, error, traceback)

    @property
    def base_url(self) -> str:
        """The endpoint of one deployment."""
        return f"{self.origin}/openai/deployments/gpt-4o-mini"

    def answer(self, request: WireRequest) -> WireResponse:
        if request.path.startswith("/openai/v1/responses"):
            return _as_azure(self._responses.answer(request))
        body: dict[str, Any] = json.loads(request.body or b"{}")
        with self.changing():
            self.requests.append(ChatRequest(request.method, request.path, request.headers, body))
        asked = _PATH.fullmatch(request.path)
        if request.method != "POST" or asked is None:
            return self._failure("unknown-url", Failure(404, "Resource not found", "", code="404"))
        if "api-key" not in request.headers:
            text = "Access denied due to invalid subscription key or wrong API endpoint."
            return self._failure("no-key", Failure(401, text, "", code="401"))
        model = asked[1] or body.get("model")
        if model not in self.models:
            text = "The API deployment for this resource does not exist."
            return self._failure("no-deployment", Failure(404, text, "", code="DeploymentNotFound"))
        return _as_azure(self._complete({**body, "model": model}))

    def _failure(self, name: str, failure: Failure) -> WireResponse:
        answer = super()._failure(name, failure)
        text = json.dumps({"error": {"code": failure.code, "message": failure.message}}, separators=(",", ":")).encode()
        return _as_azure(replace(answer, body=(text,), content_length=len(text)))


def _as_azure(response: WireResponse) -> WireResponse:
    """The response with Azure's headers, and its body in Azure's form where it is a chat completion."""
    headers = tuple(
        ("apim-request-id" if name == "x-request-id" else name, value)
        for name, value in response.headers
        if not name.startswith(("openai-", "access-control-"))
    )
    parts = tuple(_parts(response.body))
    if response.content_length is None:
        return replace(response, headers=headers, body=parts)
    whole = b"".join(part for part in response.body if isinstance(part, bytes))
    if len(whole) < response.content_length or not whole.startswith(b'{\n  "id": "chatcmpl'):
        return replace(response, headers=headers)
    text = _dumped(_completion(json.loads(whole)))
    return replace(response, headers=headers, body=(text,), content_length=len(text))


def _parts(body: tuple[bytes | Hold, ...]) -> Iterator[bytes | Hold]:
    for number, part in enumerate(body):
        if part is Hold.HERE or not part.startswith(b'data: {"id":"chatcmpl'):
            yield part
            continue
        if number == 0:
            filters = {"prompt_filter_results": [{"prompt_index": 0, "content_filter_results": _PROMPT_FILTERS}]}
            first = {"choices": [], "created": 0, "id": "", "model": "", "object": "", **filters}
            yield b"data: " + _dumped(first) + b"\n\n"
        yield b"data: " + _dumped(_chunk(json.loads(part.removeprefix(b"data: ")))) + b"\n\n"


def _chunk(chunk: dict[str, Any]) -> dict[str, Any]:
    chunk.pop("service_tier")
    for choice in chunk["choices"]:
        choice["content_filter_results"] = _TEXT_FILTERS if choice["delta"].get("content") else {}
    ordered: dict[str, Any] = _sorted(chunk)
    return ordered


def _completion(completion: dict[str, Any]) -> dict[str, Any]:
    completion.pop("service_tier")
    for choice in completion["choices"]:
        choice["content_filter_results"] = _TEXT_FILTERS if choice["message"]["content"] else {}
    prompt = [{"prompt_index": 0, "content_filter_results": _PROMPT_FILTERS}]
    whole = {**_sorted(completion), "prompt_filter_results": prompt}
    return {name: whole[name] for name in sorted(whole)}


def _sorted(value: Any) -> Any:
    """The value with the keys of every object in alphabetical order, which is Azure's."""
    if isinstance(value, Mapping):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(one) for one in value] if isinstance(value, list) else value


def _dumped(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
