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

from tests.servers.openai.chat import MODELS, OpenAIChatServer
from tests.servers.openai.chat_scenarios import Failure
from tests.servers.openai.compatible import SCENARIOS
from tests.servers.openai.responses import OpenAIResponsesServer
from tests.servers.scripted_server import Asked, RefusedError, rewritten
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

    #: The endpoint of one deployment.
    api = "/openai/deployments/gpt-4o-mini"
    models = MappingProxyType({**MODELS, "DeepSeek-R1": "deepseek-r1"})
    script = SCENARIOS

    def __init__(self, *, port: int = 0) -> None:
        super().__init__(port=port)
        self._responses = OpenAIResponsesServer()

    def __enter__(self) -> Self:
        self._responses.__enter__()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._responses.__exit__(kind, error, traceback)
        super().__exit__(kind, error, traceback)

    def answer(self, request: WireRequest) -> WireResponse:
        if request.path.startswith("/openai/v1/responses"):
            return _as_azure(self._responses.answer(request))
        return _as_azure(super().answer(request))

    def reply(self, asked: Asked) -> WireResponse:
        found = _PATH.fullmatch(asked.path)
        if asked.method != "POST" or found is None:
            raise RefusedError("unknown-url", Failure(404, "Resource not found", "", code="404"))
        if "api-key" not in asked.headers:
            text = "Access denied due to invalid subscription key or wrong API endpoint."
            raise RefusedError("no-key", Failure(401, text, "", code="401"))
        model = found[1] or asked.body.get("model")
        if model not in self.models:
            text = "The API deployment for this resource does not exist."
            raise RefusedError("no-deployment", Failure(404, text, "", code="DeploymentNotFound"))
        return self.complete({**asked.body, "model": model})

    def failed(self, name: str, failure: Failure) -> WireResponse:
        text = json.dumps({"error": {"code": failure.code, "message": failure.message}}, separators=(",", ":")).encode()
        return replace(super().failed(name, failure), body=(text,), content_length=len(text))


def _as_azure(response: WireResponse) -> WireResponse:
    """The response with Azure's headers, and its body in Azure's form where it is a chat completion."""
    headers = tuple(
        ("apim-request-id" if name == "x-request-id" else name, value)
        for name, value in response.headers
        if not name.startswith(("openai-", "access-control-"))
    )
    response = replace(response, headers=headers)
    if response.content_length is None:
        return replace(response, body=tuple(_parts(response.body)))
    first = response.body[0]
    if first is Hold.HERE or not first.startswith(b'{\n  "id": "chatcmpl'):
        return response
    return rewritten(response, lambda completion: _dumped(_completion(completion)))


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
