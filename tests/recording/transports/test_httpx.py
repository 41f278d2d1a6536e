"""httpx and httpx2, sync and async, against a real server on loopback: recorded as it streams, played without it."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from harness.errors import TransportFault, UnrecordedRequestError
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.files.cassette_writer import write_cassette
from harness.recording.tape.tape import network_guard, open_tape
from harness.recording.wire import Chunk, Ending, Interaction, WireRequest, WireResponse
from tests.recording.support.loopback import PATIENCE_S, Exchange, loopback

PIECES = (b'data: {"n": 1}\n\n', b'data: {"n": 2}\n\n', b"data: [DONE]\n\n")
TYPE = (("content-type", "text/event-stream"),)


@dataclass(slots=True)
class Read:
    """What a client saw of one response."""

    pieces: list[bytes] = field(default_factory=list)
    status: int = 0
    #: The class of the library's error, the package it comes from, and the request it names.
    error: str | None = None
    raised_by: str = ""
    request_url: str = ""
    request_headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Client:
    """One of the two libraries, used one of the two ways."""

    package: str
    is_async: bool

    def stream(
        self,
        url: str,
        *,
        content: bytes = b'{"a": 1}',
        on_piece: Callable[[bytes], None] = lambda _: None,
        stop_at: bytes | None = None,
        timeout: float = PATIENCE_S,
    ) -> Read:
        """Post, read piece by piece, leave when one ends with `stop_at`; an error of the library is noted, others raise."""
        read = Read()
        library = import_module(self.package)
        sent: dict[str, Any] = {"content": content, "headers": {"authorization": "Bearer secret"}}

        def take(piece: bytes) -> bool:
            read.pieces.append(piece)
            on_piece(piece)
            return stop_at is not None and piece.endswith(stop_at)

        def note(response: Any) -> None:
            read.status = response.status_code
            read.request_headers = dict(response.request.headers)

        def use() -> None:
            with library.Client(timeout=timeout) as client, client.stream("POST", url, **sent) as response:
                note(response)
                for piece in response.iter_raw():
                    if take(piece):
                        break

        async def ause() -> None:
            async with library.AsyncClient(timeout=timeout) as client, client.stream("POST", url, **sent) as response:
                note(response)
                async for piece in response.aiter_raw():
                    if take(piece):
                        break

        try:
            if self.is_async:
                asyncio.run(ause())
            else:
                use()
        except library.TransportError as error:
            read.error = type(error).__name__
            read.raised_by = type(error).__module__.partition(".")[0]
            read.request_url = str(error.request.url)
        return read


@pytest.fixture(
    params=[Client(library, is_async) for library in ("httpx", "httpx2") for is_async in (False, True)],
    ids=["httpx sync", "httpx async", "httpx2 sync", "httpx2 async"],
)
def client(request: pytest.FixtureRequest) -> Client:
    chosen: Client = request.param
    return chosen


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassette.yaml"


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket.socket, "connect_ex", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)


def stream_all(exchange: Exchange) -> None:
    exchange.head()
    for piece in PIECES:
        exchange.chunk(piece)
    exchange.finish()


def cassette_of(path: Path, response: WireResponse, url: str = "https://h/v1/chat") -> None:
    write_cassette(path, [Interaction(WireRequest("POST", url, (), b'{"a": 1}'), response)])


def paced(*at_ms: float, ended: float = 0.0) -> WireResponse:
    """A response of one byte per time."""
    chunks = tuple(Chunk(n, 1, at) for n, at in enumerate(at_ms))
    return WireResponse(200, "OK", TYPE, b"x" * len(chunks), chunks, Ending("complete", None, ended), ())


@pytest.mark.usefixtures("no_sockets")
def test_a_replay_gives_the_same_pieces_and_opens_no_socket(client: Client, path: Path) -> None:
    body = b"".join(PIECES)
    ends = [sum(map(len, PIECES[: n + 1])) for n in range(3)]
    chunks = tuple(Chunk(end - len(piece), len(piece), 60_000.0) for end, piece in zip(ends, PIECES, strict=True))
    answer = WireResponse(418, "Teapot", TYPE, body, chunks, Ending("complete", None, 60_000.0), ())
    cassette_of(path, answer)
    with open_tape(path, "none") as tape:
        read = client.stream("https://h/v1/chat", content=b'{"a":1}')
        assert (read.status, read.pieces) == (418, list(PIECES))
        with pytest.raises(TransportFault) as fault:
            client.stream("https://h/v1/chat")
        assert isinstance(fault.value.error, UnrecordedRequestError)
        assert "already played" in str(fault.value)
        assert tape.misses == (fault.value.error,)


def before_the_end(exchange: Exchange) -> None:
    exchange.head()
    exchange.chunk(PIECES[0])


def cut(exchange: Exchange) -> None:
    before_the_end(exchange)
    exchange.cut()


def reset_in_the_body(exchange: Exchange) -> None:
    before_the_end(exchange)
    # A reset overtakes what was sent before it.
    assert exchange.seen.wait(PATIENCE_S)
    exchange.reset()


def fall_silent(exchange: Exchange) -> None:
    before_the_end(exchange)
    exchange.wait_until_client_left()


@pytest.mark.parametrize(
    ("serve", "how", "error"),
    [
        pytest.param(stream_all, "complete", None, id="complete"),
        pytest.param(cut, "cut", "RemoteProtocolError", id="cut"),
        pytest.param(reset_in_the_body, "reset", "ReadError", id="reset"),
        pytest.param(fall_silent, "error", "ReadTimeout", id="read timeout in the body"),
        pytest.param(Exchange.wait_until_client_left, "no-response", "ReadTimeout", id="read timeout before the head"),
        pytest.param(Exchange.cut, "no-response", "RemoteProtocolError", id="closed before the head"),
        pytest.param(None, "no-response", "ConnectError", id="refused"),
    ],
)
def test_how_a_response_ended_is_recorded_and_played(
    client: Client, path: Path, serve: Callable[[Exchange], None] | None, how: str, error: str | None
) -> None:
    wait = 0.2 if error == "ReadTimeout" else PATIENCE_S
    with loopback(serve or stream_all) as server:
        url = server.url if serve else "http://127.0.0.1:1"
        with open_tape(path, "once"):
            live = client.stream(url, timeout=wait, on_piece=lambda _: server.seen.set())
    (one,) = read_cassette(path)
    assert one.response.ended.how == how
    with open_tape(path, "none") as tape:
        played = client.stream(url)
        assert tape.unplayed == ()
    assert (live.error, played.error) == (error, error)
    assert (played.raised_by, played.request_url) == (live.raised_by, live.request_url)
    assert played.raised_by in ("", client.package)
    assert (played.status, b"".join(played.pieces)) == (one.response.status, one.response.body)
    assert (live.status, live.pieces) == (played.status, played.pieces)


@pytest.mark.parametrize(
    ("ended", "error"),
    [
        (Ending("error", "IncompleteRead: 3 bytes", 0.0), "ReadError"),
        (Ending("reset", None, 0.0), "ReadError"),
        (Ending("cut", "Client: no error class", 0.0), "RemoteProtocolError"),
        (Ending("no-response", "NewConnectionError: refused", 0.0), "ConnectError"),
    ],
)
def test_an_error_of_another_library_is_played_as_this_ones(
    client: Client, path: Path, ended: Ending, error: str
) -> None:
    status = 0 if ended.how == "no-response" else 200
    cassette_of(path, WireResponse(status, "", TYPE, b"x", (Chunk(0, 1, 0.0),), ended, ()))
    with open_tape(path, "none"):
        assert client.stream("https://h/v1/chat").error == error


def test_a_client_that_stops_at_the_end_mark_has_read_it_all(client: Client, path: Path) -> None:
    def say_all_but_the_last_chunk(exchange: Exchange) -> None:
        exchange.head()
        for piece in PIECES:
            exchange.chunk(piece)
        exchange.wait_until_client_left()

    with loopback(say_all_but_the_last_chunk) as server, open_tape(path, "once"):
        read = client.stream(server.url, stop_at=PIECES[2])
    assert b"".join(read.pieces) == b"".join(PIECES)
    (one,) = read_cassette(path)
    assert (one.response.ended.how, one.response.body) == ("complete", b"".join(PIECES))


def test_a_cancelled_task_is_recorded_as_cancelled(path: Path) -> None:
    for library in (import_module("httpx"), import_module("httpx2")):

        async def main(serve: Callable[[Exchange], None], library: Any, came: threading.Event) -> None:
            with loopback(serve) as server:

                async def read() -> None:
                    async with library.AsyncClient() as client:
                        await client.post(server.url)

                task = asyncio.create_task(read())
                await asyncio.to_thread(came.wait, PATIENCE_S)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task

        came = threading.Event()

        def silent(exchange: Exchange, came: threading.Event = came) -> None:
            came.set()
            exchange.wait_until_client_left()

        with open_tape(path, "all"):
            asyncio.run(main(silent, library, came))
        (one,) = read_cassette(path)
        assert (one.response.status, one.response.ended.how) == (0, "cancelled")


def test_connections_are_kept_alive_while_recording(path: Path) -> None:
    for library in (import_module("httpx"), import_module("httpx2")):
        with loopback(stream_all) as server, open_tape(path, "all"), library.Client() as client:
            for _ in range(3):
                assert client.post(server.url).content == b"".join(PIECES)
            assert (len(server.exchanges), server.connections) == (3, 1)

        async def main(url: str, library: Any) -> None:
            async with library.AsyncClient() as client:
                for _ in range(3):
                    assert (await client.post(url)).content == b"".join(PIECES)

        with loopback(stream_all) as server, open_tape(path, "all"):
            asyncio.run(main(server.url, library))
            assert (len(server.exchanges), server.connections) == (3, 1)


def test_the_request_that_a_client_holds_is_not_the_one_that_is_sent_elsewhere(client: Client, path: Path) -> None:
    with loopback(stream_all) as server:
        with open_tape(path, "once", base_url=f"{server.url}/proxy"):
            read = client.stream("https://api.example.test/v1/chat?a=1")
        (seen,) = server.exchanges
    assert seen.headers["accept-encoding"] == "identity" != read.request_headers["accept-encoding"]
    assert read.request_headers["host"] == "api.example.test"


def test_credentials_are_sent_and_not_recorded(client: Client, path: Path) -> None:
    with loopback(stream_all) as server:
        with open_tape(path, "once"):
            client.stream(server.url)
        assert server.exchanges[0].headers["authorization"] == "Bearer secret"
    assert "secret" not in path.read_text()


def test_a_paced_replay_takes_its_recorded_time_divided_by_its_speed(client: Client, path: Path) -> None:
    cassette_of(path, paced(0.0, 4_000.0, ended=8_000.0))
    began = time.monotonic()
    times: list[float] = []
    with open_tape(path, "none", speed=100.0):
        client.stream("https://h/v1/chat", on_piece=lambda _: times.append(time.monotonic() - began))
    ended = time.monotonic() - began
    assert times[1] >= 0.04
    assert ended >= 0.08


def test_closing_a_paced_response_wakes_its_reader(path: Path) -> None:
    for library in (import_module("httpx"), import_module("httpx2")):
        cassette_of(path, paced(0.0, 30_000.0))
        first, outcome = threading.Event(), list[BaseException]()
        with open_tape(path, "none", speed=1.0), library.Client() as client:
            with client.stream("POST", "https://h/v1/chat", content=b'{"a": 1}') as response:

                def read(response: Any = response, first: threading.Event = first, outcome: Any = outcome) -> None:
                    try:
                        for _ in response.iter_raw():
                            first.set()
                    except Exception as error:
                        outcome.append(error)

                reader = threading.Thread(target=read)
                reader.start()
                assert first.wait(PATIENCE_S)
            reader.join(PATIENCE_S)
            assert not reader.is_alive()
        assert [type(raised) for raised in outcome] == [library.ReadError]


def test_an_sdk_neither_retries_nor_wraps_what_a_tape_says(path: Path) -> None:
    openai = pytest.importorskip("openai")
    write_cassette(path, [])
    with open_tape(path, "none") as tape, openai.OpenAI(api_key="k", base_url="https://h/v1") as client:
        with pytest.raises(TransportFault, match="matches none of 0"):
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}], stream=True)
        assert len(tape.misses) == 1


def test_a_reader_that_stops_at_the_end_mark_is_recorded_whole_and_replayed(path: Path) -> None:
    httpx: Any = import_module("httpx")
    chunk = b'data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n'

    def serve(exchange: Exchange) -> None:
        exchange.head()
        exchange.chunk(chunk)
        exchange.chunk(b"data: [DONE]\n\n")
        exchange.wait_until_client_left()

    def ask(url: str) -> list[str]:
        with (
            httpx.Client(trust_env=False, verify=False) as client,
            client.stream("POST", f"{url}/v1/chat/completions", json={}) as response,
        ):
            lines = filter(None, response.iter_lines())
            return list(itertools.takewhile(lambda line: line != "data: [DONE]", lines))

    with loopback(serve) as server, open_tape(path, "once"):
        (line,) = ask(server.url)
    with open_tape(path, "none") as tape, network_guard():
        assert ask(server.url) == [line]
        assert tape.unplayed == ()
    assert [one.response.ended.how for one in read_cassette(path)] == ["complete"]
