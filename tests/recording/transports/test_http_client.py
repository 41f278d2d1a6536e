"""http.client and urllib.request: what they send and read is taken down, and played to them as it was."""

from __future__ import annotations

import contextlib
import http.client
import io
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.recording.files.cassette_reader import read_cassette
from harness.recording.tape.tape import network_guard, open_tape
from tests.recording.support.loopback import Exchange, loopback


def plain(exchange: Exchange) -> None:
    exchange.plain(b'{"a": 1}')


def answers(origin: str, *requests: tuple[str, str, Any]) -> list[tuple[int, bytes]]:
    """What a connection gives that is used again for each request."""
    found = []
    with contextlib.closing(http.client.HTTPConnection(origin, timeout=10)) as connection:
        for method, target, body in requests:
            connection.request(method, target, body, {"Accept-Encoding": "gzip"})
            with connection.getresponse() as response:
                found.append((response.status, response.read()))
    return found


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (None, b""),
        (b'{"q": 1}', b'{"q": 1}'),
        ('{"q": 1}', b'{"q": 1}'),
        (bytearray(b"a"), b"a"),
        (io.BytesIO(b"file"), b"file"),
        (io.StringIO("file"), b"file"),
        ((b"a", b"b"), b"ab"),
    ],
    ids=["none", "bytes", "text", "bytearray", "file", "file of text", "pieces"],
)
def test_a_request_is_taken_down_with_its_body_and_played(body: Any, sent: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cassette.yaml"
    with loopback(plain) as server:
        origin = server.url.removeprefix("http://")
        with open_tape(path, "once"):
            assert answers(origin, ("POST", "/v1?a=1", body)) == [(200, b'{"a": 1}')]
        (exchange,) = server.exchanges
        assert (exchange.body, exchange.headers["accept-encoding"]) == (sent, "identity")
    (taken,) = read_cassette(path)
    assert (taken.request.method, taken.request.url) == ("POST", f"{server.url}/v1?a=1")
    assert taken.request.body == sent
    with network_guard(), open_tape(path, "none") as tape:
        assert answers(origin, ("POST", "/v1?a=1", sent)) == [(200, b'{"a": 1}')]
        assert tape.unplayed == ()


def test_a_connection_is_used_again_live_and_played(tmp_path: Path) -> None:
    path = tmp_path / "cassette.yaml"
    requests = [("GET", f"/{number}", None) for number in range(3)]
    with loopback(plain) as server:
        origin = server.url.removeprefix("http://")
        with open_tape(path, "once"):
            live = answers(origin, *requests)
    with network_guard(), open_tape(path, "none") as tape:
        assert answers(origin, *requests) == live
        assert tape.unplayed == ()
    assert [taken.request.url for taken in read_cassette(path)] == [f"{server.url}/{number}" for number in range(3)]


@pytest.mark.parametrize(
    ("connection", "target", "url"),
    [
        (http.client.HTTPSConnection("h.test"), "/v1", "https://h.test/v1"),
        (http.client.HTTPSConnection("h.test", 8443), "/v1#part", "https://h.test:8443/v1"),
        (http.client.HTTPConnection("::1", 80), "/v1", "http://[::1]/v1"),
        (http.client.HTTPConnection("proxy.test", 3128), "http://h.test/v1", "http://h.test/v1"),
    ],
    ids=["tls", "port", "address", "proxy"],
)
def test_the_url_of_a_request_is_whole(connection: Any, target: str, url: str, tmp_path: Path) -> None:
    with open_tape(tmp_path / "cassette.yaml", "new", base_url="http://127.0.0.1:1"), pytest.raises(OSError):
        connection.request("GET", target)
    (taken,) = read_cassette(tmp_path / "cassette.yaml")
    assert taken.request.url == url


def test_of_a_tunnel_the_url_is_that_of_the_other_end(tmp_path: Path) -> None:
    connection = http.client.HTTPSConnection("proxy.test", 3128)
    connection.set_tunnel("h.test", 8443)
    with open_tape(tmp_path / "cassette.yaml", "new", base_url="http://127.0.0.1:1"), pytest.raises(OSError):
        connection.request("GET", "/v1")
    (taken,) = read_cassette(tmp_path / "cassette.yaml")
    assert taken.request.url == "https://h.test:8443/v1"


@pytest.mark.parametrize("module", ["urllib3.connection", "vendor.urllib3.connection"])
def test_a_connection_of_urllib3_is_none_of_this_transport(module: str, tmp_path: Path) -> None:
    kind = type("Connection", (http.client.HTTPConnection,), {"__module__": module})
    with loopback(plain) as server, open_tape(tmp_path / "cassette.yaml", "once") as tape:
        with contextlib.closing(kind(server.url.removeprefix("http://"), timeout=10)) as connection:
            connection.request("GET", "/")
            with connection.getresponse() as response:
                assert response.read() == b'{"a": 1}'
        assert tape.recorded == ()


def of_a_length(exchange: Exchange) -> None:
    exchange.connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\nlink: <next>\r\n\r\none\ntwo\nx")


def shorter(exchange: Exchange) -> None:
    exchange.connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\none\ntwo\nx")
    exchange.cut()


def chunked(exchange: Exchange) -> None:
    exchange.stream(b"one\ntw", b"o\nx")


def chunked_and_cut(exchange: Exchange) -> None:
    exchange.head()
    exchange.chunk(b"one\ntwo\nx")
    exchange.cut()


def moved(exchange: Exchange) -> None:
    if exchange.request_line.startswith("GET /there"):
        plain(exchange)
    else:
        exchange.connection.sendall(b"HTTP/1.1 302 Found\r\nlocation: /there\r\ncontent-length: 0\r\n\r\n")


def no_http(exchange: Exchange) -> None:
    exchange.connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")
    exchange.cut()


def refused(exchange: Exchange) -> None:
    exchange.stream(b"slow down", status="429 Too Many Requests", retry_after="7")


def _by_copy(response: http.client.HTTPResponse) -> bytes:
    copied = io.BytesIO()
    shutil.copyfileobj(response, copied)
    return copied.getvalue()


def _into_a_buffer(response: http.client.HTTPResponse) -> bytes:
    buffer = bytearray(4)
    return b"".join(bytes(buffer[:count]) for count in iter(lambda: response.readinto(buffer), 0))


READINGS: dict[str, Callable[[http.client.HTTPResponse], bytes]] = {
    "read": lambda response: response.read(),
    "read of two": lambda response: b"".join(iter(lambda: response.read(2), b"")),
    "read1": lambda response: b"".join(iter(response.read1, b"")),
    "lines": lambda response: b"".join(response),
    "copy": _by_copy,
    "into a buffer": _into_a_buffer,
}


@pytest.mark.parametrize("read", READINGS.values(), ids=READINGS)
@pytest.mark.parametrize(
    ("serve", "requests"),
    [(of_a_length, 1), (shorter, 1), (chunked, 1), (chunked_and_cut, 1), (moved, 2), (no_http, 1), (refused, 1)],
)
def test_what_was_seen_live_is_seen_again(
    serve: Callable[[Exchange], None], requests: int, read: Callable[[http.client.HTTPResponse], bytes], tmp_path: Path
) -> None:
    def seen(url: str) -> list[Any]:
        found: list[Any] = []
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                found += [response.status, response.url, response.headers["link"], response.length]
                found += [read(response), response.length]
        except urllib.error.HTTPError as error:
            with error:
                found += [error.code, error.headers["retry-after"], error.read()]
        except (OSError, http.client.HTTPException) as error:
            found += [type(error), getattr(error, "partial", None), getattr(error, "expected", None)]
        return found

    path = tmp_path / "cassette.yaml"
    with loopback(serve) as server:
        with open_tape(path, "once"):
            live = seen(server.url)
        with network_guard(), open_tape(path, "none") as tape:
            assert seen(server.url) == live
            assert tape.unplayed == ()
    assert len(read_cassette(path)) == requests
