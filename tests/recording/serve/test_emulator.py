"""The emulator as clients see it: the official SDK, curl, an HTTP library, a bare socket, and the recorder itself."""

from __future__ import annotations

import asyncio
import errno
import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from msgspec.structs import replace

from harness.errors import UnreadableRecordingError, UsageError
from harness.providers.bedrock.dialect import AWS_EVENT_STREAM, aws_message
from harness.recording import Target, load_recording, record
from harness.recording.comparison.compare import compare_lines
from harness.recording.faults.faults import parse_fault
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.files.cassette_writer import write_cassette
from harness.recording.files.frames_file import read_lines
from harness.recording.serve import http_connection
from harness.recording.serve.emulator import Emulator, emulated
from harness.recording.serve.served import load_served
from harness.recording.tape.kept_headers import kept_request_headers, kept_response_headers
from harness.recording.tape.playback import playable_headers
from harness.recording.tape.tape import open_tape
from harness.recording.wire import Headers, How, Interaction, WireRequest, WireResponse
from tests.recording.support.exchanges import told
from tests.recording.support.loopback import PATIENCE_S
from tests.recording.support.remade import SHIPPED, shipped_recordings

ROOT = Path(__file__).parents[3]
TEXT = SHIPPED / "openai" / "text"
EVENTS = (b'data: {"n": 1}\n\n', b'data: {"n": 2}\n\n', b"data: [DONE]\n\n")


def interaction(
    *pieces: bytes,
    how: How = "complete",
    error: str | None = None,
    status: int = 200,
    headers: Headers = (("content-type", "text/event-stream"),),
    url: str = "https://api.example.test/v1/chat?a=1",
    body: bytes = b'{"a": 1}',
    every_ms: float = 0.0,
) -> Interaction:
    response = told(*pieces, status=status, headers=headers, how=how, error=error, every_ms=every_ms)
    return Interaction(WireRequest("POST", url, (), body), response)


@pytest.fixture
def cassette(tmp_path: Path) -> Callable[..., Path]:
    """Writes interactions to a cassette and returns its path."""

    def write(*interactions: Interaction) -> Path:
        write_cassette(tmp_path / "cassette.yaml", interactions)
        return tmp_path / "cassette.yaml"

    return write


def post(emulator: Emulator, path: str = "/v1/chat?a=1", body: bytes = b'{"a":1}', **more: Any) -> httpx.Response:
    return httpx.post(f"{emulator.url}{path}", content=body, timeout=PATIENCE_S, **more)


@contextmanager
def raw(emulator: Emulator, request: bytes) -> Iterator[socket.socket]:
    """A bare connection on which `request` has been sent."""
    host, _, port = emulator.url.removeprefix("http://").partition(":")
    with closing(socket.create_connection((host, int(port)), timeout=PATIENCE_S)) as connection:
        connection.sendall(request)
        yield connection


def read_until(connection: socket.socket, end: bytes) -> None:
    """Read up to a chunk that is `end`."""
    came = b""
    while not came.endswith(end + b"\r\n"):
        came += connection.recv(65_536)


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65_536), b""))


ASK = b'POST /v1/chat?a=1 HTTP/1.1\r\nhost: h\r\ncontent-length: 8\r\nconnection: close\r\n\r\n{"a": 1}'


def assert_same_exchange(served: Interaction, recorded: Interaction) -> None:
    """Hold what was recorded from the emulator against what it served: all but times, host and versions."""
    one, two = served.response, recorded.response
    assert (recorded.request.method, recorded.request.url) == (served.request.method, served.request.url)
    assert recorded.request.body == served.request.body
    assert (two.status, two.reason, two.body) == (one.status, one.reason, one.body)
    # Its length is not said in front of a body that is served piece by piece.
    playable = tuple(field for field in playable_headers(one) if field[0].lower() != "content-length")
    assert fields(two.headers) == fields(kept_response_headers(playable))
    assert (two.ended.how, two.ended.error) == (one.ended.how, one.ended.error)
    # A transport may split a chunk, never join two.
    assert {chunk.offset for chunk in one.chunks} <= {chunk.offset for chunk in two.chunks}


def fields(headers: Headers) -> list[tuple[str, str]]:
    return sorted((name.lower(), value) for name, value in headers)


@pytest.mark.parametrize(
    "folder", [pytest.param(path, id=str(path.relative_to(SHIPPED))) for path in shipped_recordings()]
)
def test_a_shipped_recording_recorded_from_its_emulator_is_the_same(folder: Path, tmp_path: Path) -> None:
    shipped = load_recording(folder)
    target = Target(shipped.target, shipped.entry, shipped.inputs, shipped.turns)
    again = tmp_path / "again"
    with emulated(folder) as emulator:
        record(target, again, mode="all", base_url=emulator.url, origin=shipped.origin)
        assert emulator.answers.missed == 0
    unlike = {"versions": None, "recorded_at": None, "runtime": None}
    assert {**load_recording(again).model_dump(), **unlike} == {**shipped.model_dump(), **unlike}
    assert compare_lines(read_lines(folder / "frames.jsonl"), read_lines(again / "frames.jsonl")) == []
    before, after = read_cassette(folder / "cassette.yaml"), read_cassette(again / "cassette.yaml")
    for served, recorded in zip(by_request(before), by_request(after), strict=True):
        # The run makes the body anew: what it says counts, and not in which order its fields stand.
        asked = replace(recorded.request, body=served.request.body)
        assert content_of(recorded) == content_of(served)
        assert_same_exchange(served, replace(recorded, request=asked))
        assert recorded.response.scope == served.response.scope


def by_request(interactions: tuple[Interaction, ...]) -> list[Interaction]:
    """Return them in an order of their own: requests of one run may be made side by side."""
    return sorted(interactions, key=lambda one: (one.request.url, content_of(one), one.response.body))


def content_of(interaction: Interaction) -> str:
    """Return what a request's JSON says, whatever the order of its fields."""
    return json.dumps(json.loads(interaction.request.body), sort_keys=True)


def test_every_cassette_of_real_traffic_recorded_from_its_emulator_is_the_same(corpus: Path, tmp_path: Path) -> None:
    paths = sorted(corpus.rglob("*.yaml"))
    assert paths
    for number, path in enumerate(paths):
        check_recorded_again(path, tmp_path / f"{number}.yaml")


class _AsItCame:
    """Takes nothing out, and leaves what is compressed as it is, so that all of it can be compared."""

    def request(self, request: WireRequest) -> WireRequest:
        return request

    def response(self, response: WireResponse) -> WireResponse:
        return response


def check_recorded_again(path: Path, again: Path, *, speed: float | None = None) -> None:
    served = read_cassette(path)
    with (
        emulated(path, speed=speed) as emulator,
        open_tape(again, "all", base_url=emulator.url, redactor=_AsItCame()),
        httpx.Client(timeout=PATIENCE_S, verify=False) as client,
    ):
        for one in served:
            headers = list(kept_request_headers(one.request.headers))
            with client.stream(
                one.request.method, one.request.url, content=one.request.body, headers=headers
            ) as answer:
                for _ in answer.iter_raw():
                    pass
    for before, after in zip(served, read_cassette(again), strict=True):
        assert_same_exchange(before, after)


@pytest.mark.parametrize("speed", [None, 100.0])
def test_aws_framing_and_bytes_that_are_no_text_arrive_as_they_were(
    cassette: Callable[..., Path], tmp_path: Path, speed: float | None
) -> None:
    kind = (("content-type", AWS_EVENT_STREAM.media_type), ("x-amzn-requestid", "r-1"))
    events = [aws_message({":event-type": name}, bytes(range(256))) for name in ("messageStart", "metadata")]
    url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/a.b-v1%3A0/converse-stream"
    path = cassette(
        interaction(*events, headers=kind, url=url, every_ms=20.0), interaction(b"x" * 300_000, b"\xff" * 9)
    )
    check_recorded_again(path, tmp_path / "again.yaml", speed=speed)


def test_the_official_sdk_is_answered() -> None:
    asked: dict[str, Any] = json.loads(read_cassette(TEXT / "cassette.yaml")[0].request.body)
    with (
        emulated(TEXT) as emulator,
        openai.OpenAI(base_url=f"{emulator.url}/v1", api_key="any", max_retries=0) as client,
    ):
        for _ in range(2):
            chunks = list(client.chat.completions.create(**asked))
            text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
            assert text == load_recording(TEXT).outcome.results[0]  # type: ignore[union-attr]
        with pytest.raises(openai.NotFoundError, match=r"nearest: 1, body differs at messages\[0\].content") as missed:
            client.chat.completions.create(**{**asked, "messages": [{"role": "user", "content": "Who is there?"}]})
    assert missed.value.code == "unrecorded_request"


def test_curl_is_answered() -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("there is no curl here")
    (recorded,) = read_cassette(TEXT / "cassette.yaml")
    with emulated(TEXT) as emulator:
        # More than a KiB, for which curl asks whether it may go on.
        padded = recorded.request.body + b" " * 2_000
        url = f"{emulator.url}/v1/chat/completions"
        command = [curl, "-sSN", "-H", "expect: 100-continue", "--data-binary", "@-", url]
        run = subprocess.run(command, input=padded, capture_output=True, timeout=PATIENCE_S, check=True)
    assert run.stdout == recorded.response.body


def test_every_recorded_chunk_is_a_chunk_on_the_wire(cassette: Callable[..., Path]) -> None:
    hop = (
        ("content-type", "text/event-stream"),
        ("Connection", "keep-alive"),
        ("Content-Length", "9"),
        (":status", "200"),
    )
    with emulated(cassette(interaction(*EVENTS, headers=hop))) as emulator, raw(emulator, ASK) as connection:
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
    assert head.splitlines()[0] == b"HTTP/1.1 200 OK"
    names = sorted(line.partition(b":")[0].lower() for line in head.splitlines()[1:])
    assert names == [b"connection", b"content-type", b"transfer-encoding"]
    assert body == b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in EVENTS) + b"0\r\n\r\n"


def test_at_recorded_speed_a_chunk_leaves_when_it_is_due_and_not_before(cassette: Callable[..., Path]) -> None:
    path = cassette(interaction(*EVENTS, every_ms=3_600_000.0))
    with emulated(path, speed=1.0) as emulator, raw(emulator, ASK) as connection:
        read_until(connection, EVENTS[0])
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    with emulated(path, speed=3_600_000.0) as emulator:
        assert post(emulator).content == b"".join(EVENTS)


def test_connections_are_kept_and_requests_may_come_early(cassette: Callable[..., Path]) -> None:
    asks = ASK.replace(b"connection: close\r\n", b"") + ASK
    with emulated(cassette(interaction(b"one"), interaction(b"two"))) as emulator, raw(emulator, asks) as connection:
        both = read_all(connection)
    assert both.count(b"HTTP/1.1 200 OK") == 2
    assert both.index(b"one") < both.index(b"two")


@pytest.mark.parametrize(
    ("exchange", "error"),
    [
        pytest.param(interaction(*EVENTS), None, id="complete"),
        pytest.param(interaction(*EVENTS[:2], how="cut"), httpx.RemoteProtocolError, id="cut"),
        pytest.param(interaction(*EVENTS[:2], how="reset"), httpx.ReadError, id="reset"),
        pytest.param(interaction(*EVENTS[:2], how="error", error="ReadTimeout: slow"), httpx.ReadTimeout, id="timeout"),
        pytest.param(interaction(*EVENTS[:2], how="cancelled"), httpx.ReadTimeout, id="cancelled"),
        pytest.param(
            interaction(*EVENTS[:2], how="error", error="ReadError: odd"), httpx.RemoteProtocolError, id="other"
        ),
        pytest.param(interaction(status=0, how="no-response"), httpx.RemoteProtocolError, id="no response"),
        pytest.param(
            interaction(status=0, how="no-response", error="ReadTimeout: slow"), httpx.ReadTimeout, id="none in time"
        ),
    ],
)
def test_a_response_ends_as_it_ended(
    cassette: Callable[..., Path], exchange: Interaction, error: type[Exception] | None
) -> None:
    timeout = 0.3 if error is httpx.ReadTimeout else PATIENCE_S
    raised: Exception | None = None
    pieces: list[bytes] = []
    with emulated(cassette(exchange)) as emulator:
        try:
            with httpx.stream("POST", f"{emulator.url}/v1/chat?a=1", content=b'{"a": 1}', timeout=timeout) as answer:
                pieces.extend(answer.iter_raw())
        except httpx.TransportError as problem:
            raised = problem
    assert (type(raised) if raised else None) is error
    if error is None:
        assert pieces == list(EVENTS)


@pytest.mark.parametrize("how", ["cut", "reset", "cancelled"])
def test_all_that_came_before_a_break_arrives(cassette: Callable[..., Path], how: How) -> None:
    with (
        emulated(cassette(interaction(b"x" * 100_000, EVENTS[0], how=how))) as emulator,
        raw(emulator, ASK) as connection,
    ):
        read_until(connection, EVENTS[0])
        if how == "reset":
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
        elif how == "cut":
            assert connection.recv(1) == b""


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_is_sent_without_one(cassette: Callable[..., Path], status: int) -> None:
    with emulated(cassette(interaction(b"odd", status=status))) as emulator:
        answer = post(emulator)
    assert (answer.status_code, answer.content) == (status, b"")


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304)])
def test_the_length_of_a_body_that_does_not_come_is_told(
    cassette: Callable[..., Path], method: str, status: int
) -> None:
    asked = interaction(status=status, headers=(("content-length", "1000"),), body=b"")
    path = cassette(replace(asked, request=replace(asked.request, method=method)))
    with emulated(path) as emulator:
        answer = httpx.request(method, f"{emulator.url}/v1/chat?a=1")
    assert (answer.status_code, answer.headers["content-length"]) == (status, "1000")


def test_a_header_beyond_latin_1_arrives_as_it_was_read(cassette: Callable[..., Path]) -> None:
    named = (("content-disposition", 'attachment; filename="日本.txt"'),)
    with emulated(cassette(interaction(b"1", headers=named))) as emulator:
        assert post(emulator).headers["content-disposition"] == named[0][1]


def test_a_status_that_is_no_answer_is_told(cassette: Callable[..., Path]) -> None:
    with emulated(cassette(interaction(status=101))) as emulator:
        answer = post(emulator)
    assert (answer.status_code, "101" in answer.text) == (502, True)


def test_equal_requests_get_their_responses_in_order_and_then_the_last_again(cassette: Callable[..., Path]) -> None:
    path = cassette(interaction(b"1"), interaction(b"other", body=b"{}"), interaction(b"2"))
    with emulated(path) as emulator:
        assert [post(emulator).text for _ in range(4)] == ["1", "2", "2", "2"]
        assert post(emulator, body=b"{}").text == "other"
        assert (emulator.answers.answered, emulator.answers.missed) == (5, 0)


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("/v1/chat?a=1", b'{"a": 2}', "body differs at a: recorded 1, sent 2"),
        ("/v1/chat?a=2", b'{"a": 1}', "query differs"),
        ("/v2/chat?a=1", b'{"a": 1}', "path differs"),
    ],
)
def test_a_request_that_was_not_recorded_is_told_what_differs(
    cassette: Callable[..., Path], path: str, body: bytes, where: str
) -> None:
    # The fault makes two answers of one, and is none of the miss's business.
    with emulated(cassette(interaction(b"1")), faults=[parse_fault("429")]) as emulator:
        post(emulator)
        answer = post(emulator, path, body)
        assert (emulator.answers.answered, emulator.answers.missed) == (1, 1)
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert error["nearest"]["number"] == 1
    assert where in error["nearest"]["difference"]
    assert (
        f"cassette.yaml': request 2 (POST {path.partition('?')[0]}) matches none of 1 (nearest: 1" in error["message"]
    )


def test_credentials_and_host_do_not_count(cassette: Callable[..., Path]) -> None:
    path = cassette(interaction(b"in", body=b'{"api_key": "sk-proj-aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5zA7b"}'))
    with emulated(path) as emulator:
        for key in ("sk-proj-aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5zA7b", "sk-a7b3C4d5E6f7G8h9", "dummy", ""):
            body = f'{{"api_key": "{key}"}}'.encode()
            answer = post(emulator, body=body, headers={"authorization": f"Bearer x{key}", "host": "elsewhere.test"})
            assert (answer.status_code, answer.text) == (200, "in"), key


def test_a_stale_content_encoding_is_not_sent_and_a_fault_sends_it(cassette: Callable[..., Path]) -> None:
    path = cassette(interaction(b"plain", headers=(("content-type", "text/plain"), ("content-encoding", "gzip"))))
    with emulated(path) as emulator:
        assert post(emulator).text == "plain"
    with emulated(path, faults=[parse_fault("gzip-header")]) as emulator, pytest.raises(httpx.DecodingError):
        post(emulator)


@pytest.mark.parametrize(
    ("specs", "statuses", "last"),
    [
        (["429:2,retry-after=3"], [429, 429, 200, 200], b"".join(EVENTS)),
        (["429", "missing-end"], [429, 200], b"".join(EVENTS[:2])),
    ],
)
def test_faults_are_served(cassette: Callable[..., Path], specs: list[str], statuses: list[int], last: bytes) -> None:
    with emulated(cassette(interaction(*EVENTS)), faults=[parse_fault(spec) for spec in specs]) as emulator:
        answers = [post(emulator) for _ in statuses]
    assert ([answer.status_code for answer in answers], answers[-1].content) == (statuses, last)
    assert answers[0].headers["retry-after"] == ("3" if "=3" in specs[0] else "1")


def test_a_stall_lasts_until_the_client_leaves(cassette: Callable[..., Path]) -> None:
    with emulated(cassette(interaction(*EVENTS)), faults=[parse_fault(f"stall:{len(EVENTS[0])}")]) as emulator:
        with raw(emulator, ASK) as connection:
            read_until(connection, EVENTS[0])
            connection.settimeout(0.1)
            with pytest.raises(TimeoutError):
                connection.recv(1)
        # And nobody else waits.
        with raw(emulator, ASK) as connection:
            assert connection.recv(8) == b"HTTP/1.1"


def test_leaving_ends_open_connections_and_its_thread(cassette: Callable[..., Path]) -> None:
    path = cassette(interaction(b"x" * 10_000_000), interaction(b"", how="cancelled"))
    with ExitStack() as clients:
        with emulated(path) as emulator:
            unread, silent, idle = (clients.enter_context(raw(emulator, ask)) for ask in (ASK, ASK, b""))
            assert unread.recv(8) == silent.recv(8) == b"HTTP/1.1"
            late = clients.enter_context(raw(emulator, b""))
        assert "harness-emulator" not in [thread.name for thread in threading.enumerate()]
        assert (len(read_all(unread)) < 10_000_000, idle.recv(1)) == (True, b"")
        with suppress(ConnectionResetError):  # it was not even accepted
            assert late.recv(1) == b""
        with pytest.raises(ConnectionRefusedError), raw(emulator, b""):
            pass


def test_a_port_that_is_taken_is_the_callers_mistake(cassette: Callable[..., Path]) -> None:
    path = cassette(interaction(b"1"))
    with emulated(path) as emulator:
        port = int(emulator.url.rpartition(":")[2])
        with pytest.raises(UsageError, match=f"port {port} of 127.0.0.1 can't be used"), emulated(path, port=port):
            pass


@pytest.mark.parametrize("speed", [0.0, -1.0, float("inf")])
def test_a_speed_is_above_zero(cassette: Callable[..., Path], speed: float) -> None:
    with pytest.raises(UsageError, match="it must be above zero"), emulated(cassette(interaction(b"1")), speed=speed):
        pass


def test_what_holds_nothing_to_serve_is_unreadable(cassette: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(UnreadableRecordingError, match="nothing to serve"), emulated(cassette()):
        pass
    with pytest.raises(UnreadableRecordingError, match="is missing"), emulated(tmp_path / "none.yaml"):
        pass
    with pytest.raises(UsageError, match="'missing-end' can be done to none"):
        plain = replace(interaction(b"{}"), response=interaction(b"{}", headers=()).response)
        with emulated(cassette(plain), faults=[parse_fault("missing-end")]):
            pass


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 99999999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: " + b"9" * 5000 + b"\r\n\r\n", b"4"),
        (b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n" + b"x" * 2000 + b"\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 8\r\n\r\n{", b"408"),
        (b"POST / HTTP/1.1\r\nhost: h\r\nx: " + b"x" * 100_000, b"431"),
        (b"POST / HTTP/1.1\r\nhost: h\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x8b\xff\xff", b"415"),
        (b"what is this\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nhost: [\r\n\r\n", b"400"),
        (b"", b""),
    ],
    ids=["declared", "digits", "chunked", "slow", "head", "no gzip", "no HTTP", "no host", "idle"],
)  # fmt: skip
def test_a_client_that_asks_too_much_too_slowly_or_in_no_http_is_refused_and_no_other_is(
    cassette: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, request_: bytes, status: bytes
) -> None:
    monkeypatch.setattr(http_connection, "LARGEST", 1000)
    monkeypatch.setattr(http_connection, "_REQUEST_S", 0.05)
    monkeypatch.setattr(http_connection, "_IDLE_S", 0.05)
    with emulated(cassette(interaction(*EVENTS))) as emulator:
        with raw(emulator, request_) as connection, suppress(ConnectionResetError):
            assert read_all(connection).removeprefix(b"HTTP/1.1 ").startswith(status)
        assert post(emulator).status_code == 200


def test_a_client_that_reads_nothing_is_let_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connection, "_WRITE_S", 0.05)
    answer = interaction(b"x" * 16_000_000).response

    async def main() -> None:
        server, client = socket.socketpair()
        with server, client:
            server.setblocking(False)
            client.sendall(ASK)
            await asyncio.wait_for(http_connection.serve_connection(server, lambda request: answer, None), PATIENCE_S)

    asyncio.run(main())


def test_without_a_descriptor_it_does_not_ask_for_one_all_the_time_and_then_goes_on(
    cassette: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Exhausted(socket.socket):
        asked = 0

        def accept(self) -> Any:
            self.asked += 1
            if self.asked == 1:
                raise OSError(errno.EMFILE, "Too many open files")
            return super().accept()

    goes_on: list[Callable[[], None]] = []

    async def main() -> tuple[int, bytes]:
        monkeypatch.setattr(asyncio.get_running_loop(), "call_later", lambda seconds, call: goes_on.append(call))
        async with Emulator(load_served(cassette(interaction(*EVENTS)))) as emulator:
            with Exhausted() as listener:
                listener.bind(("127.0.0.1", 0))
                listener.listen()
                listener.setblocking(False)
                asyncio.get_running_loop().add_reader(listener, emulator._accept, listener)
                reader, writer = await asyncio.open_connection(*listener.getsockname())
                writer.write(ASK)
                for _ in range(200):
                    await asyncio.sleep(0)
                asked = listener.asked
                goes_on.pop()()
                async with asyncio.timeout(PATIENCE_S):
                    answer = await reader.readline()
                writer.close()
                asyncio.get_running_loop().remove_reader(listener)
                return asked, answer

    assert asyncio.run(main()) == (1, b"HTTP/1.1 200 OK\r\n")
