"""A provider on loopback that speaks Gemini's generateContent wire format.

`GeminiServer` answers `POST /VERSION/models/MODEL:generateContent` and `:streamGenerateContent?alt=sse`, the paths of
Vertex AI too, from a script of scenarios. The same requests in the same order get the same bytes.
`python -m tests.servers.gemini --port 8080` serves the standard script until it is interrupted.

To a request that does not stream, a cut is half a body where its end is not in order, and an error inside the stream is
an HTTP status.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tests.servers.gemini_scenarios import SCENARIOS, Answer, Call, Failure, Scenario, Thought
from tests.servers.openai_chat_wire import pieces
from tests.servers.wire_server import Ending, Hold, WireRequest, WireResponse, WireServer

MODELS: Final = frozenset({"gemini-2.5-flash", "gemini-3-pro-preview"})
_PATH: Final = re.compile(
    r"/v1(?:beta1?)?/(?:projects/[^/]+/locations/[^/]+/)?(?:publishers/google/)?models/(?P<model>[^/:]+):"
    r"(?P<method>generateContent|streamGenerateContent\?alt=sse)"
)
#: The time of every answer, so that it is the same whenever it is given.
_DATE: Final = "Mon, 05 Jan 2026 12:00:00 GMT"


class GeminiServer(WireServer):
    """Answers from `scenarios`; keeps the bodies that it was asked in `bodies`, in order of arrival."""

    def __init__(self, scenarios: Mapping[str, Scenario] = SCENARIOS, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.scenarios = scenarios
        self.bodies: list[Mapping[str, Any]] = []
        self.paths: list[str] = []
        self._asked: Counter[str] = Counter()
        self._asked_lock = threading.Lock()

    def answer(self, request: WireRequest) -> WireResponse:
        found = _PATH.fullmatch(request.path)
        if found is None or request.method != "POST":
            return _failure(Failure(404, "NOT_FOUND", "Requested entity was not found."))
        if not {"x-goog-api-key", "authorization"} & request.headers.keys():
            return _failure(Failure(403, "PERMISSION_DENIED", "The request has no API key."))
        if found["model"] not in MODELS:
            return _failure(Failure(404, "NOT_FOUND", f"models/{found['model']} is not found."))
        body: Any = json.loads(request.body)
        with self.changing():
            self.bodies.append(body)
            self.paths.append(request.path)
        chosen = choose(self.scenarios, body["contents"])
        if chosen is None:
            return _failure(Failure(400, "INVALID_ARGUMENT", "No scenario has this prompt."))
        name, reply = chosen
        if isinstance(reply, Failure):
            return _failure(reply)
        chunks = list(_chunks(reply, found["model"], self._id(name), _tokens(body)))
        if found["method"] != "generateContent":
            return _stream(reply, chunks)
        return _plain(reply, chunks) if reply.failure is None else _failure(reply.failure)

    def _id(self, name: str) -> str:
        """Return a response id that no two answers of a server share."""
        with self._asked_lock:
            self._asked[name] += 1
            return hashlib.sha256(f"{name}/{self._asked[name]}".encode()).hexdigest()[:22]


def choose(
    scenarios: Mapping[str, Scenario], contents: Sequence[Mapping[str, Any]]
) -> tuple[str, Answer | Failure] | None:
    """Return the scenario's name and the reply that comes next in it, or None where no scenario fits."""
    for place in reversed(range(len(contents))):
        text = "".join(part.get("text", "") for part in contents[place]["parts"])
        fitting = [name for name, scenario in scenarios.items() if scenario.prompt in text]
        if contents[place]["role"] == "user" and fitting:
            replies = scenarios[fitting[0]].replies
            step = sum(content["role"] == "model" for content in contents[place + 1 :])
            return fitting[0], replies[min(step, len(replies) - 1)]
    return None


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


def _stream(answer: Answer, chunks: Sequence[Mapping[str, Any]]) -> WireResponse:
    events: list[bytes | Hold] = [_event(chunk) for chunk in chunks]
    if answer.cut_after is not None:
        del events[answer.cut_after :]
    if answer.failure is not None:
        events.append(_event(_error(answer.failure)))
    if answer.hold is not None:
        events.insert(answer.hold, Hold.HERE)
    headers = (("content-type", "text/event-stream"), ("date", _DATE))
    return WireResponse(200, headers, tuple(events), ending=answer.ending)


def _plain(answer: Answer, chunks: Sequence[Mapping[str, Any]]) -> WireResponse:
    parts: list[dict[str, Any]] = []
    for chunk in chunks:
        for part in chunk["candidates"][0]["content"]["parts"]:
            if parts and parts[-1].keys() == part.keys() == {"text"}:
                parts[-1] = {"text": parts[-1]["text"] + part["text"]}
            else:
                parts.append(part)
    last = dict(chunks[-1])
    last["candidates"] = [{**last["candidates"][0], "content": {"parts": parts, "role": "model"}}]
    text = json.dumps(last, indent=2, ensure_ascii=False).encode()
    body = text if answer.ending is Ending.WHOLE else text[: len(text) // 2]
    return WireResponse(200, _HEADERS, (body,), content_length=len(text), ending=answer.ending)


def _failure(failure: Failure) -> WireResponse:
    text = json.dumps(_error(failure), indent=2).encode()
    return WireResponse(failure.code, _HEADERS, (text,), content_length=len(text))


def _error(failure: Failure) -> dict[str, Any]:
    return {"error": {"code": failure.code, "message": failure.message, "status": failure.status}}


def _event(value: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(value, ensure_ascii=False)}\r\n\r\n".encode()


_HEADERS: Final = (("content-type", "application/json; charset=UTF-8"), ("date", _DATE))


def main() -> None:
    """Serve the standard script and print its base URL; interrupt it to end it."""
    parser = argparse.ArgumentParser(prog="python -m tests.servers.gemini", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    with GeminiServer(port=parser.parse_args().port) as server:
        print(server.origin, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
