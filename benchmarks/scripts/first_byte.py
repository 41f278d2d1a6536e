"""When a client sees the first byte of an answer that arrives piece by piece.

Usage: first_byte.py plain|harness|vcrpy REQUESTS PIECES; prints the median of the milliseconds from sending a request to
the first byte of its body: without recording, or with each request recorded to a cassette of its own. The server sends a
piece every 5 ms, the first one after as long.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import httpx

_PIECE: Final = b'data: {"choices":[{"index":0,"delta":{"content":"a chunk of text "}}]}\n\n'
_INTERVAL_S: Final = 0.005


def main(recorder: str, requests: int, pieces: int) -> float:
    with tempfile.TemporaryDirectory() as folder, _server(pieces) as url, httpx.Client(trust_env=False) as client:
        _first_byte(client, url, pieces)
        times = []
        for number in range(requests):
            with _recording(recorder, Path(folder) / f"{number}.yaml"):
                times.append(_first_byte(client, url, pieces))
        recorded = len(list(Path(folder).glob("*.yaml")))
    if recorded != (0 if recorder == "plain" else requests):
        sys.exit(f"{recorded} cassettes were written for {requests} requests")
    return statistics.median(times) * 1000


def _recording(recorder: str, path: Path) -> AbstractContextManager[Any]:
    if recorder == "harness":
        from harness.recording.tape.tape import open_tape

        return open_tape(path, "all")
    if recorder == "vcrpy":
        import vcr  # type: ignore[import-untyped]

        cassette: AbstractContextManager[Any] = vcr.use_cassette(str(path), record_mode="all")
        return cassette
    return contextlib.nullcontext()


def _first_byte(client: httpx.Client, url: str, pieces: int) -> float:
    began = time.perf_counter()
    with client.stream("POST", url, json={"model": "model", "stream": True}) as response:
        body = response.iter_bytes()
        first = next(body)
        seconds = time.perf_counter() - began
        length = len(first) + sum(map(len, body))
    if length != pieces * len(_PIECE):
        sys.exit(f"{length} bytes came of {pieces * len(_PIECE)}")
    return seconds


@contextlib.contextmanager
def _server(pieces: int) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for _ in range(pieces):
                time.sleep(_INTERVAL_S)
                self.wfile.write(b"%x\r\n%s\r\n" % (len(_PIECE), _PIECE))
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base names it
            """Stay silent: what this script prints is a number."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1/chat/completions"
        finally:
            server.shutdown()


if __name__ == "__main__":
    print(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
