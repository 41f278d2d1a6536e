"""An HTTP/1.1 server on loopback that sends scripted bytes at controlled moments.

It knows no provider: a subclass turns a `WireRequest` into a `WireResponse`, and this module sends it one part per
write, waits where the response says so, and breaks off as it says. Nothing here depends on timing: a test holds
an answer with `hold` and waits for a state with `wait_for`.
"""

from __future__ import annotations

import enum
import socket
import struct
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self, cast

#: How long a held answer waits between two looks at whether its client is still there. Results don't depend on it.
_LOOK_INTERVAL_S: Final = 0.02
#: How long the end of a server may take to be noticed: every test that has one waits for it.
_STOP_INTERVAL_S: Final = 0.005


class Ending(enum.Enum):
    """How a response body ends on the wire."""

    WHOLE = "whole"  #: as HTTP wants it: the last chunk, or the announced length
    EOF = "eof"  #: the connection is closed in order (FIN) before the body is complete
    RESET = "reset"  #: the connection is reset (RST) before the body is complete


class Hold(enum.Enum):
    """A place in a response where the server waits until `WireServer.hold` is set."""

    HERE = "here"


@dataclass(frozen=True)
class WireRequest:
    """A request as it arrived; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class WireResponse:
    """A response as it is to be sent.

    Each `bytes` of `body` is one write and, without `content_length`, one chunk of the chunked transfer encoding.
    A `content_length` larger than the body needs an `ending` other than WHOLE.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: tuple[bytes | Hold, ...]
    content_length: int | None = None
    #: Whether the server waits before it sends the status line.
    hold_head: bool = False
    ending: Ending = Ending.WHOLE


class WireServer(ABC):
    """A context manager that serves from a thread on 127.0.0.1 while its block runs.

    Leaving the block releases every held answer, ends every connection and joins every thread; an exception that
    came out of `answer` is raised there.
    """

    def __init__(self, *, port: int = 0) -> None:
        #: Answers wait at their holds until this is set; it starts unset.
        self.hold = threading.Event()
        #: How many times an answer has come to a hold.
        self.held = 0
        #: How many answers found their client gone before the last part of the body was sent.
        self.disconnects = 0
        self._state_changed = threading.Condition()
        self._listener = _Listener(port, self)
        self._thread = threading.Thread(
            target=self._listener.serve_forever, args=(_STOP_INTERVAL_S,), name="wire-server"
        )

    @abstractmethod
    def answer(self, request: WireRequest) -> WireResponse:
        """Return what to send; it may be called from several threads at once."""

    @property
    def origin(self) -> str:
        """Scheme, host and port, without a path."""
        return f"http://127.0.0.1:{self._listener.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.hold.set()
        self._listener.shutdown()
        self._thread.join()
        self._listener.end_connections()
        self._listener.server_close()
        if error is None and self._listener.failures:
            raise self._listener.failures[0]

    def wait_for(self, condition: Callable[[], bool], *, timeout_s: float = 10.0) -> None:
        """Return once `condition` holds; it is looked at whenever the server's counts or requests change.

        Raises:
            TimeoutError: it did not hold within `timeout_s`.
        """
        with self._state_changed:
            if not self._state_changed.wait_for(condition, timeout_s):
                raise TimeoutError(f"the server did not reach the awaited state within {timeout_s} s")

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Alone among state changes inside the block; afterwards who waits in `wait_for` looks again."""
        with self._state_changed:
            yield
            self._state_changed.notify_all()


class _ClientGoneError(Exception):
    """The client closed its connection while an answer was being sent."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def wire(self) -> WireServer:
        return cast(_Listener, self.server).wire

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        response = self.wire.answer(WireRequest(self.command, self.path, headers, body))
        try:
            self._send(response)
        except (_ClientGoneError, ConnectionError):
            self.close_connection = True
            with self.wire.changing():
                self.wire.disconnects += 1

    do_GET = do_POST

    def _send(self, response: WireResponse) -> None:
        if response.hold_head:
            self._wait()
        self._send_head(response)
        chunked = response.content_length is None
        for part in response.body:
            if part is Hold.HERE:
                self._wait()
            else:
                self._write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
        match response.ending:
            case Ending.WHOLE if chunked:
                # A client may hang up as soon as it has read its format's end marker; it has missed nothing then.
                with suppress(ConnectionError):
                    self.wfile.write(b"0\r\n\r\n")
            case Ending.EOF:
                self.close_connection = True
            case Ending.RESET:
                self._reset()

    def _send_head(self, response: WireResponse) -> None:
        self._raise_if_gone()
        self.send_response_only(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        if response.content_length is None:
            self.send_header("transfer-encoding", "chunked")
        else:
            self.send_header("content-length", str(response.content_length))
        self.end_headers()

    def _write(self, data: bytes) -> None:
        self._raise_if_gone()
        self.wfile.write(data)

    def _wait(self) -> None:
        with self.wire.changing():
            self.wire.held += 1
        while not self.wire.hold.wait(_LOOK_INTERVAL_S):
            self._raise_if_gone()

    def _raise_if_gone(self) -> None:
        # A write to a connection that the other side has closed succeeds once, so the socket is asked first.
        try:
            if self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"":
                raise _ClientGoneError
        except BlockingIOError:
            return

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Closed here, so that socketserver, whose own way starts with an orderly FIN, finds nothing left to shut down.
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent: standard error belongs to the tests."""


class _Listener(ThreadingHTTPServer):
    # Threads are joined by server_close, so that none outlives its test.
    daemon_threads = False
    block_on_close = True

    def __init__(self, port: int, wire: WireServer) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.wire = wire
        self.failures: list[BaseException] = []
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        with self._lock:
            self._connections.add(cast(socket.socket, request))
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        with self._lock:
            self._connections.discard(cast(socket.socket, request))
        super().shutdown_request(request)

    def end_connections(self) -> None:
        """Wake the threads that read from connections kept alive."""
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):  # the client may have been faster
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        error = sys.exception()
        # A client that resets an idle connection is no failure of the server.
        if error is not None and not isinstance(error, ConnectionError):
            self.failures.append(error)
