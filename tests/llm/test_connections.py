"""Closing a session ends its provider connection, whichever library holds it, and the server sees it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import boto3
import httpx
import httpx2
import pytest
import requests
import urllib3
from botocore.config import Config

from harness.bus.scope import Run, Scope, current_scope, enter, reset
from harness.errors import RunCancelled
from harness.llm.connections import end_aiohttp_with_runs, end_urllib3_with_runs, end_with_run
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.tape.tape import open_tape
from harness.session.session import AsyncStreamSession, StreamSession
from tests.recording.support.aws_messages import converse_message
from tests.servers.wire_server import Hold, WireRequest, WireResponse, WireServer

PATIENCE_S = 10.0
#: How long a woken reader takes at most; it is woken within a millisecond, the rest is for a busy machine.
AT_ONCE_S = 2.0
#: One message of a ConverseStream; to every other client just bytes.
PIECE = converse_message("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "hi"}})

Where = str
BEFORE_HEADERS, IN_BODY, IN_LAST_BODY = "before the headers", "in the body", "in a body that ends with its connection"


class Silent(WireServer):
    """Answers everything, and falls silent at one place."""

    def __init__(self, where: Where) -> None:
        super().__init__()
        self.where = where
        self.requests = 0

    def answer(self, request: WireRequest) -> WireResponse:
        with self.changing():
            self.requests += 1
        headers: tuple[tuple[str, str], ...] = (("content-type", "application/vnd.amazon.eventstream"),)
        if self.where == IN_LAST_BODY:
            headers += (("connection", "close"),)
        if self.where == BEFORE_HEADERS:
            return WireResponse(200, headers, (PIECE,), hold_head=True)
        return WireResponse(200, headers, (PIECE, Hold.HERE, PIECE))


def by_httpx(url: str) -> None:
    with httpx.Client(timeout=PATIENCE_S) as client:
        end_with_run(client)
        with client.stream("POST", url, content=b"x") as response:
            for _ in response.iter_raw():
                pass


def by_httpx2(url: str) -> None:
    with httpx2.Client(timeout=PATIENCE_S) as client:
        end_with_run(client)
        with client.stream("POST", url, content=b"x") as response:
            for _ in response.iter_raw():
                pass


def by_urllib3(url: str) -> None:
    end_urllib3_with_runs()
    with urllib3.PoolManager(timeout=PATIENCE_S) as pools:
        # Tries again up to three times, as urllib3 does by default: a cancelled run makes no new request.
        response = pools.request("POST", url, body=b"x", preload_content=False)
        for _ in response.stream():
            pass


def by_requests(url: str) -> None:
    end_urllib3_with_runs()
    with requests.Session() as session, session.post(url, data=b"x", stream=True, timeout=PATIENCE_S) as response:
        for _ in response.iter_content(None):
            pass


def bedrock(url: str) -> Any:
    settings = Config(read_timeout=PATIENCE_S, retries={"total_max_attempts": 3, "mode": "standard"})
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client("bedrock-runtime", region_name="us-east-1", endpoint_url=url, config=settings, **keys)


def by_boto3(url: str) -> None:
    end_urllib3_with_runs()
    messages = [{"role": "user", "content": [{"text": "hello"}]}]
    answer = bedrock(url).converse_stream(modelId="model", messages=messages)
    for _ in answer["stream"]:
        pass


async def by_aiohttp(url: str) -> None:
    end_aiohttp_with_runs()
    async with aiohttp.ClientSession() as session, session.post(url, data=b"x") as response:
        async for _ in response.content.iter_any():
            pass


async def by_aiohttp_as_some_sdks(url: str) -> None:
    end_aiohttp_with_runs()
    session = aiohttp.ClientSession()
    try:
        response = await session.post(url, data=b"x")
        async for _ in response.content.iter_any():
            pass
    finally:
        # The session stays open, as SDKs keep theirs.
        kept.append(session)


kept: list[aiohttp.ClientSession] = []


async def by_async_httpx(url: str) -> None:
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client, client.stream("POST", url, content=b"x") as response:
        async for _ in response.aiter_raw():
            pass


@pytest.mark.parametrize("where", [BEFORE_HEADERS, IN_BODY, IN_LAST_BODY])
@pytest.mark.parametrize("recording", [False, True], ids=["", "while recording"])
@pytest.mark.parametrize("use", [by_httpx, by_httpx2, by_urllib3, by_requests, by_boto3])
def test_closing_a_session_ends_its_connection_and_wakes_its_thread(
    use: Callable[[str], None], where: Where, recording: bool, tmp_path: Path
) -> None:
    with Silent(where) as server:
        woken = threading.Event()

        def body() -> None:
            try:
                use(server.origin)
            finally:
                woken.set()

        def run() -> None:
            session = StreamSession(body)
            reader = threading.Thread(target=lambda: list(session))
            reader.start()
            server.wait_for(lambda: server.held == 1)
            closing = time.monotonic()
            session.close()
            assert woken.wait(PATIENCE_S)
            assert time.monotonic() - closing < AT_ONCE_S
            server.wait_for(lambda: server.disconnects == 1)
            assert server.requests == 1
            reader.join(PATIENCE_S)
            assert not reader.is_alive()

        if not recording:
            run()
            return
        with open_tape(tmp_path / "cassette.yaml", "all"):
            run()
        (one,) = read_cassette(tmp_path / "cassette.yaml")
        assert one.response.ended.how == "cancelled"


@pytest.mark.parametrize("where", [BEFORE_HEADERS, IN_BODY, IN_LAST_BODY])
@pytest.mark.parametrize("recording", [False, True], ids=["", "while recording"])
@pytest.mark.parametrize("use", [by_async_httpx, by_aiohttp, by_aiohttp_as_some_sdks])
def test_closing_an_async_session_ends_its_connection(
    use: Callable[[str], Awaitable[None]], where: Where, recording: bool, tmp_path: Path
) -> None:
    async def run(server: Silent) -> None:
        session = AsyncStreamSession(lambda: use(server.origin))

        async def read() -> None:
            async for _ in session:
                pass

        reader = asyncio.create_task(read())
        await asyncio.to_thread(server.wait_for, lambda: server.held == 1)
        await session.aclose()
        await asyncio.to_thread(server.wait_for, lambda: server.disconnects == 1)
        await reader
        while kept:
            await kept.pop().close()

    with Silent(where) as server:
        if not recording:
            asyncio.run(run(server))
            return
        with open_tape(tmp_path / "cassette.yaml", "all"):
            asyncio.run(run(server))
    (one,) = read_cassette(tmp_path / "cassette.yaml")
    assert one.response.ended.how == "cancelled"


def in_run(run: Run, work: Callable[[], None]) -> None:
    token = enter(Scope("session", None, current_scope(), run, ()))
    try:
        work()
    finally:
        reset(token)


def test_a_pooled_connection_belongs_to_the_run_that_used_it_last() -> None:
    end_urllib3_with_runs()
    first, second = Run(), Run()
    with Silent(IN_BODY) as server, urllib3.PoolManager(timeout=PATIENCE_S) as pools:
        server.hold.set()
        in_run(first, lambda: check(pools.request("POST", server.origin).data == PIECE * 2))
        server.hold.clear()
        opened = threading.Event()
        read: list[bytes] = []

        def stream() -> None:
            response = pools.request("POST", server.origin, preload_content=False)
            opened.set()
            read.extend(response.stream())

        reader = threading.Thread(target=in_run, args=(second, stream))
        reader.start()
        assert opened.wait(PATIENCE_S)
        first.cancel()
        server.hold.set()
        reader.join(PATIENCE_S)
    assert b"".join(read) == PIECE * 2
    assert pools.pools is not None


def check(holds: bool) -> None:
    assert holds


def test_a_connection_goes_on_where_the_run_before_it_was_cancelled() -> None:
    end_urllib3_with_runs()
    run = Run()
    with Silent(IN_BODY) as server, urllib3.PoolManager(timeout=PATIENCE_S) as pools:
        server.hold.set()
        in_run(run, lambda: check(pools.request("POST", server.origin).status == 200))
        run.cancel()
        assert pools.request("POST", server.origin).data == PIECE * 2
        with pytest.raises(RunCancelled):
            in_run(run, lambda: check(pools.request("POST", server.origin).status == 0))
        assert server.requests == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.* is multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda library: library.__name__)
def test_a_forked_process_opens_a_connection_of_its_own_and_its_parent_keeps_the_pooled_one(library: Any) -> None:
    with Silent(IN_BODY) as server, library.Client(timeout=PATIENCE_S) as client:
        end_with_run(client)
        server.hold.set()

        def address() -> Any:
            return client.post(server.origin).extensions["network_stream"].get_extra_info("client_addr")

        before = address()
        if (child := os.fork()) == 0:
            try:
                os._exit(0 if address() != before else 1)
            finally:
                os._exit(2)
        assert os.waitpid(child, 0) == (child, 0)
        assert address() == before


def test_a_run_cancelled_while_connecting_sends_nothing_on(monkeypatch: pytest.MonkeyPatch) -> None:
    end_urllib3_with_runs()
    run = Run()
    connect = socket.socket.connect

    def cancelled_meanwhile(connecting: socket.socket, address: Any) -> None:
        run.cancel()
        connect(connecting, address)

    with Silent(BEFORE_HEADERS) as server, urllib3.PoolManager(timeout=PATIENCE_S) as pools:
        monkeypatch.setattr(socket.socket, "connect", cancelled_meanwhile)
        with pytest.raises(RunCancelled):
            in_run(run, lambda: check(pools.request("POST", server.origin).status == 0))


def test_asking_twice_changes_each_library_once() -> None:
    end_urllib3_with_runs()
    end_aiohttp_with_runs()
    request: Any = urllib3.connection.HTTPConnection.request
    connect: Any = aiohttp.BaseConnector.connect
    end_urllib3_with_runs()
    end_aiohttp_with_runs()
    assert (urllib3.connection.HTTPConnection.request, aiohttp.BaseConnector.connect) == (request, connect)


def test_importing_the_module_imports_no_http_library() -> None:
    program = (
        "import sys, harness.llm.connections\n"
        "print(sorted({'httpx', 'httpx2', 'requests', 'urllib3', 'aiohttp', 'boto3'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
