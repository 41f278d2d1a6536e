"""Claims about real servers: many clients at once, frameworks of others, the command, and a stranger's reader of SSE."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from httpx_sse import connect_sse
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from harness import Flow, start
from harness.web import Runs, sse
from harness.web.server import serve_app
from tests.commands.command_line import Run, runner
from tests.web import targets
from tests.web.asgi import events_of
from tests.web.serving import served
from tests.web.sessions import PATIENCE_S, AsyncWords, Words

ROOT: Final = Path(__file__).parents[2]
WORDS: Final = 30


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(capsys)


# Many at once.


def counted_app(kind: str) -> Starlette:
    runs = Runs(linger_s=PATIENCE_S)

    async def begin(request: Any) -> Response:
        model: Any = Words(WORDS) if kind == "sync" else AsyncWords(WORDS)
        session = model.stream_events("Go on") if kind == "sync" else model.astream("Go on")
        return JSONResponse(runs.add(session))

    async def follow(request: Any) -> Response:
        return runs.sse(request.path_params["run"])

    return Starlette(routes=[Route("/", begin, methods=["POST"]), Route("/{run}", follow)])


async def read_cut(port: int, run: str, cuts: int) -> list[str]:
    """Read a run over raw sockets, cutting the connection `cuts` times after a new frame; return the ids of all frames."""
    ids: list[str] = []
    status = b""
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        last = f"Last-Event-ID: {ids[-1]}\r\n" if ids else ""
        writer.write(f"GET /{run} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{last}Connection: close\r\n\r\n".encode())
        status = await reader.readline()
        while (line := await reader.readline()) and not line.startswith(b"event: end"):
            if line.startswith(b"id: "):
                ids.append(line[4:-1].decode())
                if cuts > 0:
                    cuts -= 1
                    break
        else:
            if line or b" 204 " in status:
                writer.close()
                return ids
        writer.close()


async def post(port: int) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    )
    answer = await reader.read()
    writer.close()
    return str(json.loads(answer.partition(b"\r\n\r\n")[2]))


@pytest.mark.parametrize("clients", [50, pytest.param(500, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_many_clients_at_once_lose_and_double_no_frame(kind: str, clients: int) -> None:
    """Each has a run of its own, and is cut off three times in the middle of it."""

    async def read(port: int) -> list[list[str]]:
        async def one() -> list[str]:
            return await read_cut(port, await post(port), cuts=3)

        async with asyncio.timeout(3 * PATIENCE_S):
            return list(await asyncio.gather(*(one() for _ in range(clients))))

    with served(counted_app(kind)) as url:
        received = asyncio.run(read(int(url.rpartition(":")[2])))

    whole = [str(seq) for seq in range(1, WORDS + 3)]
    assert len(received) == clients
    assert [ids for ids in received if ids != whole] == []


@pytest.mark.parametrize("clients", [20, pytest.param(500, marks=pytest.mark.slow)])
def test_many_clients_of_one_run_each_have_all_of_it(clients: int) -> None:
    async def read(port: int) -> list[list[str]]:
        run = await post(port)
        async with asyncio.timeout(3 * PATIENCE_S):
            return list(await asyncio.gather(*(read_cut(port, run, cuts=1) for _ in range(clients))))

    with served(counted_app("sync")) as url:
        received = asyncio.run(read(int(url.rpartition(":")[2])))

    assert received == [[str(seq) for seq in range(1, WORDS + 3)]] * clients


# In apps of others.


class StreamingFlow(Flow[dict[str, Any]]):
    stream = True

    @start()
    def write(self) -> Any:
        return Words(5).call("Go on")


def test_a_crew_in_the_frameworks_own_response_is_streamed_as_ported_programs_do_it() -> None:
    """Chunk by chunk, without frames; only what is imported is another."""
    app = FastAPI()

    @app.get("/stream/{topic}")
    async def stream_content(topic: str) -> StreamingResponse:
        crew = targets.crew()

        def generate() -> Iterator[str]:
            for chunk in crew.kickoff(inputs={"topic": topic}):
                yield f"data: {chunk}\n\n"
            yield "data: [DONE]\n\n"

        return StreamingResponse(generate(), media_type="text/event-stream")

    with served(app) as url:
        body = httpx.get(f"{url}/stream/tides", timeout=PATIENCE_S).content

    said = [event["data"] for event in events_of(body)]
    assert said[-1] == "[DONE]"
    assert "".join(said[:-1]).endswith(targets.SAID)


def test_an_endpoint_of_fastapi_returns_a_session_and_a_strangers_reader_reads_it() -> None:
    app, runs = FastAPI(), Runs()

    @app.get("/stream/{topic}")
    async def stream(topic: str) -> Response:
        return sse(StreamingFlow().stream_events(inputs={"topic": topic}))

    @app.post("/runs")
    def begin() -> str:
        return runs.add(StreamingFlow().stream_events())

    @app.get("/runs/{run}")
    async def follow(run: str, request: Request) -> Response:
        return runs.sse(run, format=request.query_params.get("format", "frames"))

    with served(app) as url, httpx.Client(base_url=url, timeout=PATIENCE_S) as client:
        run = client.post("/runs").json()
        frames: list[Any] = []
        for path in ("/stream/tides", f"/runs/{run}"):
            with connect_sse(client, "GET", path) as source:
                events = list(source.iter_sse())
            frames = [json.loads(event.data) for event in events[:-1]]
            assert [event.id for event in events[:-1]] == [str(frame["seq"]) for frame in frames]
            assert [event.event for event in events] == [*(frame["channel"] for frame in frames), "end"]
            assert [event.retry for event in events] == [1_000] + [None] * len(frames)
            assert frames[-1]["type"] == "flow_finished"
        assert client.get(f"/runs/{run}", headers={"last-event-id": str(len(frames))}).status_code == 204


# The command.


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Run `harness serve`; give the process, its first line and the URL."""
    command = [sys.executable, "-m", "harness", "serve", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            assert " at http://127.0.0." in first, process.communicate(timeout=PATIENCE_S)
            yield process, first, first.split(" at ")[1].strip()
        finally:
            process.kill()


def test_an_app_is_served_at_an_address_of_ipv6() -> None:
    urls: list[str] = []

    def look(url: str) -> None:
        urls.append(url)
        raise KeyboardInterrupt

    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("needs IPv6")
    with pytest.raises(KeyboardInterrupt):
        serve_app("tests.web.targets:Desk", host="::1", ready=look)
    assert re.fullmatch(r"http://\[::1\]:\d+", urls[0])


def test_the_command_serves_an_app_where_it_is_told_and_ctrl_c_ends_it_while_a_client_reads(tmp_path: Path) -> None:
    out = tmp_path / "serve.json"
    # Elsewhere, loopback has one address.
    host = "127.0.0.2" if sys.platform == "linux" else "127.0.0.1"
    with (
        serving("--app", "tests.web.targets:Desk", "--host", host, "--json", str(out)) as (process, first, url),
        httpx.Client(base_url=url, timeout=PATIENCE_S) as client,
    ):
        told = client.post("/runs", json={"message": "Wait"}).json()
        with connect_sse(client, "GET", told["events"]) as source:
            reader = source.iter_sse()
            read = next(reader)
            process.send_signal(signal.SIGINT)
            rest, errors = process.communicate(timeout=PATIENCE_S)

    document = json.loads(out.read_text())
    assert json.loads(read.data)["type"] == "conversation_turn_started"
    assert first == f"serving tests.web.targets:Desk at {url}\n"
    assert document == {"format": "harness.serve/1", "app": "tests.web.targets:Desk", "url": url}
    assert (process.returncode, rest, errors.strip()) == (130, "", "interrupted")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--app", "tests.web.targets:No"), "no attribute 'No'"),
        (("--app", "nothing"), "expected package.module:attribute"),
        (("--app", "tests.web.targets:Desk", "cassettes/openai/text"), "not both at once"),
        (("--app", "tests.web.targets:Desk", "--fault", "500"), "--fault is an option of a recording"),
        (("--app", "tests.web.targets:Desk", "--allow-origin", "*"), "'*' is no origin"),
        (("--app", "tests.web.targets:Desk", "--allow-origin", "http://[::1"), "'http://[::1' is no origin"),
        (("--app", "tests.web.targets:Desk", "--host", "203.0.113.1"), "can't be used"),
        (("--app", "tests.web.targets:Desk", "--host", "é..é"), "port 0 of é..é can't be used"),
        (("--app", "tests.web.targets:Desk", "--host", ""), "the host is ''; expected a name or an address"),
        (("cassettes/openai/text", "--allow-host", "mine"), "--allow-host is an option of an app"),
        ((), "Missing argument 'PATH'"),
    ],
)
def test_an_app_that_can_not_be_served_ends_with_2_and_says_why(
    arguments: tuple[str, ...], told: str, run: Run
) -> None:
    said = run("serve", *arguments)

    assert (said.code, said.out) == (2, "")
    assert told in said.err
