"""Claims about clients of other protocols: they post, unchanged, to a served app, and read what they asked for."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.web import Runs, create_app
from tests.web import targets
from tests.web.asgi import Client, asked, events_of
from tests.web.serving import served

JSON = {"content-type": "application/json", "accept": "text/event-stream"}
AGUI = {"threadId": "thread-of-mine", "runId": "run-of-mine-1", "tools": [], "context": [], "forwardedProps": {}}


@pytest.fixture(autouse=True)
def _gate() -> Iterator[None]:
    targets.GATE.set()
    yield
    targets.GATE.set()


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
    data = [event["data"] for event in events_of(client.body)]
    return [one if one == "[DONE]" else json.loads(one) for one in data]


ASKED = [
    pytest.param("Desk", "agui", agui("Hi"), "You said: Hi", id="conversation-agui"),
    pytest.param("Desk", "vercel", vercel("Hi"), "You said: Hi", id="conversation-vercel"),
    pytest.param("MODEL", "agui", agui("Hi"), "You said: Hi", id="model-agui"),
    pytest.param("MODEL", "vercel", vercel("Hi"), "You said: Hi", id="model-vercel"),
    pytest.param("TideFlow", "agui", agui(None, state={"topic": "moons"}), targets.SAID, id="flow-agui"),
    pytest.param("TideFlow", "vercel", vercel("Go", inputs={"topic": "moons"}), targets.SAID, id="flow-vercel"),
]


@pytest.mark.parametrize(("target", "format", "body", "text"), ASKED)
def test_what_a_client_posts_is_run_and_streamed(target: str, format: str, body: Any, text: str) -> None:
    client = asyncio.run(posted(create_app(f"tests.web.targets:{target}"), format, body))
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


def test_a_thread_of_a_client_is_no_session_that_is_kept_under_that_name() -> None:
    client = asyncio.run(posted(create_app("tests.web.targets:Desk"), "agui", agui("Hi")))
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
    pytest.param("vercel", vercel("Hi", inputs=[]), "inputs are an object", id="inputs"),
    pytest.param("frames", agui("Hi"), "as agui or vercel, not as 'frames'", id="frames"),
]


@pytest.mark.parametrize(("format", "body", "told"), REFUSED)
def test_what_no_client_of_the_protocol_posts_is_refused(format: str, body: Any, told: str) -> None:
    runs = Runs()
    client = asyncio.run(posted(create_app("tests.web.targets:Desk", runs=runs), format, body))

    assert client.status == 400
    assert told in json.loads(client.body)["error"]
    assert not runs._feeds


def test_a_client_that_leaves_ends_its_run() -> None:
    async def leave() -> Any:
        targets.GATE.clear()
        runs = Runs()
        app = create_app("tests.web.targets:Desk", runs=runs)
        body = json.dumps(agui("Wait")).encode()
        async with Client(app, method="POST", path="/runs", query="format=agui", headers=JSON, body=body) as client:
            await client.events(2)
        return runs.get(client.headers["x-run-id"])

    assert asyncio.run(leave()).is_cancelled


@pytest.mark.parametrize("protocol", ["agui", "vercel"])
def test_the_protocols_own_client_holds_a_conversation(protocol: str) -> None:
    folder, node = os.environ.get("HARNESS_JUDGES"), shutil.which("node")
    if not folder or node is None:
        pytest.skip("needs node, and HARNESS_JUDGES: a folder in which tests/bridges/judges/package.json is installed")
    program = Path(__file__).with_name("clients").joinpath(f"{protocol}.mjs").read_text("utf-8")
    with served(create_app("tests.web.targets:Desk")) as url:
        task = json.dumps({"url": f"{url}/runs?format={protocol}", "messages": ["One", "Two"]})
        ended = subprocess.run(
            [node, "--input-type=module", "--eval", program, "-", task],
            cwd=folder, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout.splitlines()[-1])

    assert told["said"][0] == ["You said: One"]
    assert told["said"][1][-1] == "You said: Two"
