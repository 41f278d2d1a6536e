"""http.client: requests on a connection of one's own are taken down, and played to it, as urllib.request's are."""

from __future__ import annotations

import contextlib
import http.client
import io
import shutil
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.recording.files.cassette_reader import read_cassette
from harness.recording.tape.tape import network_guard, open_tape
from tests.recording.support.loopback import Exchange, loopback


def plain(exchange: Exchange) -> None:
    exchange.connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 8\r\n\r\n")
    exchange.connection.sendall(b'{"a": 1}')


def answers(origin: str, *requests: tuple[str, str, Any]) -> list[tuple[int, bytes]]:
    """What a connection gives that is used again for each request."""
    found = []
    with contextlib.closing(http.client.HTTPConnection(origin, timeout=10)) as connection:
        for method, target, body in requests:
            connection.request(method, target, body)
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
        assert exchange.body == sent
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


def _by_read(response: http.client.HTTPResponse) -> bytes:
    return response.read()


def _by_pieces(response: http.client.HTTPResponse) -> bytes:
    return b"".join(iter(lambda: response.read(2), b""))


def _by_read1(response: http.client.HTTPResponse) -> bytes:
    return b"".join(iter(response.read1, b""))


def _by_copy(response: http.client.HTTPResponse) -> bytes:
    copied = io.BytesIO()
    shutil.copyfileobj(response, copied)
    return copied.getvalue()


@pytest.mark.parametrize("read", [_by_read, _by_pieces, _by_read1, _by_copy], ids=lambda read: read.__name__)
@pytest.mark.parametrize("length", [3, 100])
def test_a_body_of_a_length_ends_as_it_did_live(
    length: int, read: Callable[[http.client.HTTPResponse], bytes], tmp_path: Path
) -> None:
    def serve(exchange: Exchange) -> None:
        exchange.connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\nabc" % length)
        exchange.cut()

    def outcome(url: str) -> tuple[object, ...]:
        with urllib.request.urlopen(url, timeout=10) as response:
            begun = response.length
            try:
                return begun, read(response), response.length
            except http.client.IncompleteRead as error:
                return begun, error.partial, error.expected

    path = tmp_path / "cassette.yaml"
    with loopback(serve) as server:
        with open_tape(path, "once"):
            live = outcome(server.url)
        with network_guard(), open_tape(path, "none"):
            assert outcome(server.url) == live
    assert live[1] == b"abc"
