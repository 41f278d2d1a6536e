"""A provider on loopback that speaks Gemini's generateContent wire format.

`GeminiServer` answers `POST /VERSION/models/MODEL:generateContent` and `:streamGenerateContent?alt=sse`, the paths of
Vertex AI too, from a script of scenarios.
`python -m tests.servers.gemini.server --port 8080` serves the standard script until it is interrupted.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tests.servers.gemini.scenarios import SCENARIOS, Answer, Call, Failure, Thought
from tests.servers.openai.chat_wire import pieces
from tests.servers.script import Turn
from tests.servers.scripted_server import DATE, Asked, RefusedError, ScriptedServer, serve, streamed, whole
from tests.servers.wire_server import WireResponse

MODELS: Final = frozenset({"gemini-2.5-flash", "gemini-3-pro-preview"})
_PATH: Final = re.compile(
    r"/v1(?:beta1?)?/(?:projects/[^/]+/locations/[^/]+/)?(?:publishers/google/)?models/(?P<model>[^/:]+):"
    r"(?P<method>generateContent|streamGenerateContent\?alt=sse)"
)
_HEADERS: Final = (("content-type", "application/json; charset=UTF-8"), ("date", DATE))


class GeminiServer(ScriptedServer[Answer, Failure]):
    """Answers generateContent, streamed or not."""

    script = SCENARIOS

    def reply(self, asked: Asked) -> WireResponse:
        found = _PATH.fullmatch(asked.path)
        if found is None or asked.method != "POST":
            raise RefusedError("unknown-url", Failure(404, "NOT_FOUND", "Requested entity was not found."))
        if not {"x-goog-api-key", "authorization"} & asked.headers.keys():
            raise RefusedError("no-key", Failure(403, "PERMISSION_DENIED", "The request has no API key."))
        model = found["model"]
        if model not in MODELS:
            raise RefusedError("no-model", Failure(404, "NOT_FOUND", f"models/{model} is not found."))
        unscripted = Failure(400, "INVALID_ARGUMENT", "No scenario has this prompt.")
        if "contents" not in asked.body:
            raise RefusedError("unread", unscripted)
        name, answer = self.next_answer(asked.body, _turns(asked.body), unscripted=unscripted)
        response_id = hashlib.sha256(self.seed(name).encode()).hexdigest()[:22]
        chunks = list(_chunks(answer, model, response_id, _tokens(asked.body)))
        if found["method"] != "generateContent":
            headers = (("content-type", "text/event-stream"), ("date", DATE))
            return streamed(answer, map(_event, chunks), headers, lambda failure, _: _event(_error(failure)))
        if answer.failure is not None:
            raise RefusedError(name, answer.failure)
        return whole(answer, json.dumps(_whole(chunks), indent=2, ensure_ascii=False).encode(), _HEADERS)

    def failed(self, name: str, failure: Failure) -> WireResponse:
        text = json.dumps(_error(failure), indent=2).encode()
        return WireResponse(failure.code, _HEADERS, (text,), content_length=len(text))


def _turns(body: Mapping[str, Any]) -> list[Turn]:
    roles = {"model": "assistant"}
    return [
        Turn(roles.get(content["role"], content["role"]), "".join(part.get("text", "") for part in content["parts"]))
        for content in body["contents"]
    ]


def _tokens(body: Mapping[str, Any]) -> int:
    # Four characters a token is the usual rule of thumb.
    return sum(4 + len(part.get("text", "")) // 4 for content in body["contents"] for part in content["parts"])


def _chunks(answer: Answer, model: str, response_id: str, prompt: int) -> Iterator[dict[str, Any]]:
    """Yield the chunks of an answer: each piece of text is one, and so are all calls in a row."""
    contents = [[part] for part in _parts(answer)]
    calls = [part for [part] in contents if "functionCall" in part]
    if calls:
        contents = [[part] for [part] in contents if "functionCall" not in part] + [calls]
    spoken = thought = 0
    for place, parts in enumerate(contents):
        thought += sum("thought" in part for part in parts)
        spoken += sum("thought" not in part for part in parts)
        candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}}
        if place == len(contents) - 1:
            candidate["finishReason"] = answer.finish
        usage: dict[str, Any] = {"promptTokenCount": prompt + answer.cached, "candidatesTokenCount": spoken}
        usage["totalTokenCount"] = prompt + answer.cached + spoken + thought
        if answer.cached:
            usage["cachedContentTokenCount"] = answer.cached
        usage["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": prompt + answer.cached}]
        if thought:
            usage["thoughtsTokenCount"] = thought
        candidate["index"] = 0
        yield {"candidates": [candidate], "usageMetadata": usage, "modelVersion": model, "responseId": response_id}


def _parts(answer: Answer) -> Iterator[dict[str, Any]]:
    for part in answer.parts:
        if isinstance(part, str):
            yield from ({"text": piece} for piece in pieces(part))
        elif isinstance(part, Thought):
            yield {"text": part.text, "thought": True}
        else:
            yield _call(part)


def _call(call: Call) -> dict[str, Any]:
    named: dict[str, Any] = {"name": call.name, "args": dict(call.arguments)}
    if call.id is not None:
        named["id"] = call.id
    signature = {} if call.signature is None else {"thoughtSignature": call.signature}
    return {"functionCall": named, **signature}


def _whole(chunks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return chunks as the one that answers a request that does not stream."""
    parts: list[dict[str, Any]] = []
    for chunk in chunks:
        for part in chunk["candidates"][0]["content"]["parts"]:
            if parts and parts[-1].keys() == part.keys() == {"text"}:
                parts[-1] = {"text": parts[-1]["text"] + part["text"]}
            else:
                parts.append(part)
    last = dict(chunks[-1])
    last["candidates"] = [{**last["candidates"][0], "content": {"parts": parts, "role": "model"}}]
    return last


def _error(failure: Failure) -> dict[str, Any]:
    return {"error": {"code": failure.code, "message": failure.message, "status": failure.status}}


def _event(value: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(value, ensure_ascii=False)}\r\n\r\n".encode()


if __name__ == "__main__":
    serve(GeminiServer)
