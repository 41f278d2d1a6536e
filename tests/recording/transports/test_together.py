"""Every transport beside the others: recorded on one, played on each, and many at once."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import httpx
import pytest
import requests

from harness.errors import NetworkBlockedError, TransportFault, UnrecordedRequestError
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.tape import playback
from harness.recording.tape.tape import Mode, current_tape, network_guard, open_tape, playing
from harness.recording.transports.sockets import check_connection
from harness.recording.wire import Interaction, WireRequest, WireResponse
from tests.recording.support.clients import CLIENTS, Client
from tests.recording.support.exchanges import CONTENT, URL, cassette_of, told
from tests.recording.support.loopback import PATIENCE_S, Exchange, loopback

PIECES = (b'data: {"n": 1}\n\n', b'data: {"n": 2}\n\n', b"data: [DONE]\n\n")


@dataclass(frozen=True, slots=True)
class Case:
    """What a server does, and how that is recorded; what a library raises about it stands in its row in `clients.py`."""

    id: str
    serve: Callable[[Exchange], None] | None
    how: str
    status: int = 200
    timeout: float = PATIENCE_S

    def error(self, client: Client) -> str:
        return client.raises.get(self.id, "")


def text_stream(exchange: Exchange) -> None:
    exchange.stream(*PIECES)


def plain(exchange: Exchange) -> None:
    exchange.plain(b'{"a": 1}')


def until_closed(exchange: Exchange) -> None:
    exchange.connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\nto the end")
    exchange.cut()


def error_status(exchange: Exchange) -> None:
    exchange.stream(b'{"error": "slow down"}', status="429 Too Many Requests", content_type="application/json")


def nothing_in_it(exchange: Exchange) -> None:
    exchange.connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")


def cut(exchange: Exchange) -> None:
    exchange.head()
    exchange.chunk(PIECES[0])
    assert exchange.seen.wait(PATIENCE_S)
    exchange.cut()


def reset(exchange: Exchange) -> None:
    exchange.head()
    exchange.chunk(PIECES[0])
    # A reset overtakes what was sent before it.
    assert exchange.seen.wait(PATIENCE_S)
    exchange.reset()


def short(exchange: Exchange) -> None:
    exchange.connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 999\r\n\r\n")
    exchange.connection.sendall(b"not all")
    exchange.cut()


def fall_silent(exchange: Exchange) -> None:
    exchange.head()
    exchange.chunk(PIECES[0])
    exchange.wait_until_client_left()


def reset_before_the_head(exchange: Exchange) -> None:
    exchange.reset()


CASES = (
    Case("text stream", text_stream, "complete"),
    Case("plain", plain, "complete"),
    Case("until closed", until_closed, "complete"),
    Case("error status", error_status, "complete", status=429),
    Case("no content", nothing_in_it, "complete", status=204),
    Case("cut", cut, "cut"),
    Case("short", short, "cut"),
    Case("reset", reset, "reset"),
    Case("silent in the body", fall_silent, "error", timeout=0.2),
    Case("silent before the head", Exchange.wait_until_client_left, "no-response", timeout=0.2),
    Case("closed before the head", Exchange.cut, "no-response"),
    Case("reset before the head", reset_before_the_head, "no-response"),
    Case("refused", None, "no-response"),
)


def chunks(response: WireResponse) -> list[bytes]:
    return [response.body[chunk.offset : chunk.offset + chunk.length] for chunk in response.chunks]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassette.yaml"


@pytest.mark.parametrize("player", CLIENTS.values(), ids=lambda client: client.name)
def test_an_answer_is_open_until_it_is_read_to_its_end_or_left(player: Client, path: Path) -> None:
    with loopback(text_stream) as server, open_tape(path, "once"):
        next(iter(CLIENTS.values())).post(server.url)
        url = server.url
    opened: list[int] = []
    with network_guard(), open_tape(path, "none") as tape:

        def look(piece: bytes) -> bool:
            opened.append(len(tape.open_answers))
            return True

        player.post(url, on_piece=look)

        assert (opened[0], tape.open_answers) == (1, ())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@pytest.mark.parametrize("recorder", CLIENTS.values(), ids=lambda client: client.name)
def test_what_is_recorded_on_one_library_is_played_on_every_other(recorder: Client, case: Case, path: Path) -> None:
    with loopback(case.serve or text_stream) as server:
        url = f"{server.url}/v1/chat?b=2&a=1" if case.serve else "http://127.0.0.1:1/v1/chat"
        with open_tape(path, "once"):
            live = recorder.post(url, timeout=case.timeout, on_piece=lambda _: server.seen.set())
    assert (live.error, live.status) == (case.error(recorder), 0 if case.how == "no-response" else case.status)
    (one,) = read_cassette(path)
    assert one.response.ended.how == case.how
    withheld = case.serve is short and recorder.withholds_rest
    if not withheld:
        assert one.response.body == live.body
    for player in CLIENTS.values():
        with network_guard(), open_tape(path, "none") as tape:
            played = player.post(url)
            assert (tape.unplayed, tape.open_answers) == ((), ())
        assert (played.error, played.status) == (case.error(player), live.status), player.name
        assert played.pieces == chunks(one.response), player.name
        if player is recorder and not withheld:
            assert (played.body, played.text, played.asked) == (live.body, live.text, live.asked)


@pytest.mark.parametrize("client", CLIENTS.values(), ids=lambda client: client.name)
def test_the_client_sees_each_piece_before_the_next_is_sent(client: Client, path: Path) -> None:
    seen = [threading.Event() for _ in PIECES]

    def step_by_step(exchange: Exchange) -> None:
        exchange.head()
        for piece, event in zip(PIECES, seen, strict=True):
            exchange.chunk(piece)
            assert event.wait(PATIENCE_S)
        exchange.finish()

    with loopback(step_by_step) as server, open_tape(path, "once"):
        read = client.post(server.url, on_piece=lambda piece: seen[PIECES.index(piece)].set())
    assert read.pieces == list(PIECES)
    (one,) = read_cassette(path)
    assert chunks(one.response) == list(PIECES)
    times = [chunk.at_ms for chunk in one.response.chunks]
    assert times == sorted(times)


@pytest.mark.parametrize("client", CLIENTS.values(), ids=lambda client: client.name)
def test_a_client_that_stops_at_the_end_mark_has_read_it_all(client: Client, path: Path) -> None:
    def all_but_the_last_chunk(exchange: Exchange) -> None:
        exchange.head()
        for piece in PIECES:
            exchange.chunk(piece)
        exchange.wait_until_client_left()

    with loopback(all_but_the_last_chunk) as server, open_tape(path, "once"):
        client.post(server.url, on_piece=lambda piece: piece.endswith(PIECES[-1]))
    with open_tape(path, "none") as tape, network_guard():
        assert client.post(server.url).body == b"".join(PIECES)
        assert tape.unplayed == ()
    assert [one.response.ended.how for one in read_cassette(path)] == ["complete"]


@pytest.mark.parametrize(("speed", "least_s"), [(1_000.0, 0.1), (None, 0.0)], ids=["paced", "unpaced"])
@pytest.mark.parametrize("client", CLIENTS.values(), ids=lambda client: client.name)
def test_an_answer_takes_its_recorded_time_divided_by_its_speed(
    client: Client, speed: float | None, least_s: float, path: Path
) -> None:
    cassette_of(path, told(*PIECES, every_ms=100_000.0 / len(PIECES)))
    with open_tape(path, "none", speed=speed):
        began, times = time.monotonic(), list[float]()
        client.post(URL, on_piece=lambda _: times.append(time.monotonic() - began))
        assert least_s <= time.monotonic() - began < 50
    assert times[-1] >= least_s * 2 / 3


@pytest.mark.parametrize("recorder", CLIENTS.values(), ids=lambda client: client.name)
def test_a_recording_that_its_client_left_says_so_to_one_that_reads_on(
    recorder: Client, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playback, "_GRACE_S", 0.0)

    def endless(exchange: Exchange) -> None:
        exchange.head()
        exchange.chunk(PIECES[0])
        exchange.wait_until_client_left()

    with loopback(endless) as server, open_tape(path, "once"):
        recorder.post(server.url, on_piece=lambda _: True)
    (one,) = read_cassette(path)
    assert one.response.ended.how == "cancelled"
    for player in CLIENTS.values():
        with open_tape(path, "none"):
            assert player.post(server.url, on_piece=lambda _: True).pieces == [PIECES[0]]
        with open_tape(path, "none"), pytest.raises(TransportFault, match="this one reads on"):
            player.post(server.url)


async def _read_by_httpx(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        await client.get(url)


async def _read_by_aiohttp(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        await response.read()


async def _timed(read: Callable[[str], Awaitable[None]], url: str) -> str:
    try:
        async with asyncio.timeout(0.1):
            await read(url)
    except TimeoutError:
        return "its time was up"
    return "it ended"


async def _raced(read: Callable[[str], Awaitable[None]], url: str) -> str:
    slow, fast = (asyncio.ensure_future(read(f"{url}/{name}")) for name in ("slow", "fast"))
    done, _ = await asyncio.wait((slow, fast), return_when=asyncio.FIRST_COMPLETED)
    slow.cancel()
    await asyncio.gather(slow, return_exceptions=True)
    return "fast" if done == {fast} else "slow"


@pytest.mark.parametrize("read", [_read_by_httpx, _read_by_aiohttp])
@pytest.mark.parametrize(("run", "outcome"), [(_timed, "its time was up"), (_raced, "fast")])
@pytest.mark.parametrize("speed", [None, 1.0])
def test_what_was_left_when_its_time_was_up_or_its_race_lost_is_left_again(
    run: Callable[..., Awaitable[str]], read: object, outcome: str, speed: float | None, path: Path
) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.head()
        exchange.chunk(PIECES[0])
        if exchange.request_line.startswith("GET /fast"):
            exchange.finish()
        else:
            exchange.wait_until_client_left()

    async def played(url: str) -> str:
        return await run(read, url)

    with loopback(answer) as server:
        with open_tape(path, "once"):
            assert asyncio.run(played(server.url)) == outcome
        with network_guard(), open_tape(path, "none", speed=speed) as tape:
            assert asyncio.run(played(server.url)) == outcome
    assert tape.unplayed == ()


@pytest.mark.parametrize("client", CLIENTS.values(), ids=lambda client: client.name)
def test_no_library_gets_out_while_the_network_is_blocked(client: Client, path: Path) -> None:
    with loopback(text_stream) as server:
        assert client.post(server.url).body == b"".join(PIECES)
        with network_guard(), pytest.raises(TransportFault, match="harness record") as fault:
            client.post(server.url)
        assert isinstance(fault.value.error, NetworkBlockedError)
        with network_guard(), open_tape(path, "once"):
            assert client.post(server.url).body == b"".join(PIECES)
        with network_guard(), open_tape(path, "none"):
            with pytest.raises(TransportFault) as miss:
                client.post(server.url, content=b"another")
            assert isinstance(miss.value.error, UnrecordedRequestError)
        assert len(server.exchanges) == 2


@pytest.mark.parametrize("client", CLIENTS.values(), ids=lambda client: client.name)
def test_what_stays_on_this_machine_goes_past_each_tape_where_all_guards_spare_it(client: Client, path: Path) -> None:
    with loopback(text_stream) as server:
        with network_guard(spares_loopback=True), open_tape(path, "all") as tape:
            assert client.post(server.url).body == b"".join(PIECES)
        assert tape.recorded == ()
        with network_guard(spares_loopback=True) as guard, open_tape(path, "none") as tape:
            assert client.post(server.url).body == b"".join(PIECES)
            with network_guard(), pytest.raises(TransportFault):
                client.post(server.url)
            assert len(tape.misses) == 1
            with pytest.raises(TransportFault):
                client.post("http://192.0.2.1:9")
            with pytest.raises(TransportFault):
                check_connection(("192.0.2.1", 9))
            assert "192.0.2.1:9 was about to be opened" in str(*guard.blocked)
        assert len(server.exchanges) == 2


@pytest.mark.parametrize("client", CLIENTS.values(), ids=lambda client: client.name)
def test_what_is_told_of_a_request_holds_no_credential(
    client: Client, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "a1B2c3D4e5F6g7H8i9J0k1L2"
    url = f"https://hooks.slack.com/services/T0AB12CD3/B0AB12CD4/{secret}"
    monkeypatch.setattr(playback, "_GRACE_S", 0.0)
    left = Interaction(WireRequest("POST", url, (), CONTENT), told(how="cancelled"))
    with network_guard(), pytest.raises(TransportFault, match="hooks.slack.com") as stopped:
        client.post(url)
    with playing(path, (left,)), pytest.raises(TransportFault, match="hooks.slack.com") as ended:
        client.post(url)
    assert secret not in f"{stopped.value} {ended.value}"


@pytest.mark.parametrize("client", CLIENTS.values(), ids=lambda client: client.name)
def test_a_base_url_redirects_and_the_url_that_was_asked_for_is_recorded(client: Client, path: Path) -> None:
    asked = "https://api.example.test/v1/chat?a=1"
    with loopback(text_stream) as server:
        with network_guard(), open_tape(path, "once", base_url=f"{server.url}/proxy"):
            assert client.post(asked).body == b"".join(PIECES)
        (seen,) = server.exchanges
    assert seen.request_line == "POST /proxy/v1/chat?a=1 HTTP/1.1"
    assert seen.headers["host"] == server.url.removeprefix("http://")
    assert seen.headers["accept-encoding"] == "identity"
    assert [one.request.url for one in read_cassette(path)] == [asked]
    with network_guard(), open_tape(path, "none"):
        assert client.post(asked).body == b"".join(PIECES)


def echo(exchange: Exchange) -> None:
    exchange.stream(exchange.body)


def test_fifty_recordings_and_replays_at_once_in_threads_do_not_mix(tmp_path: Path) -> None:
    clients = list(CLIENTS.values())
    failures: list[BaseException] = []

    def run(number: int, mode: Mode, url: str, started: threading.Barrier) -> None:
        try:
            with open_tape(tmp_path / f"{number}.yaml", mode) as tape:
                started.wait(PATIENCE_S)
                for turn in range(2):
                    content = f"{number} {turn}".encode()
                    # Another library the second time, so that what one has recorded another plays.
                    client = clients[(number + (mode != "once")) % len(clients)]
                    assert client.post(url, content=content).body == content
                    assert current_tape() is tape
        except BaseException as error:
            failures.append(error)

    def all_at_once(modes: Callable[[int], Mode], url: str) -> None:
        started = threading.Barrier(50)
        threads = [threading.Thread(target=run, args=(number, modes(number), url, started)) for number in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []

    with loopback(echo) as server:
        all_at_once(lambda _: "once", server.url)
        assert len(server.exchanges) == 100
        all_at_once(lambda number: "none" if number % 2 else "all", server.url)
        assert len(server.exchanges) == 150
    for number in range(50):
        sent = [f"{number} {turn}".encode() for turn in range(2)]
        recorded = read_cassette(tmp_path / f"{number}.yaml")
        assert [(one.request.body, one.response.body) for one in recorded] == [(body, body) for body in sent]


def test_fifty_recordings_and_replays_at_once_in_tasks_do_not_mix(tmp_path: Path) -> None:
    async def by_httpx(url: str, content: str) -> str:
        async with httpx.AsyncClient(verify=False) as client:
            return (await client.post(url, content=content)).text

    async def by_aiohttp(url: str, content: str) -> str:
        async with aiohttp.ClientSession() as session, session.post(url, data=content) as response:
            return await response.text()

    async def by_requests(url: str, content: str) -> str:
        return await asyncio.to_thread(lambda: requests.post(url, data=content, timeout=PATIENCE_S).text)

    ways = (by_httpx, by_aiohttp, by_requests)

    async def main(url: str) -> None:
        async def run(number: int, mode: Mode, all_open: asyncio.Barrier) -> None:
            with open_tape(tmp_path / f"{number}.yaml", mode):
                await all_open.wait()
                way = ways[(number + (mode != "once")) % len(ways)]
                assert await way(url, f"task {number}") == f"task {number}"

        all_open = asyncio.Barrier(50)
        await asyncio.gather(*(run(number, "once", all_open) for number in range(50)))
        await asyncio.gather(*(run(number, "none" if number % 2 else "all", all_open) for number in range(50)))

    with loopback(echo) as server:
        asyncio.run(main(server.url))
        assert len(server.exchanges) == 75


def greeting(exchange: Exchange) -> None:
    """Change to a WebSocket, and say hi (RFC 6455, 4.2.2 and 5.2)."""
    asked = f"{exchange.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accepted = base64.b64encode(hashlib.sha1(asked.encode()).digest())
    exchange.connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n")
    exchange.connection.sendall(b"sec-websocket-accept: %b\r\n\r\n\x81\x02hi" % accepted)
    exchange.wait_until_client_left()


def by_aiohttp(url: str) -> bytes:
    async def said() -> bytes:
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as connection:
            return (await connection.receive_str(timeout=PATIENCE_S)).encode()

    return asyncio.run(said())


def by_httpx(url: str) -> bytes:
    headers = {"connection": "upgrade", "upgrade": "WebSocket", "sec-websocket-key": "a2V5"}
    with httpx.Client(trust_env=False, verify=False) as client, client.stream("GET", url, headers=headers) as response:
        said: bytes = response.extensions["network_stream"].read(100, PATIENCE_S)
        return said.removeprefix(b"\x81\x02")


@pytest.mark.parametrize("connect", [by_aiohttp, by_httpx], ids=lambda connect: connect.__name__)
def test_a_web_socket_goes_past_a_tape_that_records_and_is_stopped_by_one_that_plays(
    connect: Callable[[str], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "cassette.yaml"
    with loopback(greeting) as server:
        with open_tape(path, "once") as tape:
            assert connect(server.url) == b"hi"
            assert tape.recorded == ()
        with network_guard() as guard, open_tape(path, "none"), pytest.raises(TransportFault) as fault:
            connect(server.url)
        assert len(server.exchanges) == 1
    assert fault.value.error in guard.blocked
    assert "was about to open a WebSocket" in str(fault.value)
