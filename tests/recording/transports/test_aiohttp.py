"""aiohttp beyond what all transports have in common: every way to read, its timeouts, its pool, google-genai on it."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from harness.recording.files.cassette_reader import read_cassette
from harness.recording.files.cassette_writer import write_cassette
from harness.recording.redact.redaction import Redactor
from harness.recording.tape.tape import network_guard, open_tape
from harness.recording.wire import Interaction, WireRequest
from tests.recording.support.exchanges import CONTENT, URL, cassette_of, told
from tests.recording.support.loopback import PATIENCE_S, Exchange, loopback

PIECES = (b'{"text":\n', b'"one two\\n', b'three"}')
BODY = b"".join(PIECES)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassette.yaml"


def chunked(exchange: Exchange) -> None:
    exchange.stream(*PIECES, content_type="application/json")


def plain(exchange: Exchange) -> None:
    exchange.plain(BODY)


async def joined(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


async def by_read_of_five(response: aiohttp.ClientResponse) -> bytes:
    pieces = []
    while piece := await response.content.read(5):
        pieces.append(piece)
    return b"".join(pieces)


async def by_json(response: aiohttp.ClientResponse) -> bytes:
    assert await response.json() == json.loads(BODY)
    return await response.read()


async def by_chunks(response: aiohttp.ClientResponse) -> bytes:
    return b"".join([piece async for piece, _ in response.content.iter_chunks()])


async def by_readexactly(response: aiohttp.ClientResponse) -> bytes:
    body = await response.content.readexactly(len(BODY))
    # The end of a chunked body is a chunk of its own, which may still be on its way.
    assert await response.content.read() == b""
    return body


READINGS: dict[str, Callable[[aiohttp.ClientResponse], Awaitable[bytes]]] = {
    "read": lambda response: response.read(),
    "json": by_json,
    "iter_any": lambda response: joined(response.content.iter_any()),
    "iter_chunked": lambda response: joined(response.content.iter_chunked(4)),
    "iter_chunks": by_chunks,
    "lines": lambda response: joined(aiter(response.content)),
    "read of five": by_read_of_five,
    "readexactly": by_readexactly,
}


async def post(url: str, reading: Callable[[aiohttp.ClientResponse], Awaitable[bytes]], **options: Any) -> bytes:
    async with aiohttp.ClientSession() as session, session.post(url, data=CONTENT, **options) as response:
        return await reading(response)


@pytest.mark.parametrize("serve", [chunked, plain])
@pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS.keys())
def test_every_way_to_read_gives_the_body_live_and_played(
    path: Path,
    serve: Callable[[Exchange], None],
    reading: Callable[[aiohttp.ClientResponse], Awaitable[bytes]],
) -> None:
    with loopback(serve) as server, open_tape(path, "once"):
        assert asyncio.run(post(server.url, reading)) == BODY
    (one,) = read_cassette(path)
    assert (one.response.body, one.response.ended.how) == (BODY, "complete")
    with network_guard(), open_tape(path, "none"):
        assert asyncio.run(post(server.url, reading)) == BODY


def test_chunks_are_played_as_they_were_recorded(path: Path) -> None:
    async def boundaries(response: aiohttp.ClientResponse) -> bytes:
        seen = [chunk async for chunk in response.content.iter_chunks()]
        assert [piece for piece, ends in seen if ends and piece] == list(PIECES)
        return BODY

    cassette_of(path, told(*PIECES))
    with open_tape(path, "none"):
        assert asyncio.run(post(URL, boundaries)) == BODY


def test_the_answer_is_seen_as_live(path: Path) -> None:
    async def ask(url: str) -> tuple[Any, ...]:
        async with aiohttp.ClientSession() as session, session.post(url, json={"a": 1}) as response:
            return (
                await response.json(),
                response.status,
                response.reason,
                response.headers["x-request-id"],
                response.url,
            )

    def serve(exchange: Exchange) -> None:
        exchange.stream(BODY, status="201 Made", content_type="application/json", x_request_id="r-1")

    with loopback(serve) as server:
        with open_tape(path, "once"):
            live = asyncio.run(ask(server.url))
        assert server.exchanges[0].headers["accept-encoding"] == "identity"
    with network_guard(), open_tape(path, "none"):
        assert asyncio.run(ask(server.url)) == live


@pytest.mark.parametrize("decompresses", [True, False])
def test_a_body_that_is_no_text_and_comes_compressed_all_the_same_is_recorded(path: Path, decompresses: bool) -> None:
    content = bytes(range(256))
    packed = zlib.compress(content)

    async def ask(url: str) -> bytes:
        async with aiohttp.ClientSession(auto_decompress=decompresses) as session, session.post(url) as response:
            return await response.read()

    def serve(exchange: Exchange) -> None:
        exchange.stream(packed, content_type="image/png", content_encoding="deflate")

    with loopback(serve) as server, open_tape(path, "once", redactor=Redactor()):
        assert asyncio.run(ask(server.url)) == (content if decompresses else packed)
    with network_guard(), open_tape(path, "none"):
        assert asyncio.run(ask(server.url)) == content


def test_a_large_answer_is_played_whole(path: Path) -> None:
    pieces = tuple(bytes([65 + number]) * 300_000 for number in range(5))
    cassette_of(path, told(*pieces))
    for reading in (READINGS["read"], READINGS["iter_any"], READINGS["read of five"]):
        with open_tape(path, "none"):
            assert asyncio.run(post(URL, reading)) == b"".join(pieces)


async def produced() -> AsyncIterator[bytes]:
    yield b"te"
    yield b"xt"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(lambda: b"text", id="bytes"),
        pytest.param(lambda: bytearray(b"text"), id="bytearray"),
        pytest.param(lambda: memoryview(b"text"), id="memoryview"),
        pytest.param(lambda: "text", id="str"),
        pytest.param(lambda: io.BytesIO(b"text"), id="file"),
        pytest.param(lambda: io.StringIO("text"), id="text file"),
        pytest.param(produced, id="generator"),
    ],
)
def test_every_kind_of_request_body_is_sent_and_recorded(path: Path, body: Callable[[], Any]) -> None:
    async def ask(url: str) -> None:
        # The server of these tests wants a length, which a generator has none of.
        async with (
            aiohttp.ClientSession(headers={"content-length": "4"}) as session,
            session.post(url, data=body()) as response,
        ):
            assert await response.read() == BODY

    with loopback(plain) as server:
        with open_tape(path, "once"):
            asyncio.run(ask(server.url))
        assert [one.body for one in server.exchanges] == [b"text"]
        with network_guard(), open_tape(path, "none"):
            asyncio.run(ask(server.url))
    assert [one.request.body for one in read_cassette(path)] == [b"text"]


def test_redirects_of_the_library_are_an_interaction_each(path: Path) -> None:
    def serve(exchange: Exchange) -> None:
        if exchange.request_line.startswith("POST /there"):
            plain(exchange)
        else:
            exchange.stream(status="307 Elsewhere", location="/there")

    with loopback(serve) as server, open_tape(path, "once"):
        assert asyncio.run(post(f"{server.url}/here", READINGS["read"])) == BODY
    assert [one.response.status for one in read_cassette(path)] == [307, 200]
    with network_guard(), open_tape(path, "none") as tape:
        assert asyncio.run(post(f"{server.url}/here", READINGS["read"])) == BODY
        assert tape.unplayed == ()


def test_connections_are_kept_alive_and_a_played_one_is_not(path: Path) -> None:
    async def main(url: str) -> None:
        async with aiohttp.ClientSession() as session:
            for content in (b"1", CONTENT, b"2", b"3"):
                async with session.post(url, data=content) as response:
                    assert await response.read() == BODY

    with loopback(plain) as server:
        write_cassette(path, [Interaction(WireRequest("POST", server.url, (), CONTENT), told(*PIECES))])
        with open_tape(path, "new"):
            asyncio.run(main(server.url))
        assert ([one.body for one in server.exchanges], server.connections) == ([b"1", b"2", b"3"], 1)
    assert [one.request.body for one in read_cassette(path)] == [CONTENT, b"1", b"2", b"3"]


def test_a_response_let_go_of_after_its_end_does_not_end_the_next_on_its_connection(path: Path) -> None:
    seen = {b"first": threading.Event(), b"second": threading.Event()}

    def serve(exchange: Exchange) -> None:
        exchange.head(content_type="application/json")
        assert seen[exchange.body].wait(PATIENCE_S)
        for piece in PIECES:
            exchange.chunk(piece)
        exchange.finish()

    async def main(url: str) -> None:
        async with aiohttp.ClientSession() as session:
            first = await session.post(url, data=b"first")
            seen[b"first"].set()
            assert await first.read() == BODY
            second = await session.post(url, data=b"second")
            first.release()
            seen[b"second"].set()
            assert await second.read() == BODY

    with loopback(serve) as server, open_tape(path, "all"):
        asyncio.run(main(server.url))
        assert server.connections == 1
    assert [one.response.ended.how for one in read_cassette(path)] == ["complete", "complete"]
    assert [one.response.body for one in read_cassette(path)] == [BODY, BODY]


def silent(exchange: Exchange) -> None:
    exchange.wait_until_client_left()


def silent_in_the_body(exchange: Exchange) -> None:
    exchange.head(content_type="application/json")
    exchange.chunk(PIECES[0])
    exchange.wait_until_client_left()


@pytest.mark.parametrize(("serve", "how"), [(silent, "no-response"), (silent_in_the_body, "error")])
def test_the_time_for_the_whole_request_is_a_timeout_live_and_played(
    path: Path, serve: Callable[[Exchange], None], how: str
) -> None:
    limit = aiohttp.ClientTimeout(total=0.2)
    with loopback(serve) as server:
        with open_tape(path, "once"), pytest.raises(TimeoutError) as live:
            asyncio.run(post(server.url, READINGS["read"], timeout=limit))
        with network_guard(), open_tape(path, "none"), pytest.raises(TimeoutError) as played:
            asyncio.run(post(server.url, READINGS["read"]))
    assert (type(played.value), str(played.value)) == (type(live.value), str(live.value))
    (one,) = read_cassette(path)
    assert one.response.ended.how == how
    assert (one.response.ended.error or "").startswith("ReadTimeout: TimeoutError")


def test_the_time_for_the_whole_request_may_be_up_while_it_connects(path: Path) -> None:
    cassette_of(path, told(status=0, headers=(), how="no-response", error="ConnectTimeout: TimeoutError: "))
    with open_tape(path, "none"), pytest.raises(TimeoutError) as played:
        asyncio.run(post(URL, READINGS["read"]))
    assert (type(played.value), str(played.value)) == (TimeoutError, "")


#: Answers that aiohttp can't read: the error is its own, and no request is made again for it.
UNREADABLE = {
    "status line": b"HTTP/1.1 abc Bad\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "header": b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
    "chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "coding": b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nno",
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("written", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_answer_that_aiohttp_cannot_read_is_the_same_error_played(path: Path, written: bytes, method: str) -> None:
    async def failure(url: str) -> tuple[type[BaseException], str]:
        with pytest.raises(aiohttp.ClientError) as raised:
            async with aiohttp.ClientSession() as session, session.request(method, url) as response:
                await response.read()
        return type(raised.value), str(raised.value)

    def serve(exchange: Exchange) -> None:
        exchange.connection.sendall(written)
        exchange.cut()

    with loopback(serve) as server:
        with open_tape(path, "once"):
            live = asyncio.run(failure(server.url))
        with network_guard(), open_tape(path, "none") as tape:
            assert asyncio.run(failure(server.url)) == live
            assert (tape.unplayed, tape.misses) == ((), ())


def test_a_slow_reader_of_a_played_answer_does_not_time_out(path: Path) -> None:
    async def slowly(response: aiohttp.ClientResponse) -> bytes:
        first = await response.content.readany()
        await asyncio.sleep(0.05)
        return first + await response.read()

    cassette_of(path, told(*PIECES))
    with open_tape(path, "none"):
        limit = aiohttp.ClientTimeout(sock_read=0.01)
        assert asyncio.run(post(URL, slowly, timeout=limit)) == BODY


def test_a_reader_of_a_paced_answer_may_give_up_and_try_again(path: Path) -> None:
    async def impatiently(response: aiohttp.ClientResponse) -> bytes:
        pieces, tries = [], 0
        while not response.content.at_eof():
            try:
                pieces.append(await asyncio.wait_for(response.content.readany(), 0.01))
            except TimeoutError:
                tries += 1
        assert tries > 1
        return b"".join(pieces)

    cassette_of(path, told(*PIECES, every_ms=50.0))
    with open_tape(path, "none", speed=1.0):
        assert asyncio.run(post(URL, impatiently)) == BODY


def test_cancelling_the_task_ends_a_paced_answer(path: Path) -> None:
    cassette_of(path, told(*PIECES, every_ms=60_000.0))

    async def main() -> None:
        began = asyncio.Event()

        async def read(response: aiohttp.ClientResponse) -> bytes:
            await response.content.readany()
            began.set()
            return await response.read()

        task = asyncio.create_task(post(URL, read))
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with open_tape(path, "none", speed=1.0):
        asyncio.run(main())


def test_google_genai_on_aiohttp_is_recorded_and_played(path: Path) -> None:
    genai = pytest.importorskip("google.genai")
    words = ("Hel", "lo")

    def serve(exchange: Exchange) -> None:
        exchange.head()
        for word in words:
            part = {"candidates": [{"content": {"role": "model", "parts": [{"text": word}]}}]}
            exchange.chunk(f"data: {json.dumps(part)}\r\n\r\n".encode())
        exchange.finish()

    async def main(url: str) -> list[str]:
        async with aiohttp.ClientSession() as session:
            options = genai.types.HttpOptions(base_url=url, aiohttp_client=session)
            client = genai.Client(api_key="secret", http_options=options)
            stream = await client.aio.models.generate_content_stream(model="m", contents="hello")
            return [chunk.text async for chunk in stream]

    with loopback(serve) as server, open_tape(path, "once"):
        assert asyncio.run(main(server.url)) == list(words)
    with network_guard(), open_tape(path, "none") as tape:
        assert asyncio.run(main(server.url)) == list(words)
        assert tape.unplayed == ()
    assert "secret" not in path.read_text()
