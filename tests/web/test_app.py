"""Claims about the served app: what it takes, what it refuses, and whom it answers; and about the store of runs."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from harness.commands.viewer import timeline_page
from harness.errors import UsageError
from harness.frames.channels import CHANNELS
from harness.web import Runs, StoreFullError, create_app
from tests.recording.redact.planted_secrets import BY_FORM
from tests.web import targets
from tests.web.asgi import HOST, Client, asked, events_of
from tests.web.sessions import Words

pytestmark = pytest.mark.asyncio

JSON = {"content-type": "application/json"}


def app_of(name: str, **options: Any) -> Any:
    return create_app(f"tests.web.targets:{name}", **options)


async def sent(app: Any, body: Any, **request: Any) -> Client:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await asked(app, method="POST", path="/runs", body=raw, headers={**JSON, **request})


def document(client: Client) -> Any:
    return json.loads(client.body)


async def answered(app: Any, run: str, **body: Any) -> Client:
    path = f"/runs/{run}/answers"
    return await asked(app, method="POST", path=path, body=json.dumps(body).encode(), headers=JSON)


async def run_of(app: Any, body: Any) -> tuple[Any, list[dict[str, Any]]]:
    """Start a run; return the answer and all frames."""
    started = await sent(app, body)
    assert started.status == 201, started.body
    told = document(started)
    assert started.headers["location"] == told["events"] == f"/runs/{told['run']}/events"
    client = await asked(app, path=told["events"])
    return told, [json.loads(event["data"]) for event in events_of(client.body) if "id" in event]


RUNS = [
    pytest.param("TideFlow", {"inputs": {"topic": "moons"}}, "flow_started", targets.SAID, id="flow-with-a-model"),
    pytest.param("PlainFlow", {"inputs": {"name": "Ann"}}, "flow_started", "hello Ann", id="flow-with-a-dict"),
    pytest.param("PlainFlow", {}, "flow_started", "hello you", id="flow-without-inputs"),
    pytest.param("PlainFlow", {"inputs": {"name": 2**70}}, "flow_started", f"hello {2**70}", id="flow-with-digits"),
    pytest.param("MODEL", {"inputs": {"messages": "Hi"}}, "llm_call_started", "You said: Hi", id="model"),
    pytest.param("CREW", {"inputs": {"topic": "tides"}}, "crew_kickoff_started", targets.SAID, id="crew"),
    pytest.param("crew", {"inputs": {"topic": "tides"}}, "crew_kickoff_started", targets.SAID, id="what-makes-a-crew"),
    pytest.param("greeting", {"inputs": {"name": "Bo", "times": 2}}, "flow_started", "hello Bo 2", id="callable"),
]


@pytest.mark.parametrize(("target", "body", "first", "result"), RUNS)
async def test_a_run_is_started_by_a_post_and_read_by_a_get(target: str, body: Any, first: str, result: str) -> None:
    _, frames = await run_of(app_of(target), body)

    assert [frame["seq"] for frame in frames] == list(range(1, len(frames) + 1))
    assert frames[0]["type"] == first
    ended = [frames[-1]["data"].get(name) for name in ("result", "response", "output")]
    assert result in [one["raw"] if isinstance(one, dict) else one for one in ended]


FIELDS = [
    (
        "TideFlow",
        [("topic", "string", "tides"), ("words", "integer", 20), ("fail", "boolean", False), ("tags", "array", [])],
    ),
    (
        "OddFlow",
        [
            ("limit", "number", None),
            ("most", "integer", None),
            ("post_code", "string", None),
            ("hours", "array", None),
            ("sure", "", None),
            ("when", "", "now"),
            ("look", "", None),
            ("within", "", None),
        ],
    ),
    ("PlainFlow", None),
    ("CREW", None),
    ("MODEL", [("messages", "string", None)]),
    ("greeting", [("name", "string", None), ("times", "", 1), ("title", "string", None)]),
    ("Desk", None),
]


@pytest.mark.parametrize(("target", "fields"), FIELDS, ids=[row[0] for row in FIELDS])
async def test_an_app_tells_what_it_takes(target: str, fields: Any) -> None:
    about = document(await asked(app_of(target), path="/app.json"))

    told = about["fields"] and [(one["name"], one["type"], one["default"]) for one in about["fields"]]
    assert told == fields
    assert about["conversation"] == (target == "Desk")
    assert about["name"]


async def test_an_app_that_is_mounted_tells_where_its_runs_are() -> None:
    around = Starlette(routes=[Mount("/agent", app_of("PlainFlow"))])
    begun = await asked(around, method="POST", path="/agent/runs", body=b"{}", headers=JSON)
    events = document(begun)["events"]
    assert events == begun.headers["location"]
    assert b'"status":"completed"' in (await asked(around, path=events)).body


async def test_a_conversation_goes_on_turn_by_turn() -> None:
    app = app_of("Desk")
    first, frames = await run_of(app, {"message": "One"})
    second, more = await run_of(app, {"message": "Two", "conversation": first["conversation"]})
    assert first["conversation"] == second["conversation"]
    assert first["run"] != second["run"]
    assert [
        (frame["data"]["role"], frame["data"]["content"], frame["data"]["message_index"])
        for frame in [*frames, *more]
        if frame["type"] == "conversation_message_added"
    ] == [
        ("user", "One", 0),
        ("assistant", "You said: One", 1),
        ("user", "Two", 2),
        ("assistant", "You said: Two", 3),
    ]


REFUSED = [
    pytest.param("PlainFlow", b"{", {}, 400, "is not JSON", id="no-json"),
    pytest.param("PlainFlow", b"[]", {}, 400, "no object", id="a-list"),
    pytest.param("PlainFlow", b"[" * 5_000, {}, 400, "is not JSON", id="too-deep"),
    pytest.param("PlainFlow", b" " * (1 << 20) + b"{}", {}, 413, "larger than", id="too-large"),
    pytest.param("PlainFlow", {"inputs": []}, {}, 400, "inputs are an object", id="inputs-no-object"),
    pytest.param("PlainFlow", {"input": {}}, {}, 400, "the body has 'input'", id="unknown-key"),
    pytest.param("PlainFlow", {"inputs": {"id": "of-another"}}, {}, 400, "'id' names a state", id="state-of-another"),
    pytest.param("PlainFlow", {}, {"content-type": "text/plain"}, 415, "application/json", id="a-form-could-send-it"),
    pytest.param(
        "TideFlow", {"inputs": {"words": "many"}}, {}, 400, "Invalid inputs for structured state", id="wrong-type"
    ),
    pytest.param("greeting", {"inputs": {"who": 1}}, {}, 400, "can't be started with the inputs", id="wrong-name"),
    pytest.param("MODEL", {}, {}, 400, "can't be started", id="no-prompt"),
    pytest.param("PlainFlow", {"message": "Hi"}, {}, 400, "is no conversation", id="no-conversation"),
    pytest.param("Desk", {}, {}, 400, "is a conversation; send a message", id="no-message"),
    pytest.param("Desk", {"message": "  "}, {}, 400, "not blank", id="blank"),
    pytest.param("Desk", {"message": "Hi", "conversation": "unknown"}, {}, 404, "no such conversation", id="restarted"),
    pytest.param("PlainFlow", {}, {"host": "evil.example"}, 421, "not known as 'evil.example'", id="rebound-name"),
    pytest.param("PlainFlow", {}, {"host": "evil.example:8000"}, 421, "not known as", id="rebound-name-and-port"),
    pytest.param("PlainFlow", {}, {"host": ""}, 421, "not known as ''", id="no-host"),
    pytest.param("PlainFlow", {}, {"origin": "https://evil.example"}, 403, "may not use", id="other-site"),
]


@pytest.mark.parametrize(("target", "body", "headers", "status", "told"), REFUSED)
async def test_what_is_sent_wrongly_is_refused_and_runs_nothing(
    target: str, body: Any, headers: dict[str, str], status: int, told: str
) -> None:
    runs = Runs()
    client = await sent(app_of(target, runs=runs), body, **headers)

    assert client.status == status
    assert told in document(client)["error"]
    assert not runs._feeds


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8000", "LOCALHOST", "[::1]:8000", "mine.example"])
async def test_the_names_of_loopback_and_allowed_ones_are_answered(host: str) -> None:
    app = app_of("PlainFlow", hosts=("127.0.0.1", "localhost", "::1", "mine.example"))
    assert (await asked(app, path="/app.json", headers={"host": host})).status == 200


async def test_an_allowed_site_may_ask_first_and_another_may_not() -> None:
    app = app_of("PlainFlow", origins=["https://app.example"])
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    allowed, other = [
        await asked(app, path="/runs", method="OPTIONS", headers={**asks, "origin": origin})
        for origin in ("https://app.example", "https://evil.example")
    ]

    assert (allowed.status, allowed.headers["access-control-allow-origin"]) == (200, "https://app.example")
    assert other.status == 403
    assert "access-control-allow-origin" not in other.headers


async def test_the_page_may_be_reached_by_a_link_and_can_not_be_framed_or_extended() -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    page = await asked(app_of("PlainFlow"), headers=link)
    framed = await asked(app_of("PlainFlow"), headers={**link, "sec-fetch-dest": "iframe"})

    policy = page.headers["content-security-policy"]
    assert (page.status, framed.status) == (200, 403)
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert b"<script src" not in page.body
    assert b"http://www.w3.org" in page.body
    assert page.body.count(b"http") == 1, "it loads nothing; the one address is the name of SVG"


async def test_the_page_listens_to_each_channel_and_has_a_colour_for_it_by_day_and_by_night() -> None:
    page = (await asked(app_of("PlainFlow"))).body.decode()
    heard = re.search(r"for \(const channel of (\[.*?\])\)", page)

    assert heard is not None
    assert set(json.loads(heard[1])) == set(CHANNELS)
    assert {name: len(re.findall(rf"--{name}: #", page)) for name in CHANNELS} == dict.fromkeys(CHANNELS, 2)


async def test_a_run_is_ended_by_a_delete_and_its_status_is_told() -> None:
    targets.GATE.clear()
    app = app_of("TideFlow")
    told = document(await sent(app, {}))
    where = f"/runs/{told['run']}"
    statuses = [document(await asked(app, path=where))["status"]]
    async with Client(app, path=told["events"]) as client:
        await client.events(12)
        statuses.append(document(await asked(app, path=where))["status"])
        assert (await asked(app, path=where, method="DELETE")).status == 204
        await client.whole()
    statuses.append(json.loads(events_of(client.body)[-1]["data"])["status"])
    statuses.append(document(await asked(app, path=where))["status"])
    assert statuses == ["running", "running", "cancelled", "cancelled"]


async def test_a_turn_while_one_is_open_is_refused() -> None:
    app = app_of("Desk")
    targets.GATE.clear()
    told = document(await sent(app, {"message": "Wait"}))
    again = {"message": "Two", "conversation": told["conversation"]}
    async with Client(app, path=told["events"]) as client:
        await client.events(5)
        refused = await sent(app, again)
        targets.GATE.set()
        await client.whole()
    assert [refused.status, (await sent(app, again)).status] == [409, 201]


# The store.


async def test_ended_runs_make_room_and_are_told_from_unknown_ones() -> None:
    runs = Runs(most=2)
    first, second = (runs.add(Words(1).stream_events("Go on")) for _ in range(2))
    await asked(runs.sse(second))
    third = runs.add(Words(1).stream_events("Go on"))
    statuses = [(await asked(runs.sse(run))).status for run in (first, second, third, "never")]
    assert runs.get(first) is None
    assert runs.get(second).is_exhausted
    assert statuses == [410, 200, 200, 404]


async def test_ended_runs_are_put_out_for_the_frames_that_they_hold() -> None:
    runs = Runs(most_frames=25)
    ids = []
    for _ in range(4):
        ids.append(runs.add(Words(8).stream_events("Go on")))
        await asked(runs.sse(ids[-1]))
    assert [runs.get(run) is not None for run in ids] == [False, True, True, True]


async def test_a_store_whose_runs_are_all_under_way_takes_no_other() -> None:
    runs = Runs(most=1)
    app = app_of("PlainFlow", runs=runs)
    words = Words(1, held=True)
    run = runs.add(words.stream_events("Go on"))
    async with Client(runs.sse(run)) as client:
        await client.events(1)
        with pytest.raises(StoreFullError, match="1 runs are under way"):
            runs.add(Words(1).stream_events("Go on"))
        refused = await sent(app, {})
        words.let(1)
        await client.whole()
    assert (refused.status, refused.headers["retry-after"], (await sent(app, {})).status) == (503, "5", 201)


async def test_ids_are_long_and_never_the_same_and_one_that_is_taken_is_refused() -> None:
    runs = Runs()
    ids = {runs.add(Words(1).stream_events("Go on")) for _ in range(100)}
    assert len(ids) == 100
    assert all(len(run) >= 20 for run in ids)
    with pytest.raises(UsageError, match="already"):
        runs.add(Words(1).stream_events("Go on"), ids.pop())
    with pytest.raises(UsageError, match="1 to 200 characters"):
        runs.add(Words(1).stream_events("Go on"), "x" * 201)


async def test_an_unknown_run_or_format_is_answered_clearly() -> None:
    app = app_of("PlainFlow")
    told = document(await sent(app, {}))
    clients = [
        await asked(app, path="/runs/none/events"),
        await asked(app, path="/runs/none"),
        await asked(app, path="/runs/none", method="DELETE"),
        await asked(app, path=told["events"], query="format=xml"),
        await asked(app, path="/nothing"),
    ]
    assert [(client.status, document(client)["error"][:22]) for client in clients] == [
        (404, "there is no such run h"),
        (404, "there is no such run h"),
        (404, "there is no such run h"),
        (400, "there is no format 'xm"),
        (404, "Not Found"),
    ]


@pytest.mark.parametrize(
    ("path", "methods"),
    [("/", "GET, HEAD"), ("/runs", "POST"), ("/runs/none", "DELETE, GET, HEAD"), ("/runs/none/events", "GET, HEAD")],
)
async def test_a_method_that_is_none_is_told_those_that_are(path: str, methods: str) -> None:
    client = await asked(app_of("PlainFlow"), path=path, method="PUT", headers={"host": HOST})
    assert (client.status, ", ".join(sorted(client.headers["allow"].split(", ")))) == (405, methods)


async def test_what_fails_inside_the_server_tells_strangers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_of("PlainFlow")
    monkeypatch.setattr(targets.PlainFlow, "stream_events", lambda self, inputs=None: 1 / 0)

    client = Client(app, method="POST", path="/runs", body=b"{}", headers=JSON)
    with pytest.raises(ZeroDivisionError):
        async with client:
            await client.whole()
    assert (client.status, document(client)["error"]) == (500, "the server failed at this request")


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("tests.web.targets", "expected package.module"),
        ("tests.web.targets:No", "no attribute 'No'"),
        ("tests.web.targets:NamedFlow", "can't be made: TypeError: .* required positional argument: 'name'"),
    ],
)
async def test_a_target_that_can_not_be_served_is_refused_when_the_app_is_made(target: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        create_app(target)


async def test_the_timeline_of_a_run_is_a_page_where_the_app_has_one() -> None:
    """It is judged once the run has ended; it may load nothing, and speak to nobody."""
    made: list[tuple[str, int, bool]] = []

    def page(title: str, frames: Any, *, is_whole: bool) -> str:
        made.append((title, len(frames), is_whole))
        return "<!doctype html><p>timeline"

    app = create_app("tests.web.targets:PlainFlow", timeline=page)
    told, frames = await run_of(app, {})
    shown = await asked(app, path=f"/runs/{told['run']}/timeline")
    assert shown.body.endswith(b"timeline")
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert made == [("PlainFlow", len(frames), True)]
    assert (await asked(app, path="/runs/nobody/timeline")).status == 404
    assert document(await asked(app, path="/app.json"))["timeline"] is True


async def test_a_stream_tells_what_a_run_says_and_the_page_that_can_be_kept_no_secret_of_it() -> None:
    key = next(planted for planted in BY_FORM if planted.id == "anthropic")
    app = create_app("tests.web.targets:PlainFlow", timeline=timeline_page)
    told, frames = await run_of(app, {"inputs": {"name": key.value}})
    assert key.value in json.dumps(frames[-1])
    shown = await asked(app, path=f"/runs/{told['run']}/timeline")
    assert b"hello sk-ant-api03-***" in shown.body
    assert key.core[:12].encode() not in shown.body


async def test_a_run_asks_its_clients_and_never_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each question is told with what it is about; a wrong number is refused; what has paused goes on in a run of its own."""
    monkeypatch.setattr("builtins.input", lambda prompt: pytest.fail("the server's terminal was asked"))
    app = create_app("tests.web.targets:AskingFlow")
    told = document(await sent(app, {"inputs": {}}))
    run = told["run"]
    async with Client(app, path=told["events"]) as client:
        await client.until(b'"message":"Who are you?","number":1')
        assert (await answered(app, run, answer="Bo", question=7)).status == 409
        assert (await answered(app, run, answer=7)).status == 400
        assert (await answered(app, run, answer="Ann")).status == 204
        await client.until(b'"message":"Is it good?","number":2')
        assert b'"about":"Good morning, Ann!"' in client.body
        assert (await answered(app, run, answer="yes", question=2)).status == 204
        await client.until(b"event: end")
    asks = [json.loads(event["data"])["questions"] for event in events_of(client.body) if event["event"] == "ask"]
    assert [[one["number"] for one in questions] for questions in asks if questions] == [[1], [2]]
    assert b'"type":"flow_paused"' in client.body

    resumed = await answered(app, run, answer="now")
    assert resumed.status == 201
    assert (await answered(app, run, answer="now")).status == 409
    rest = await asked(app, path=document(resumed)["events"])
    assert b"sent: Good morning, Ann! (yes) now" in rest.body
    assert (await answered(app, "nobody", answer="now")).status == 404
    for paused, status in (
        ({"flow": "f", "request": "r"}, 409),
        ({"flow": "f"}, 400),
        ([], 400),
        ({"flow": 1, "request": "r"}, 400),
    ):
        assert (await answered(app, "nobody", answer="now", paused=paused)).status == status


@pytest.mark.parametrize("format", ["frames", "agui", "vercel"])
async def test_a_question_that_no_protocol_can_send_is_asked_escaped(format: str) -> None:
    app = create_app("tests.web.targets:UnwritableFlow")
    told = document(await sent(app, {"inputs": {}}))
    async with Client(app, path=told["events"], query=f"format={format}") as client:
        await client.until(rb'"message":"Who is \\udcff?"')
        await answered(app, told["run"], answer="Ann")
        await client.until(b'"result":"Ann"')


async def test_a_question_that_nobody_waits_for_is_asked_no_more() -> None:
    app = create_app("tests.web.targets:AskingFlow")
    told = document(await sent(app, {"inputs": {"timeout": 0.05}}))
    async with Client(app, path=told["events"]) as client:

        def open_now() -> list[str]:
            told = [json.loads(each["data"]) for each in events_of(client.body) if each["event"] == "ask"]
            return [question["message"] for question in told[-1]["questions"]] if told else []

        # The next question may be asked before the first one is taken back.
        await client.when(lambda: open_now() == ["Is it good?"])
        assert (await asked(app, method="DELETE", path=f"/runs/{told['run']}")).status == 204
        await client.until(b'"status":"cancelled"')


async def test_a_client_that_comes_back_is_told_that_a_question_has_been_answered() -> None:
    targets.GATE.clear()
    app = create_app("tests.web.targets:AskingOnce")
    told = document(await sent(app, {"inputs": {}}))
    async with Client(app, path=told["events"]) as away:
        await away.until(b"event: ask")
        await away.until(b"id: ")  # the question may be told before the first frame
    assert (await answered(app, told["run"], answer="Ann")).status == 204
    last = {"last-event-id": [event["id"] for event in events_of(away.body) if "id" in event][-1]}
    async with Client(app, path=told["events"], headers=last) as back:
        await back.until(b'"questions":[]')
        targets.GATE.set()
        await back.until(b'"status":"completed"')


async def test_a_look_at_the_head_of_a_run_begins_nothing() -> None:
    runs = Runs()
    app = create_app("tests.web.targets:PlainFlow", runs=runs)
    told = document(await sent(app, {"inputs": {}}))
    for headers in ({}, {"last-event-id": "3"}):
        head = await asked(app, method="HEAD", path=told["events"], headers={"host": HOST, **headers})
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-type"].startswith("text/event-stream")
        assert "content-length" not in head.headers
    feed = runs.feed(told["run"])
    assert feed is not None
    assert feed.is_fresh
    whole = await asked(app, path=told["events"])
    assert b'"status":"completed"' in whole.body
