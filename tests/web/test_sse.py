"""Claims about `sse`: one event per frame, resumed at each; who holds a run back, ends it, and may read it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from harness import StreamFrame
from harness.errors import UsageError
from harness.web import Runs, sse
from harness.web.feed import Feed
from tests.session.waiting import watched_limits
from tests.web.asgi import HOST, Client, asked, events_of
from tests.web.sessions import PATIENCE_S, AsyncWords, Words

pytestmark = pytest.mark.asyncio

SESSIONS: dict[str, Callable[[int], Any]] = {
    "sync": lambda count: Words(count).stream_events("Go on"),
    "async": lambda count: AsyncWords(count).astream("Go on"),
}
of_each_kind = pytest.mark.parametrize("make", SESSIONS.values(), ids=SESSIONS.keys())


def event_of(frame: StreamFrame) -> dict[str, str]:
    data = orjson.dumps(frame.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS).decode()
    return {"id": str(frame.seq), "event": frame.channel, "data": data}


def split(events: list[dict[str, str]]) -> tuple[list[dict[str, str]], dict[str, Any] | None]:
    """Return the events of frames, and what `end` told."""
    for event in events:
        event.pop("retry", None)
    ends = [json.loads(event["data"]) for event in events if event["event"] == "end"]
    return [event for event in events if event["event"] != "end"], ends[0] if ends else None


@of_each_kind
async def test_each_frame_is_one_event_and_the_end_says_how(make: Callable[[int], Any]) -> None:
    session = make(100)
    client = await asked(sse(session))
    frames, end = split(events(client))

    assert client.status == 200
    assert client.headers["content-type"].startswith("text/event-stream")
    assert client.headers["cache-control"] == "no-store"
    assert client.body.startswith(b"retry: 1000\nid: 1\n")
    assert frames == [event_of(frame) for frame in session.frames]
    assert [json.loads(event["data"])["seq"] for event in frames] == list(range(1, 103))
    assert end == {"status": "completed", "frames": 102, "error": None, "error_type": None}
    assert session.is_exhausted


def events(client: Client) -> list[dict[str, str]]:
    return events_of(client.body)


async def test_a_failed_run_sends_its_frames_and_then_its_error() -> None:
    session = Words(1, error=LookupError("no more\nwords")).stream_events("Go on")
    frames, end = split(events(await asked(sse(session))))

    assert [json.loads(event["data"])["type"] for event in frames] == [
        "llm_call_started",
        "llm_stream_chunk",
        "llm_call_failed",
    ]
    assert end == {"status": "failed", "frames": 3, "error": "no more\nwords", "error_type": "LookupError"}


@pytest.mark.parametrize("count", [12, pytest.param(300, marks=pytest.mark.slow)])
@of_each_kind
async def test_a_client_cut_off_after_each_frame_has_all_frames_once(make: Callable[[int], Any], count: int) -> None:
    """Each connection gives up after one frame, and the next one says what it has seen."""

    session = make(count)
    received: list[dict[str, str]] = []
    async with Client(sse(session, linger_s=None)) as whole:
        while True:
            headers = {"last-event-id": received[-1]["id"]} if received else {}
            async with Client(sse(session, linger_s=None), headers=headers) as client:
                new, _ = split(await client.events(1))
            if client.status == 204:
                await whole.whole()
                break
            received += new[:1]

    assert received == [event_of(frame) for frame in session.frames]
    assert len(received) == count + 2


async def test_a_session_that_was_read_to_its_end_elsewhere_is_sent_whole_and_resumed() -> None:
    session = Words(3).stream_events("Go on")
    for _ in session:
        pass
    resumed = await asked(sse(session), headers={"last-event-id": "4"})

    assert [event.get("id") for event in events(resumed)] == ["5", None]
    assert len(events(await asked(sse(session)))) == 6
    assert (await asked(sse(session), headers={"last-event-id": "5"})).status == 204
    runs = Runs()
    run = runs.add(Words(3).stream_events("Go on"))
    assert len(list(runs.get(run))) == 5
    assert runs.end(run)
    assert len(events(await asked(runs.sse(run)))) == 6


async def test_a_session_that_has_not_begun_is_not_run_for_a_client_that_comes_back() -> None:
    words = Words(3)
    session = words.stream_events("Go on")
    client = await asked(sse(session), headers={"last-event-id": "2"})

    assert (client.status, client.body, words.calls) == (204, b"", 0)
    assert session.is_cancelled


@pytest.mark.parametrize(
    ("last", "told"),
    [
        ("two", "'two'; expected the seq of a frame"),
        ("-1", "'-1'"),
        ("٣", "expected the seq"),
        ("9" * 400, "expected the seq"),
        ("99", "99, and the run has come to frame 5 only"),
    ],
)
async def test_an_id_that_no_frame_has_is_refused(last: str, told: str) -> None:
    session = Words(3).stream_events("Go on")
    for _ in session:
        pass
    app = sse(session)
    client = Client(app)
    client.scope["headers"] = [(b"host", HOST.encode()), (b"last-event-id", last.encode("latin-1", "replace"))]
    if not last.isascii():
        told = "expected the seq"

    async with client:
        await client.whole()
    assert client.status == 400
    assert told in json.loads(client.body)["error"]


async def test_an_empty_or_zero_id_means_from_the_beginning() -> None:
    for last in ("", "0"):
        client = await asked(sse(Words(1).stream_events("Go on")), headers={"last-event-id": last})
        assert [event.get("id") for event in events(client)] == ["1", "2", "3", None]


async def test_a_run_that_is_silent_is_kept_alive_by_comments() -> None:
    words = Words(1, held=True)
    async with Client(sse(words.stream_events("Go on"), heartbeat_s=0.01)) as client:
        await client.until(b": \n\n", times=2)
    words.let(1)
    assert len(events_of(client.body)) == 1


# Who goes on, and who is held back.


async def test_a_client_that_leaves_ends_the_run() -> None:
    words = Words(5, held=True)
    session = words.stream_events("Go on")
    async with Client(sse(session)) as client:
        await client.events(1)
    words.let(5)
    assert session.is_cancelled


async def test_a_run_goes_on_without_a_client_where_the_app_says_so() -> None:
    words = Words(500, held=True)
    session = words.stream_events("Go on")
    async with Client(sse(session, linger_s=None, ahead=2)) as client:
        await client.events(1)
    words.let(500)
    assert await asyncio.to_thread(words.spoke.wait, PATIENCE_S)
    await asked(sse(session))
    assert session.is_exhausted
    assert len(session.frames) == 502


async def test_a_run_waits_for_its_client_for_as_long_as_the_app_says(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = asyncio.Event()
    words, others = Words(2, held=True), Words(2, held=True)
    back, away = words.stream_events("Go on"), others.stream_events("Go on")
    close = away.close

    def tell() -> None:
        close()
        closed.set()

    monkeypatch.setattr(away, "close", tell)
    app = sse(back, linger_s=PATIENCE_S)
    for session, response in ((back, app), (away, sse(away, linger_s=0.02))):
        async with Client(response) as client:
            await client.events(1)
        assert not session.is_completed
    async with asyncio.timeout(PATIENCE_S):
        await closed.wait()
    others.let(2)
    async with Client(app, headers={"last-event-id": "1"}) as client:
        words.let(2)
        await client.whole()
    assert back.is_exhausted
    assert away.is_cancelled


async def test_of_two_clients_the_one_that_stays_keeps_the_run() -> None:
    words = Words(2, held=True)
    session = words.stream_events("Go on")
    async with Client(sse(session)) as stays:
        async with Client(sse(session)) as leaves:
            await leaves.events(1)
        words.let(2)
        await stays.whole()
    frames, _ = split(events(stays))
    assert session.is_exhausted
    assert frames == [event_of(frame) for frame in session.frames]


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_a_slow_client_holds_the_run_back(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more is made than the look-ahead of session and feed allow."""
    count, look_ahead, ahead = 400, 8, 16
    limits = watched_limits(monkeypatch)
    waits = threading.Event()

    class WatchedFeed(Feed):
        def _has_room(self) -> bool:
            has_room = super()._has_room()
            if not has_room:
                waits.set()
            return has_room

    monkeypatch.setattr("harness.web.feed.Feed", WatchedFeed)

    session = (
        Words(count).stream_events("Go on", look_ahead=look_ahead)
        if kind == "sync"
        else AsyncWords(count).astream("Go on", look_ahead=look_ahead)
    )
    client = Client(sse(session, ahead=ahead, linger_s=None, heartbeat_s=0))
    client.stall(1)  # its head
    async with client:
        assert await asyncio.to_thread(waits.wait, PATIENCE_S)
        await asyncio.to_thread(limits[0].wait_until_full, ahead + look_ahead)
        made = len(session.frames)
        client.take()
        await client.whole()
    assert made == ahead + look_ahead
    assert session.is_exhausted
    assert split(events(client))[0] == [event_of(frame) for frame in session.frames]


async def test_a_client_that_takes_nothing_is_let_go_and_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.web.response._STALLED_S", 0.01)
    session = AsyncWords(400).astream("Go on")
    client = Client(sse(session, ahead=1))
    client.stall(1)  # its head
    async with client, asyncio.timeout(PATIENCE_S):
        await client._task
    assert session.is_cancelled


# Who may read it.

SITES = [
    pytest.param({}, 200, id="no-browser"),
    pytest.param({"origin": f"http://{HOST}"}, 200, id="own-page"),
    pytest.param({"sec-fetch-site": "same-origin"}, 200, id="own-page-get"),
    pytest.param({"origin": "https://app.example"}, 200, id="allowed"),
    pytest.param({"origin": "http://app.example"}, 403, id="allowed-host-other-scheme"),
    pytest.param({"origin": "https://evil.example"}, 403, id="other-site"),
    pytest.param({"origin": "http://127.0.0.1:9000"}, 403, id="other-port"),
    pytest.param({"origin": f"http://{HOST}.evil.example"}, 403, id="longer-name"),
    pytest.param({"origin": "null"}, 403, id="sandboxed"),
    pytest.param({"origin": "http://[::1"}, 403, id="nonsense"),
    pytest.param({"sec-fetch-site": "cross-site"}, 403, id="image-of-other-site"),
    pytest.param({"sec-fetch-site": "same-site"}, 403, id="sibling-of-the-site"),
]


@pytest.mark.parametrize(("headers", "status"), SITES)
async def test_pages_of_other_sites_are_refused_unless_allowed(headers: dict[str, str], status: int) -> None:
    words = Words(1)
    app = sse(words.stream_events("Go on"), origins=["https://app.example"])
    client = await asked(app, headers=headers)

    assert client.status == status
    assert words.calls == (1 if status == 200 else 0)
    allowed = client.headers.get("access-control-allow-origin")
    assert allowed == (headers["origin"] if headers.get("origin") == "https://app.example" else None)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"format": "xml"}, "there is no format 'xml'; there are frames"),
        ({"origins": "https://a.example"}, "as a list"),
        ({"origins": ["*"]}, "is no origin"),
        ({"origins": ["https://a.example/path"]}, "is no origin"),
        ({"ahead": 0}, "at least 1"),
        ({"linger_s": -1}, "linger_s is in seconds"),
        ({"heartbeat_s": -1}, "heartbeat_s"),
        ({"retry_ms": -1}, "retry_ms"),
    ],
)
async def test_an_option_that_can_not_be_used_is_refused_at_the_call(options: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told.replace("*", "\\*")):
        sse(Words(1).stream_events("Go on"), **options)
    if "format" not in options:
        with pytest.raises(UsageError, match=told.replace("*", "\\*")):
            Runs(**options)


async def test_what_is_no_session_is_refused_at_the_call_and_what_gives_no_frames_when_it_is_read() -> None:
    with pytest.raises(UsageError, match="not int"):
        sse(5)

    class Chunks:
        is_completed = is_cancelled = False
        frames: tuple[str, ...] = ()

        def __iter__(self) -> Any:
            return iter(["a"])

        def close(self) -> None: ...

    _, end = split(events(await asked(sse(Chunks()))))
    assert end is not None
    assert "str, which is no frame" in end["error"]


async def test_what_no_json_holds_in_another_runtimes_frames_is_escaped() -> None:
    made = Words(1).stream_events("Go on")
    frames = [SimpleNamespace(**frame.model_dump()) for frame in made]
    frames[1].data = {"chunk": "half \ud83d", "large": 2**70, "model": object}

    class Foreign:
        is_completed = is_cancelled = False

        def __init__(self) -> None:
            self.frames: list[Any] = []

        def __iter__(self) -> Any:
            for frame in frames:
                self.frames.append(frame)
                yield frame

        def close(self) -> None: ...

    told, end = split(events(await asked(sse(Foreign()))))
    assert end is not None
    assert (len(told), end["status"]) == (3, "completed")
    assert json.loads(told[1]["data"])["data"] == {
        "chunk": {"$text": "half \\ud83d"},
        "large": {"$int": str(2**70)},
        "model": {"$callable": "builtins.object"},
    }
    assert told[0] == event_of(made.frames[0])
