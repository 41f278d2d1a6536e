"""A provider on loopback that plays scripts, in OpenAI's chat wire format, and keeps the requests.

Every subject that can be pointed at a base URL can be given any answer, held in the middle, cut, or refused.
Source: https://platform.openai.com/docs/api-reference/chat (2026-11).
"""

from __future__ import annotations

import json
import select
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

from conformance.stage.points import Stage
from conformance.stage.programs import WORDS, Block, CallsAs, Failing, Script, ScriptedToolCall, Thinking

_ID: Final = "chatcmpl-conformance"
_COMMON: Final = {"id": _ID, "created": 1, "model": "gpt-4o-mini"}
_USAGE: Final = {
    "prompt_tokens": 11,
    "completion_tokens": 7,
    "total_tokens": 18,
    "prompt_tokens_details": {"cached_tokens": 3},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
#: How often a silent provider looks whether its client has gone.
_LOOK_S: Final = 0.02


class ScriptedProvider:
    """Serves scripts: a request names its own by its `seed`, else in its last user message, as `[script N]`.

    It listens from the moment when somebody wants to know where, to the end of its block.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._scripts: list[Script] = []
        self._server: _ScriptServer | None = None
        self._lock = threading.Lock()
        self._requests: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    @property
    def base_url(self) -> str:
        """The URL that an OpenAI client takes as its base."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def port(self) -> int:
        with self._lock:
            if self._server is None:
                self._server = _ScriptServer(("127.0.0.1", 0), _handler_for(self))
                serve = partial(self._server.serve_forever, poll_interval=0.01)
                threading.Thread(target=serve, name="provider", daemon=True).start()
            return int(self._server.server_address[1])

    def prompt_for(self, script: Script) -> str:
        """Return a prompt that is answered with `script`."""
        with self._lock:
            if script not in self._scripts:
                self._scripts.append(script)
            return f"[script {self._scripts.index(script)}]"

    def seed_for(self, script: Script) -> int:
        return int(self.prompt_for(script).removeprefix("[script ").removesuffix("]"))

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The JSON bodies of the requests, in order of arrival."""
        with self._lock:
            return list(self._requests)

    def requested_streams(self) -> list[bool]:
        """Return of each request, in order of arrival, whether it asked for a stream."""
        return [bool(request.get("stream")) for request in self.requests]

    def answer(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        """Play the script that `body` asks for to one client."""
        with self._lock:
            self._requests.append(body)
            script = self._scripts[_script_number(body)]
        if script.hold_head is not None and not self._held(handler, script.hold_head):
            return
        if script.status is None:
            _reset(handler)
        elif script.status >= 400:
            message = {"error": {"message": WORDS, "type": "conformance", "param": None, "code": "refused"}}
            _plain(handler, script.status, message)
        elif body.get("stream"):
            self._stream(handler, script, usage=bool((body.get("stream_options") or {}).get("include_usage")))
        else:
            _plain(handler, 200, _completion(script))

    def _stream(self, handler: BaseHTTPRequestHandler, script: Script, *, usage: bool) -> None:
        _head(handler, 200, ("content-type", "text/event-stream; charset=utf-8"), ("transfer-encoding", "chunked"))
        for event in _events(script, usage=usage):
            if isinstance(event, Block):
                if not self._held(handler, event.point):
                    return
            elif isinstance(event, bytes):
                _pieces(handler, event, script.piece_bytes)
            else:
                _pieces(handler, f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode(), script.piece_bytes)
        if script.ending == "whole":
            _pieces(handler, b"data: [DONE]\n\n", script.piece_bytes)
        elif script.ending != "unmarked":
            handler.close_connection = True
        if script.ending != "reset":
            _chunk(handler, b"")
            return
        _reset(handler)

    def _held(self, handler: BaseHTTPRequestHandler, point: str) -> bool:
        """Stay silent until `point` is released; False where the client went away meanwhile."""
        self._stage.reach(point)
        while not self._stage.is_released(point):
            readable, _, _ = select.select([handler.connection], [], [], _LOOK_S)
            if readable and not _still_there(handler.connection):
                handler.close_connection = True
                self._stage.reach(f"{point}:disconnected")
                return False
        return True


class _ScriptServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that reset their connection, as a run that is closed does."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler_for(provider: ScriptedProvider) -> type[BaseHTTPRequestHandler]:
    class ScriptHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            sent = self.rfile.read(length)
            if len(sent) < length:  # a run that is closed in the middle of its request
                self.close_connection = True
                return
            try:
                provider.answer(self, json.loads(sent))
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server gives
            """Say nothing: what matters is in the log."""

    return ScriptHandler


def _script_number(body: dict[str, Any]) -> int:
    if body.get("seed") is not None:
        return int(body["seed"])
    texts = [str(message.get("content")) for message in body["messages"]]
    prompt = next(text for text in reversed(texts) if "[script " in text)
    return int(prompt.rpartition("[script ")[2].partition("]")[0])


def _still_there(connection: socket.socket) -> bool:
    try:
        return connection.recv(1, socket.MSG_PEEK) != b""
    except OSError:
        return False


def _events(script: Script, *, usage: bool) -> Iterator[dict[str, Any] | bytes | Block]:
    if script.failing == "nothing":
        return
    yield _delta({"role": "assistant", "content": ""})
    index = -1
    for piece in script.says:
        if isinstance(piece, Block):
            yield piece
        elif isinstance(piece, str):
            yield _delta({"content": piece})
        elif isinstance(piece, Thinking):
            yield _delta({"reasoning_content": piece.text})
        else:
            index += 1
            yield from (_delta({"tool_calls": [part]}) for part in _call(piece, index, script.calls_as))
    if script.failing is not None:
        yield _failure(script.failing)
        return
    if script.ending not in ("whole", "unmarked"):
        return
    yield _delta({}, "tool_calls" if index >= 0 else "stop")
    if usage and script.counted:
        yield {**_COMMON, "object": "chat.completion.chunk", "choices": [], "usage": _USAGE}


def _call(call: ScriptedToolCall, number: int, calls_as: CallsAs) -> Iterator[dict[str, Any]]:
    """Yield the pieces of a call, as a host of that kind sends them."""
    named = {"id": f"call_{number}", "type": "function"}
    place = {} if calls_as == "no index" else {"index": 0 if calls_as in ("one index", "as one") else number}
    if calls_as != "as one" or number == 0:
        at_once = {} if calls_as == "ids late" else named
        yield {**place, **at_once, "function": {"name": call.name, "arguments": ""}}
    for arguments in call.arguments:
        late = named if calls_as == "ids late" and arguments is call.arguments[0] else {}
        yield {**place, **late, "function": {"arguments": arguments}}


def _failure(form: Failing) -> dict[str, Any] | bytes:
    """Return the event that tells of a failure in that form."""
    match form:
        case "text":
            return {"error": WORDS}
        case "flat":
            return {"object": "error", "message": WORDS, "code": 503}
        case "detail":
            return {"detail": [{"loc": ["body"], "msg": WORDS}]}
        case "named event":
            return f'event: error\ndata: {{"message": "{WORDS}"}}\n\n'.encode()
        case "reason":
            failed = _delta({}, "error")
            failed["choices"][0]["error"] = {"code": 502, "message": WORDS}
            return failed
        case _:
            return {"error": {"message": WORDS, "code": 503}}


def _delta(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {**_COMMON, "object": "chat.completion.chunk", "choices": [choice]}


def _completion(script: Script) -> dict[str, Any]:
    calls = [
        {
            "id": f"call_{index}",
            "type": "function",
            "function": {"name": call.name, "arguments": "".join(call.arguments)},
        }
        for index, call in enumerate(piece for piece in script.says if isinstance(piece, ScriptedToolCall))
    ]
    message = {"role": "assistant", "content": script.text or None, **({"tool_calls": calls} if calls else {})}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls" if calls else "stop"}
    usage = {"usage": _USAGE} if script.counted else {}
    return {**_COMMON, "object": "chat.completion", "choices": [choice], **usage}


def _plain(handler: BaseHTTPRequestHandler, status: int, document: dict[str, Any]) -> None:
    content = json.dumps(document).encode()
    _head(handler, status, ("content-type", "application/json"), ("content-length", str(len(content))))
    handler.wfile.write(content)


def _head(handler: BaseHTTPRequestHandler, status: int, *headers: tuple[str, str]) -> None:
    handler.send_response(status)
    for name, value in (*headers, ("x-request-id", "req_conformance")):
        handler.send_header(name, value)
    handler.end_headers()


def _reset(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    linger = struct.pack("ii", 1, 0)  # a close that throws away what was not sent is a reset
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.connection.close()


def _pieces(handler: BaseHTTPRequestHandler, data: bytes, length: int | None) -> None:
    for start in range(0, len(data), length or len(data)):
        _chunk(handler, data[start : start + (length or len(data))])


def _chunk(handler: BaseHTTPRequestHandler, data: bytes) -> None:
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
    handler.wfile.flush()
