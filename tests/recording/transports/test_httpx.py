"""httpx and httpx2, sync and async, against a real server on loopback: recorded as it streams, played without it."""

from __future__ import annotations

import asyncio
import threading
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from harness.errors import TransportFault
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.files.cassette_writer import write_cassette
from harness.recording.tape.tape import open_tape
from harness.recording.wire import How
from tests.recording.support.clients import CLIENTS, Client
from tests.recording.support.exchanges import CONTENT, URL, cassette_of, told
from tests.recording.support.loopback import PATIENCE_S, Exchange, loopback

PIECES = (b'data: {"n": 1}\n\n', b'data: {"n": 2}\n\n', b"data: [DONE]\n\n")


@pytest.fixture(params=[client for name, client in CLIENTS.items() if name.startswith("httpx")], ids=attrgetter("name"))
def client(request: pytest.FixtureRequest) -> Client:
    chosen: Client = request.param
    return chosen


@pytest.fixture(params=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Any:
    return import_module(request.param)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassette.yaml"


def stream_all(exchange: Exchange) -> None:
    exchange.stream(*PIECES)


@pytest.mark.parametrize(
    ("how", "told_by", "error"),
    [
        ("error", "IncompleteRead: 3 bytes", "ReadError"),
        ("reset", None, "ReadError"),
        ("cut", "Client: no error class", "RemoteProtocolError"),
        ("no-response", "NewConnectionError: refused", "ConnectError"),
    ],
)
def test_an_error_of_another_library_is_played_as_this_ones(
    client: Client, path: Path, how: How, told_by: str | None, error: str
) -> None:
    cassette_of(path, told(b"x", status=0 if how == "no-response" else 200, how=how, error=told_by))
    with open_tape(path, "none"):
        read = client.post(URL)
    assert (read.error, read.asked) == (error, URL)


def test_a_cancelled_task_is_recorded_as_cancelled(library: Any, path: Path) -> None:
    came = threading.Event()

    def silent(exchange: Exchange) -> None:
        came.set()
        exchange.wait_until_client_left()

    async def main(url: str) -> None:
        async with library.AsyncClient() as client:
            task = asyncio.create_task(client.post(url))
            await asyncio.to_thread(came.wait, PATIENCE_S)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with loopback(silent) as server, open_tape(path, "all"):
        asyncio.run(main(server.url))
    (one,) = read_cassette(path)
    assert (one.response.status, one.response.ended.how) == (0, "cancelled")


def test_connections_are_kept_alive_while_recording(library: Any, path: Path) -> None:
    with loopback(stream_all) as server, open_tape(path, "all"), library.Client() as client:
        for _ in range(3):
            assert client.post(server.url).content == b"".join(PIECES)
        assert (len(server.exchanges), server.connections) == (3, 1)

    async def main(url: str) -> None:
        async with library.AsyncClient() as client:
            for _ in range(3):
                assert (await client.post(url)).content == b"".join(PIECES)

    with loopback(stream_all) as server, open_tape(path, "all"):
        asyncio.run(main(server.url))
        assert (len(server.exchanges), server.connections) == (3, 1)


def test_the_request_that_a_client_holds_is_not_the_one_that_is_sent_elsewhere(library: Any, path: Path) -> None:
    with loopback(stream_all) as server:
        with open_tape(path, "once", base_url=f"{server.url}/proxy"), library.Client() as client:
            held = client.post("https://api.example.test/v1/chat?a=1").request
        (seen,) = server.exchanges
    assert seen.headers["accept-encoding"] == "identity" != held.headers["accept-encoding"]
    assert held.headers["host"] == "api.example.test"


def test_closing_a_paced_response_wakes_its_reader(library: Any, path: Path) -> None:
    cassette_of(path, told(b"x", b"x", every_ms=30_000.0))
    first, outcome = threading.Event(), list[BaseException]()

    def read(response: Any) -> None:
        try:
            for _ in response.iter_raw():
                first.set()
        except Exception as error:
            outcome.append(error)

    with open_tape(path, "none", speed=1.0), library.Client() as client:
        with client.stream("POST", URL, content=CONTENT) as response:
            reader = threading.Thread(target=read, args=(response,))
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
