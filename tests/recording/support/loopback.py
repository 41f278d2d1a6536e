"""A server on loopback that does to its clients exactly what a test says, down to where it cuts the connection."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

#: How long a test waits for something that must happen before it fails instead of hanging.
PATIENCE_S = 10.0


class ConnectionOverError(Exception):
    """The connection was closed, by this side or the client."""


@dataclass(slots=True)
class Exchange:
    """One request, and the means to answer it."""

    connection: socket.socket
    request_line: str
    headers: dict[str, str]
    body: bytes
    #: Set by a test when its client has seen what the server waits for before it goes on.
    seen: threading.Event

    def head(self, status: str = "200 OK", content_type: str = "text/event-stream", **more: str) -> None:
        """Send the status line and header fields of a chunked response."""
        fields = {"content-type": content_type, "transfer-encoding": "chunked"}
        fields |= {name.replace("_", "-"): value for name, value in more.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.connection.sendall(f"HTTP/1.1 {status}\r\n{lines}\r\n".encode())

    def chunk(self, piece: bytes) -> None:
        self.connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))

    def finish(self) -> None:
        self.connection.sendall(b"0\r\n\r\n")

    def stream(self, *pieces: bytes, **head: str) -> None:
        """Send a whole chunked response; `head` is what `Exchange.head` takes."""
        self.head(**head)
        for piece in pieces:
            self.chunk(piece)
        self.finish()

    def plain(self, body: bytes) -> None:
        """Send a whole JSON response of a length."""
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        self.connection.sendall(head.encode() + body)

    def cut(self) -> None:
        """Close the connection, whatever the client still waits for."""
        raise ConnectionOverError

    def reset(self) -> None:
        """Break the connection."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionOverError

    def wait_until_client_left(self) -> None:
        with suppress(OSError):
            self.connection.settimeout(PATIENCE_S)
            self.connection.recv(1)
        raise ConnectionOverError


@dataclass(slots=True)
class Loopback:
    """A running server."""

    url: str
    #: The requests seen, in order.
    exchanges: list[Exchange] = field(default_factory=list)
    #: How many connections were accepted.
    connections: int = 0
    #: The same event in every exchange.
    seen: threading.Event = field(default_factory=threading.Event)


@contextmanager
def loopback(answer: Callable[[Exchange], None]) -> Iterator[Loopback]:
    """Serve on a free port, each connection in its own thread, until the context is left."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Loopback(f"http://127.0.0.1:{listener.getsockname()[1]}")
    threads: list[threading.Thread] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            server.connections += 1
            thread = threading.Thread(target=_serve, args=(connection, server, answer), daemon=True)
            threads.append(thread)
            thread.start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield server
    finally:
        # Shutting down wakes the accepting thread; closing alone would not.
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(PATIENCE_S)


def _serve(connection: socket.socket, server: Loopback, answer: Callable[[Exchange], None]) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, suppress(ConnectionOverError, OSError), connection.makefile("rb") as reader:
        while request_line := reader.readline().decode().strip():
            headers: dict[str, str] = {}
            while line := reader.readline().decode().strip():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            body = reader.read(int(headers.get("content-length", "0")))
            exchange = Exchange(connection, request_line, headers, body, server.seen)
            server.exchanges.append(exchange)
            answer(exchange)
