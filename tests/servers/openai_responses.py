"""A provider on loopback that speaks OpenAI's Responses wire format.

`OpenAIResponsesServer` answers `POST /v1/responses` from a script of scenarios, streamed or plain as the request asks.
The same requests in the same order get the same bytes. `python -m tests.servers.openai_responses --port 8080` serves
the standard script until it is interrupted.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.servers.openai_chat import MODELS, ChatRequest, choose
from tests.servers.openai_chat_scenarios import Failure, Scenario
from tests.servers.openai_chat_wire import error
from tests.servers.openai_responses_scenarios import SCENARIOS, Answer
from tests.servers.openai_responses_wire import Response, events, failure_event, plain, sse
from tests.servers.wire_server import Ending, Hold, WireRequest, WireResponse, WireServer

#: The time of every answer, so that it is the same whenever it is given.
_DATE: Final = "Mon, 05 Jan 2026 12:00:00 GMT"


class OpenAIResponsesServer(WireServer):
    """Answers responses from `scenarios`; keeps what it was asked in `requests`, in order of arrival."""

    def __init__(self, scenarios: Mapping[str, Scenario] = SCENARIOS, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.scenarios = scenarios
        self.requests: list[ChatRequest] = []
        self._asked: Counter[str] = Counter()

    @property
    def base_url(self) -> str:
        """What an SDK takes as its base URL."""
        return f"{self.origin}/v1"

    def answer(self, request: WireRequest) -> WireResponse:
        body: dict[str, Any] = json.loads(request.body or b"{}")
        with self.changing():
            self.requests.append(ChatRequest(request.method, request.path, request.headers, body))
        path = request.path.partition("?")[0]
        # Azure has the same API under its own path.
        if request.method != "POST" or path not in {"/v1/responses", "/openai/v1/responses"}:
            return self._failure("unknown-url", Failure(404, f"Invalid URL ({path})", "invalid_request_error"))
        if not request.headers.get("authorization", "").startswith("Bearer "):
            return self._failure("no-key", Failure(401, "You didn't provide an API key.", "invalid_request_error"))
        model = str(body.get("model"))
        if model not in MODELS:
            text = f"The requested model '{model}' does not exist."
            return self._failure("no-model", Failure(400, text, "invalid_request_error", code="model_not_found"))
        found = choose(self.scenarios, model, _messages(body.get("input") or []))
        if found is None:
            return self._failure("no-scenario", Failure(400, "No scenario has this prompt.", "invalid_request_error"))
        name, reply = found
        missing = sorted(self.scenarios[name].needs - body.keys())
        if missing:
            text = f"Missing required parameter: '{missing[0]}'."
            return self._failure(name, Failure(400, text, "invalid_request_error", param=missing[0]))
        if isinstance(reply, Failure):
            return self._failure(name, reply)
        assert isinstance(reply, Answer)
        response = Response.of(reply, body, MODELS[model], self._seed(f"{name}/{model}"))
        if body.get("stream"):
            return _stream(response, _headers(response.seed))
        if reply.failure is not None and not reply.fails:
            return self._failure(name, reply.failure)
        return _plain(response, _headers(response.seed))

    def _failure(self, name: str, failure: Failure) -> WireResponse:
        text = json.dumps(error(failure), indent=2, ensure_ascii=False).encode()
        headers = (("content-type", "application/json; charset=utf-8"), *_headers(self._seed(name)), *failure.headers)
        return WireResponse(failure.status, headers, (text,), content_length=len(text))

    def _seed(self, name: str) -> str:
        """What the ids of one answer are computed from: no two answers of a server share it."""
        with self.changing():
            self._asked[name] += 1
            return f"{name}/{self._asked[name]}"


def _messages(asked: str | Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The input as messages, which is how scenarios are chosen."""
    if isinstance(asked, str):
        return [{"role": "user", "content": asked}]
    calls = {"function_call": "assistant", "function_call_output": "tool"}
    return [{**item, "role": item.get("role") or calls.get(str(item.get("type")))} for item in asked]


def _stream(response: Response, headers: tuple[tuple[str, str], ...]) -> WireResponse:
    answer = response.answer
    sent: list[bytes | Hold] = [sse(event) for event in events(response)]
    if answer.cut_after is not None:
        del sent[answer.cut_after :]
    if answer.failure is not None:
        sent.append(sse(failure_event(response, answer.failure, len(sent))))
    if isinstance(answer.hold, int):
        sent.insert(answer.hold, Hold.HERE)
    return WireResponse(
        200, (("content-type", "text/event-stream; charset=utf-8"), *headers), tuple(sent), ending=answer.ending
    )


def _plain(response: Response, headers: tuple[tuple[str, str], ...]) -> WireResponse:
    answer = response.answer
    text = json.dumps(plain(response), indent=2, ensure_ascii=False).encode()
    body = (text,) if answer.ending is Ending.WHOLE else (text[: len(text) // 2],)
    return WireResponse(
        200,
        (("content-type", "application/json"), *headers),
        body,
        content_length=len(text),
        ending=answer.ending,
    )


def _headers(seed: str) -> tuple[tuple[str, str], ...]:
    return (
        ("date", _DATE),
        ("openai-processing-ms", "42"),
        ("openai-version", "2020-10-01"),
        ("x-request-id", f"req_{hashlib.sha256(seed.encode()).hexdigest()[:32]}"),
        ("x-content-type-options", "nosniff"),
    )


def main() -> None:
    """Serve the standard script and print its base URL; interrupt it to end it."""
    parser = argparse.ArgumentParser(prog="python -m tests.servers.openai_responses", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    with OpenAIResponsesServer(port=parser.parse_args().port) as server:
        print(server.base_url, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
