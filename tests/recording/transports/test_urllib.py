"""urllib.request: what it reads is taken down, and played to it and to others as it was."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.recording.files.cassette_reader import read_cassette
from harness.recording.tape.tape import open_tape
from tests.recording.support.loopback import Exchange, loopback

LINES = (b"data: 1\n\n", b"data: 2\n\n", b"data: [DONE]\n\n")


def stream(exchange: Exchange) -> None:
    exchange.head(link="<next>")
    for line in LINES:
        exchange.chunk(line)
    exchange.finish()


def plain(exchange: Exchange) -> None:
    exchange.connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 8\r\n\r\n")
    exchange.connection.sendall(b'{"a": 1}')


def refused(exchange: Exchange) -> None:
    exchange.head("429 Too Many Requests", "application/json", retry_after="7")
    exchange.chunk(b"slow down")
    exchange.finish()


def moved(exchange: Exchange) -> None:
    if exchange.request_line.startswith("GET /there"):
        plain(exchange)
    else:
        exchange.connection.sendall(b"HTTP/1.1 302 Found\r\nlocation: /there\r\ncontent-length: 0\r\n\r\n")


def cut(exchange: Exchange) -> None:
    exchange.head()
    exchange.chunk(LINES[0])
    exchange.cut()


def hung_up(exchange: Exchange) -> None:
    exchange.cut()


def no_http(exchange: Exchange) -> None:
    exchange.connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")
    exchange.cut()


def whole(response: Any) -> list[bytes]:
    return [response.read()]


def by_line(response: Any) -> list[bytes]:
    return list(response)


def by_size(response: Any) -> list[bytes]:
    return list(iter(lambda: response.read(4), b""))


def into(response: Any) -> list[bytes]:
    buffer = bytearray(64)
    return [bytes(buffer[: response.readinto(buffer)])]


@dataclass(frozen=True)
class Case:
    id: str
    serve: Callable[[Exchange], None]
    read: Callable[[Any], list[bytes]] = whole
    data: Any = b'{"q": 1}'
    requests: int = 1
    how: str = "complete"


CASES = [
    Case("whole", stream),
    Case("by line", stream, by_line),
    Case("by size", stream, by_size),
    Case("of a length", plain),
    Case("into a buffer", plain, into),
    Case("with no body", plain, data=None),
    Case("from an iterator", plain, data=(b'{"q"', b": 1}")),
    Case("from a buffer", plain, data=bytearray(b'{"q": 1}')),
    Case("an error by its status", refused),
    Case("redirected", moved, data=None, requests=2),
    Case("cut", cut, how="cut"),
    Case("with no response", hung_up, how="no-response"),
    Case("with what is no HTTP", no_http, how="no-response"),
]


def asked(url: str, case: Case) -> Any:
    """What a user sees: status, headers and body, or the error's class."""
    request = urllib.request.Request(url, case.data, {"Content-Type": "application/json"})
    if isinstance(case.data, tuple):
        request.add_header("Content-Length", "8")
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            seen = case.read(response)
            return response.status, response.url, response.headers["content-length"], response.headers["link"], seen
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["retry-after"], error.read()
    except OSError as error:
        return type(error).__name__, type(getattr(error, "reason", None)).__name__
    except Exception as error:
        return type(error).__name__, getattr(error, "partial", None)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_was_seen_live_is_seen_again(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "cassette.yaml"
    with loopback(case.serve) as server:
        with open_tape(path, "once"):
            live = asked(server.url, case)
        with open_tape(path, "none") as tape:
            assert asked(server.url, case) == live
            assert tape.unplayed == ()
        assert len(server.exchanges) == case.requests, "the replay asked the server"
    taken = read_cassette(path)
    assert len(taken) == case.requests
    assert taken[-1].response.ended.how == case.how
    assert taken[0].request.body == (b'{"q": 1}' if case.data else b"")
