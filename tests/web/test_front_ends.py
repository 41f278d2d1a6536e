"""Claims about clients of other protocols: they post, unchanged, to a served app, and read what they asked for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.web import Runs, create_app
from harness.web.front_ends import FrontEndAnswer, front_end_request
from tests.web import targets
from tests.web.asgi import Client, asked, events_of
from tests.web.serving import served

pytestmark = pytest.mark.asyncio

JSON = {"content-type": "application/json", "accept": "text/event-stream"}
AGUI = {"threadId": "thread-of-mine", "runId": "run-of-mine-1", "tools": [], "context": [], "forwardedProps": {}}


def agui(text: str | None, **more: Any) -> dict[str, Any]:
    messages = [] if text is None else [{"id": "m", "role": "user", "content": text}]
    return {**AGUI, "messages": messages, "state": {}, **more}


def vercel(text: str, **more: Any) -> dict[str, Any]:
    parts = [{"type": "text", "text": text}]
    return {"id": "chat-of-mine", "messages": [{"id": "m", "role": "user", "parts": parts}], **more}


async def posted(app: Any, format: str, body: Any) -> Client:
    return await asked(
        app, method="POST", path="/runs", query=f"format={format}", headers=JSON, body=json.dumps(body).encode()
    )


def data_of(client: Client) -> list[Any]:
    return data_of_text(client.body.decode())


def data_of_text(text: str) -> list[Any]:
    data = [event["data"] for event in events_of(text.encode())]
    return [one if one == "[DONE]" else json.loads(one) for one in data]


@pytest.mark.parametrize(
    ("format", "part"),
    [
        ("agui", {"type": "image", "source": {"type": "url", "value": "https://example.org/a.png"}}),
        ("vercel", {"type": "file", "mediaType": "image/png", "url": "data:image/png;base64,c2hpcA=="}),
    ],
)
async def test_a_message_is_not_answered_without_its_image(format: str, part: dict[str, Any]) -> None:
    parts = [{"type": "text", "text": "What is this?"}, part]
    body = agui(None) if format == "agui" else vercel("")
    body["messages"] = [{"id": "m", "role": "user", "content" if format == "agui" else "parts": parts}]
    statuses = {}
    for target in ("Desk", "MODEL", "TideFlow"):
        client = await posted(create_app(f"tests.web.targets:{target}"), format, body)
        statuses[target] = client.status
    # A flow that is no conversation takes no message.
    assert statuses == {"Desk": 400, "MODEL": 400, "TideFlow": 200}


ASKED = [
    pytest.param("Desk", "agui", agui("Hi"), "You said: Hi", id="conversation-agui"),
    pytest.param("Desk", "vercel", vercel("Hi"), "You said: Hi", id="conversation-vercel"),
    pytest.param("MODEL", "agui", agui("Hi"), "You said: Hi", id="model-agui"),
    pytest.param("MODEL", "vercel", vercel("Hi"), "You said: Hi", id="model-vercel"),
    pytest.param("TideFlow", "agui", agui(None, state={"topic": "moons"}), targets.SAID, id="flow-agui"),
    pytest.param("TideFlow", "vercel", vercel("Go", inputs={"topic": "moons"}), targets.SAID, id="flow-vercel"),
]


@pytest.mark.parametrize(("target", "format", "body", "text"), ASKED)
async def test_what_a_client_posts_is_run_and_streamed(target: str, format: str, body: Any, text: str) -> None:
    client = await posted(create_app(f"tests.web.targets:{target}"), format, body)
    events = data_of(client)
    deltas = [
        event["delta"]
        for event in events
        if event != "[DONE]" and event["type"] in {"TEXT_MESSAGE_CONTENT", "text-delta"}
    ]

    assert client.status == 200
    assert "".join(deltas).endswith(text)
    assert len(client.headers["x-run-id"]) > 20
    if format == "agui":
        assert (events[0]["threadId"], events[0]["runId"]) == ("thread-of-mine", "run-of-mine-1")
        assert events[-1]["type"] == "RUN_FINISHED"
    else:
        assert client.headers["x-vercel-ai-ui-message-stream"] == "v1"
        assert events[-1] == "[DONE]"


async def test_a_thread_of_a_client_is_no_session_that_is_kept_under_that_name() -> None:
    client = await posted(create_app("tests.web.targets:Desk"), "agui", agui("Hi"))
    sessions = {
        event["rawEvent"]["data"]["session_id"]
        for event in data_of(client)
        if event.get("rawEvent", {}).get("data", {}).get("session_id")
    }

    assert len(sessions) == 1
    assert sessions.pop().startswith("web-")


REFUSED = [
    pytest.param("agui", agui("Hi", threadId="1"), "threadId is an id of 8 to 200", id="an-id-to-guess"),
    pytest.param("agui", agui("Hi", runId=7), "runId is an id", id="no-id"),
    pytest.param("agui", agui("Hi", messages="Hi"), "messages are a list", id="messages"),
    pytest.param("agui", agui("Hi", messages=[{"role": "user", "content": 5}]), "content of a message", id="content"),
    pytest.param("agui", agui(None), "no message of the user", id="nothing-said"),
    pytest.param(
        "agui", agui("Hi", messages=[{"role": "user", "content": [{"type": []}]}]), "no message", id="type-of-a-part"
    ),
    pytest.param("vercel", vercel("Hi", inputs=[]), "inputs are an object", id="inputs"),
    pytest.param("frames", agui("Hi"), "as agui or vercel, not as 'frames'", id="frames"),
]


@pytest.mark.parametrize(("format", "body", "told"), REFUSED)
async def test_what_no_client_of_the_protocol_posts_is_refused(format: str, body: Any, told: str) -> None:
    runs = Runs()
    client = await posted(create_app("tests.web.targets:Desk", runs=runs), format, body)

    assert client.status == 400
    assert told in json.loads(client.body)["error"]
    assert not runs._feeds


async def test_a_client_that_leaves_ends_its_run() -> None:
    targets.GATE.clear()
    runs = Runs()
    app = create_app("tests.web.targets:Desk", runs=runs)
    body = json.dumps(agui("Wait")).encode()
    async with Client(app, method="POST", path="/runs", query="format=agui", headers=JSON, body=body) as client:
        await client.events(2)
    assert runs.get(client.headers["x-run-id"]).is_cancelled


@pytest.mark.parametrize("keeps", [True, False], ids=["the-same-server", "another-server"])
@pytest.mark.parametrize("format", ["agui", "vercel"])
async def test_a_client_is_asked_and_answers_in_its_protocols_own_way(format: str, keeps: bool) -> None:
    """While a run waits by a request beside its stream; one that has paused by the next run, also of another process."""
    app = create_app("tests.web.targets:AskingFlow")
    body = json.dumps(agui(None) if format == "agui" else vercel("Go")).encode()
    at = {"method": "POST", "path": "/runs", "query": f"format={format}", "headers": JSON}
    async with Client(app, body=body, **at) as client:  # type: ignore[arg-type]
        for number, (question, answer) in enumerate((("Who are you?", "Ann"), ("Is it good?", "yes")), start=1):
            await client.until(b'"number":%d,"message":"%b"' % (number, question.encode()))
            ask = next(filter(None, map(question_of, reversed(data_of(client)))))
            assert [one["message"] for one in ask["questions"]] == [question]
            path = f"/runs/{ask['run']}/answers"
            answered = json.dumps({"answer": answer, "question": number}).encode()
            assert (await asked(app, method="POST", path=path, headers=JSON, body=answered)).status == 204
        await client.whole()
    events = data_of(client)
    assert list(filter(None, map(question_of, events)))[-1]["questions"] == []

    if not keeps:
        app = create_app("tests.web.targets:AskingFlow")
    rest, again = [await posted(app, format, ANSWERS[format](events, "now")) for _ in range(2)]
    assert (rest.status, again.status) == (200, 409)
    told = rest.body.decode()
    assert "sent: Good morning, Ann! (yes) now" in told
    if format == "vercel":
        request = next(one for one in reversed(events) if "approvalId" in one)["toolCallId"]
        assert f'"messageId":"{events[0]["messageId"]}"' in told
        output = {"type": "tool-output-available", "toolCallId": request, "output": {"feedback": "now"}}
        assert output in data_of_text(told)


def question_of(event: Any) -> Any:
    """Return what a run asks its clients, where an event tells it."""
    if event == "[DONE]":
        return None
    return (
        event.get("value")
        if event.get("name") == "harness.ask"
        else event.get("data")
        if event["type"] == "data-ask"
        else None
    )


def agui_answer(events: list[Any], text: str) -> Any:
    [interrupt] = events[-1]["outcome"]["interrupts"]
    entry = {"interruptId": interrupt["id"], "status": "resolved", "payload": text, "metadata": interrupt["metadata"]}
    return agui(None, runId="run-of-mine-2", resume=[entry])


def vercel_answer(events: list[Any], text: str) -> Any:
    told = [one for one in events if one != "[DONE]"]
    request = next(one for one in reversed(told) if "approvalId" in one)
    approval = {"id": request["approvalId"], "approved": True, "reason": text}
    parts = [one for one in told if one["type"].startswith("data-")]
    parts.append(
        {
            "type": "tool-human_feedback",
            "state": "approval-responded",
            "toolCallId": request["toolCallId"],
            "approval": approval,
        }
    )
    answered = {"id": events[0]["messageId"], "role": "assistant", "parts": parts}
    return {**vercel("Go"), "messages": [*vercel("Go")["messages"], answered]}


ANSWERS = {"agui": agui_answer, "vercel": vercel_answer}


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ("so be it", "so be it"),
        ({"approved": True, "reason": "fine"}, "fine"),
        ({"approved": False}, "rejected"),
        ({"approved": True, "reason": ""}, "approved"),
        (True, "approved"),
        (["a", 1], '["a",1]'),
        (json.loads("[" * 300 + "]" * 300), "[" * 300 + "]" * 300),
        (None, ""),
    ],
)
async def test_an_answer_is_words_whatever_its_form(payload: Any, text: str) -> None:
    entry = {"interruptId": "q", "status": "resolved", "payload": payload}
    asked = front_end_request("agui", agui(None, resume=[entry]))
    assert asked.answer == FrontEndAnswer("q", text, None)


def node_ran(program: str, task: dict[str, Any]) -> Any:
    """Return what a client in node has understood of a server."""
    folder, node = os.environ.get("HARNESS_JUDGES"), shutil.which("node")
    if not folder or node is None:
        pytest.skip("needs node, and HARNESS_JUDGES: a folder in which tests/bridges/judges/package.json is installed")
    written = Path(__file__).with_name("clients").joinpath(f"{program}.mjs").read_text("utf-8")
    ended = subprocess.run(
        [node, "--input-type=module", "--eval", written, "-", json.dumps(task)],
        cwd=folder, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


@pytest.mark.parametrize("protocol", ["agui", "vercel"])
async def test_the_protocols_own_client_holds_a_conversation(protocol: str) -> None:
    with served(create_app("tests.web.targets:Desk")) as url:
        told = node_ran(protocol, {"url": f"{url}/runs?format={protocol}", "messages": ["One", "Two"]})

    assert told["said"][0] == ["You said: One"]
    assert told["said"][1][-1] == "You said: Two"


@pytest.mark.parametrize("protocol", ["agui", "vercel"])
async def test_the_protocols_own_client_answers_what_a_run_asks(protocol: str) -> None:
    with served(create_app("tests.web.targets:AskingFlow")) as url:
        task = {"url": f"{url}/runs?format={protocol}", "answers": ["Ann", "yes"], "resume": "now"}
        told = node_ran(f"{protocol}_asked", task)

    assert told["asked"] == ["Who are you?", "Is it good?"]
    assert told["interrupts"] == ["May it go out?"]
    assert told["result"] == "sent: Good morning, Ann! (yes) now"
    if protocol == "vercel":
        assert (told["messages"], set(told["states"])) == (2, {"output-available"})
