"""Tern as a server on loopback: `python -m tests.tern.server --port 8080` serves until it is interrupted.

It knows the wire format and nothing of who asks. The same request gets the same bytes.
"""

from __future__ import annotations

import argparse
import json
import threading
from collections.abc import Sequence
from typing import Any, Final

from tests.servers.wire_server import WireRequest, WireResponse, WireServer

_MODEL: Final = "tern-1"


def _call(index: int, city: str) -> list[dict[str, Any]]:
    arguments = json.dumps({"city": city})
    middle = arguments.index(city) + 3
    return [
        {"call": {"index": index, "id": f"call_{index + 1}", "name": "get_weather", "arguments": arguments[:middle]}},
        {"call": {"index": index, "arguments": arguments[middle:]}},
    ]


#: Prompt → the lines of its answer, without the last.
_ANSWERS: Final[dict[str, list[dict[str, Any]]]] = {
    "How is the harbour tonight?": [{"text": "Bølgene sover; "}, {"text": "the harbour"}, {"text": " is quiet. 🌊"}],
    "What is the weather in Bergen?": [{"text": "Let me look."}, *_call(0, "Bergen")],
    "Compare the weather in Bergen and Narvik.": [*_call(0, "Bergen"), *_call(1, "Narvik")],
}


class TernServer(WireServer):
    """Answers `POST /v1/chat`; keeps the keys that requests came with in `keys`."""

    def __init__(self, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.keys: list[str | None] = []

    def answer(self, request: WireRequest) -> WireResponse:
        self.keys.append(request.headers.get("authorization"))
        body = json.loads(request.body)
        if (request.method, request.path) != ("POST", "/v1/chat"):
            return _refusal(404, "no such path")
        if body["model"] != _MODEL:
            return _refusal(404, f"no such model: {body['model']}")
        found = _ANSWERS.get(body["messages"][-1]["content"])
        if found is None:
            return _refusal(400, "nothing is known of that")
        number = list(_ANSWERS.values()).index(found) + 1
        asks = any("call" in line for line in found)
        end = {"end": "call" if asks else "stop", "tokens": {"in": 9, "out": len(found)}}
        lines = [_line(line) for line in ({"id": f"ans_{number}"}, *found, end)]
        return WireResponse(
            200,
            (("content-type", "application/x-ndjson"), ("x-request-id", f"req_{number}")),
            tuple(lines) if body["stream"] else (b"".join(lines),),
        )


def _refusal(status: int, why: str) -> WireResponse:
    text = _line({"error": why})
    headers = (("content-type", "application/json"), ("x-request-id", "req_refused"))
    return WireResponse(status, headers, (text,), content_length=len(text))


def _line(said: dict[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False).encode() + b"\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve Tern and print where; interrupt it to end it."""
    parser = argparse.ArgumentParser(prog="python -m tests.tern.server", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    with TernServer(port=parser.parse_args(arguments).port) as server:
        print(server.origin, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
