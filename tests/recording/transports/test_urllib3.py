"""urllib3, requests and boto3 beyond what all transports have in common: every way to read, retries, proxies, AWS."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import pytest
import requests
import urllib3
from botocore.config import Config

from harness.bus.scope import Run, Scope, current_scope, enter, reset
from harness.errors import RunCancelled
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.tape.tape import network_guard, open_tape
from tests.recording.support.aws_messages import converse_message
from tests.recording.support.exchanges import CONTENT, URL, cassette_of, told
from tests.recording.support.loopback import PATIENCE_S, Exchange, loopback

BODY = b'{"text":\n"one two three"}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassette.yaml"


@pytest.fixture
def pools() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager(retries=False, timeout=PATIENCE_S) as manager:
        yield manager


def plain(exchange: Exchange) -> None:
    exchange.plain(BODY)


def chunked(exchange: Exchange) -> None:
    exchange.stream(BODY[:9], BODY[9:], content_type="application/json")


Response = urllib3.BaseHTTPResponse
READINGS: dict[str, Callable[[Response], bytes]] = {
    "stream": lambda response: b"".join(response.stream()),
    "stream of three": lambda response: b"".join(response.stream(3)),
    "read": lambda response: response.read(),
    "read of five": lambda response: b"".join(iter(lambda: response.read(5), b"")),
    "read1": lambda response: b"".join(iter(response.read1, b"")),
    "data": lambda response: response.data,
    "lines": lambda response: b"".join(iter(response)),
    "readinto": lambda response: io.BufferedReader(response).read(),
}


@pytest.mark.parametrize("serve", [chunked, plain])
@pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS.keys())
def test_every_way_to_read_gives_the_body_live_and_played(
    pools: urllib3.PoolManager, path: Path, serve: Callable[[Exchange], None], reading: Callable[[Response], bytes]
) -> None:
    with loopback(serve) as server, open_tape(path, "once"):
        live = pools.request("POST", server.url, body=CONTENT, preload_content=False)
        assert reading(live) == BODY
    (one,) = read_cassette(path)
    assert (one.response.body, one.response.ended.how) == (BODY, "complete")
    with network_guard(), open_tape(path, "none"):
        played = pools.request("POST", server.url, body=CONTENT, preload_content=False)
        assert reading(played) == BODY


def test_a_preloaded_response_is_recorded_and_played(pools: urllib3.PoolManager, path: Path) -> None:
    with loopback(plain) as server:
        with open_tape(path, "once"):
            live = pools.request("POST", server.url, body=CONTENT)
        with open_tape(path, "none"):
            played = pools.request("POST", server.url, body=CONTENT)
    assert live.data == played.data == BODY
    assert live.json() == played.json()
    assert (live.status, live.reason, live.url) == (played.status, played.reason, played.url)


def test_a_request_without_a_body_in_its_answer_is_whole(pools: urllib3.PoolManager, path: Path) -> None:
    with loopback(plain) as server:
        with open_tape(path, "once"):
            assert pools.request("HEAD", server.url).data == b""
        with open_tape(path, "none"):
            assert pools.request("HEAD", server.url).data == b""
    assert [one.response.ended.how for one in read_cassette(path)] == ["complete"]


def test_a_short_body_is_cut_and_ends_quietly_for_who_asked_for_that(pools: urllib3.PoolManager, path: Path) -> None:
    def short(exchange: Exchange) -> None:
        exchange.connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n" + BODY)
        exchange.cut()

    def ask(url: str, *, minds: bool) -> bytes:
        # botocore compares lengths itself, where it does.
        response = pools.request("POST", url, preload_content=False, enforce_content_length=minds)
        return b"".join(response.stream(4))

    with loopback(short) as server:
        with open_tape(path, "once"):
            assert ask(server.url, minds=False) == BODY
        with open_tape(path, "none"):
            assert ask(server.url, minds=False) == BODY
        with open_tape(path, "none"), pytest.raises(urllib3.exceptions.ProtocolError):
            ask(server.url, minds=True)
    assert [one.response.ended.how for one in read_cassette(path)] == ["cut"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(lambda: b"text", id="bytes"),
        pytest.param(lambda: "text", id="str"),
        pytest.param(lambda: io.BytesIO(b"text"), id="file"),
        pytest.param(lambda: io.StringIO("text"), id="text file"),
        pytest.param(lambda: iter([b"te", "xt"]), id="iterator"),
        pytest.param(lambda: bytearray(b"text"), id="bytearray"),
    ],
)
def test_every_kind_of_request_body_is_sent_and_recorded(
    pools: urllib3.PoolManager, path: Path, body: Callable[[], Any]
) -> None:
    with loopback(plain) as server:
        with open_tape(path, "once"):
            pools.request("POST", server.url, body=body())
        assert [one.body for one in server.exchanges] == [b"text"]
        with open_tape(path, "none"):
            pools.request("POST", server.url, body=body())
    assert [one.request.body for one in read_cassette(path)] == [b"text"]


def test_tries_and_redirects_of_the_library_are_an_interaction_each(path: Path) -> None:
    def serve(exchange: Exchange) -> None:
        if exchange.request_line.startswith("POST /there"):
            plain(exchange)
            return
        first = len(server.exchanges) == 1
        exchange.stream(status="503 Busy" if first else "307 Elsewhere", location="/there", retry_after="0")

    def ask(url: str) -> bytes:
        retries = urllib3.Retry(3, status_forcelist=[503], allowed_methods=None, backoff_factor=0)
        with urllib3.PoolManager(retries=retries) as pools:
            return pools.request("POST", f"{url}/here", body=CONTENT).data

    with loopback(serve) as server:
        with open_tape(path, "once"):
            assert ask(server.url) == BODY
        assert server.connections == 1
    assert [one.response.status for one in read_cassette(path)] == [503, 307, 200]
    with network_guard(), open_tape(path, "none") as tape:
        assert ask(server.url) == BODY
        assert tape.unplayed == ()


def test_connections_are_kept_alive_while_recording(path: Path) -> None:
    with loopback(plain) as server, open_tape(path, "all"), requests.Session() as session:
        for _ in range(3):
            assert session.post(server.url, data=CONTENT, timeout=PATIENCE_S).content == BODY
        assert (len(server.exchanges), server.connections) == (3, 1)


def test_requests_sees_the_answer_as_live(path: Path) -> None:
    def ask(url: str) -> tuple[Any, ...]:
        response = requests.post(url, json={"a": 1}, timeout=PATIENCE_S)
        return response.json(), response.status_code, response.reason, response.headers["x-request-id"], response.url

    def serve(exchange: Exchange) -> None:
        exchange.stream(BODY, status="201 Made", content_type="application/json", x_request_id="r-1")

    with loopback(serve) as server:
        with open_tape(path, "once"):
            live = ask(server.url)
        assert server.exchanges[0].headers["accept-encoding"] == "identity"
    with network_guard(), open_tape(path, "none"):
        assert ask(server.url) == live


def test_a_replay_behind_a_proxy_opens_no_socket(path: Path) -> None:
    cassette_of(path, told(BODY), told(BODY))
    with network_guard(), open_tape(path, "none"):
        with urllib3.ProxyManager("http://127.0.0.1:1") as proxied:
            assert proxied.request("POST", URL, body=CONTENT).data == BODY
        through = {"https": "http://127.0.0.1:1"}
        assert requests.post(URL, data=CONTENT, proxies=through, timeout=PATIENCE_S).content == BODY


def test_a_recording_behind_a_proxy_opens_its_tunnel(path: Path) -> None:
    def refuse(exchange: Exchange) -> None:
        exchange.connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        exchange.cut()

    with loopback(refuse) as proxy, open_tape(path, "once"):
        with urllib3.ProxyManager(proxy.url, retries=False) as proxied, pytest.raises(urllib3.exceptions.HTTPError):
            proxied.request("POST", URL, body=CONTENT)
        # The version of HTTP is the interpreter's choice.
        assert [one.request_line.split()[:2] for one in proxy.exchanges] == [["CONNECT", "h:443"]]
    assert [one.response.ended.how for one in read_cassette(path)] == ["no-response"]


def test_closing_a_paced_response_wakes_its_reader(pools: urllib3.PoolManager, path: Path) -> None:
    cassette_of(path, told(b"a", b"b", every_ms=60_000.0))
    first, raised = threading.Event(), list[BaseException]()
    with open_tape(path, "none", speed=1.0):
        response = pools.request("POST", URL, body=CONTENT, preload_content=False)

        def read() -> None:
            try:
                for _ in response.stream():
                    first.set()
            except urllib3.exceptions.HTTPError as error:
                raised.append(error)

        reader = threading.Thread(target=read)
        reader.start()
        assert first.wait(PATIENCE_S)
        response.close()
        reader.join(PATIENCE_S)
        assert not reader.is_alive()
    assert [type(one) for one in raised] == [urllib3.exceptions.ProtocolError]


def test_cancelling_the_run_wakes_a_paced_reader(pools: urllib3.PoolManager, path: Path) -> None:
    cassette_of(path, told(b"a", b"b", every_ms=60_000.0))
    run = Run()
    token = enter(Scope("session", None, current_scope(), run, ()))
    try:
        with open_tape(path, "none", speed=1.0):
            response = pools.request("POST", URL, body=CONTENT, preload_content=False)
            pieces = response.stream()
            assert next(pieces) == b"a"
            canceller = threading.Thread(target=run.cancel)
            canceller.start()
            with pytest.raises(RunCancelled):
                next(pieces)
            canceller.join(PATIENCE_S)
            with pytest.raises(RunCancelled):
                pools.request("POST", URL, body=CONTENT)
    finally:
        reset(token)


EVENTS = (
    ("messageStart", {"role": "assistant"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hel"}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "lo"}}),
    ("messageStop", {"stopReason": "end_turn"}),
    ("metadata", {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}, "metrics": {"latencyMs": 1}}),
)


def converse(url: str) -> tuple[list[Any], str]:
    """Return the events that boto3 gives, and the class of the error that it raises."""
    client = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    events: list[Any] = []
    try:
        answer = client.converse_stream(modelId="m", messages=[{"role": "user", "content": [{"text": "hello"}]}])
        events.extend(answer["stream"])
    except botocore.exceptions.BotoCoreError as error:
        return events, type(error).__name__
    except urllib3.exceptions.HTTPError as error:
        return events, type(error).__name__
    finally:
        client.close()
    return events, ""


def speak(exchange: Exchange, count: int = len(EVENTS)) -> None:
    exchange.head(content_type="application/vnd.amazon.eventstream")
    for event, payload in EVENTS[:count]:
        exchange.chunk(converse_message(event, payload))


def whole(exchange: Exchange) -> None:
    speak(exchange)
    exchange.finish()


def cut(exchange: Exchange) -> None:
    speak(exchange, 2)
    exchange.cut()


def throttled(exchange: Exchange) -> None:
    exchange.stream(b'{"message": "slow down"}', status="429 Too Many", x_amzn_errortype="ThrottlingException")


@pytest.mark.parametrize(
    ("serve", "count", "error", "how"),
    [
        (whole, 5, "", "complete"),
        (cut, 2, "ProtocolError", "cut"),
        (Exchange.cut, 0, "ConnectionClosedError", "no-response"),
    ],
    ids=["whole", "cut", "closed before the head"],
)
def test_a_converse_stream_of_boto3_is_recorded_and_played(
    path: Path, serve: Callable[[Exchange], None], count: int, error: str, how: str
) -> None:
    with loopback(serve) as server, open_tape(path, "once"):
        live = converse(server.url)
    assert live == ([{event: payload} for event, payload in EVENTS[:count]], error)
    with network_guard(), open_tape(path, "none") as tape:
        assert converse(server.url) == live
        assert tape.unplayed == ()
    (one,) = read_cassette(path)
    assert (one.response.ended.how, len(one.response.chunks)) == (how, count)
    assert "Credential" not in path.read_text()


def test_an_error_of_aws_is_played_as_that_error(path: Path) -> None:
    def ask(url: str) -> None:
        with pytest.raises(botocore.exceptions.ClientError, match="slow down"):
            converse(url)

    with loopback(throttled) as server, open_tape(path, "once"):
        ask(server.url)
    with network_guard(), open_tape(path, "none"):
        ask(server.url)


def test_the_first_version_of_urllib3_is_left_alone() -> None:
    install = import_module("harness.recording.transports.urllib3").install
    before = urllib3.HTTPConnectionPool._make_request

    class First:
        __version__ = "1.26.20"

    install(First)
    assert urllib3.HTTPConnectionPool._make_request is before
