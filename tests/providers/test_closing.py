"""Who no longer listens ends the connection to the provider at once, though the provider says nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any, cast

import pytest

from harness.frames.frame import StreamFrame
from harness.llm import LLM, Part, RequestId
from harness.llm.input.reader import read_messages
from harness.llm.request import LLMRequest
from tests.providers.integrations import (
    ANTHROPIC,
    AZURE,
    GEMINI,
    OPENAI_CHAT,
    OPENAI_RESPONSES,
    each_integration,
)
from tests.providers.integrations.integration import Integration
from tests.servers.script import HARBOUR_TEXT
from tests.servers.scripted_server import ScriptedServer

#: Where an answer is held → the last frame that has come by then.
HELD = {"blocked_head": "llm_call_started", "blocked_body": "llm_stream_chunk"}
each_hold = pytest.mark.parametrize(("scenario", "last"), HELD.items(), ids=HELD)


@each_hold
@each_integration
def test_closing_ends_the_connection_of_a_run_that_is_blocked_in_it(
    integration: Integration, scenario: str, last: str, server: ScriptedServer[Any, Any]
) -> None:
    session = integration.llm(server).stream_events(integration.prompts[scenario])
    came = threading.Event()

    def read() -> None:
        for frame in session:
            if frame.type == last:
                came.set()

    reader = threading.Thread(target=read)
    reader.start()
    server.wait_for(lambda: server.held == 1)
    assert came.wait(10)
    session.close()
    reader.join(10)
    assert not reader.is_alive()
    assert session.is_cancelled
    assert session.frames[-1].type == last
    check_gone(server)


@each_hold
@each_integration
def test_closing_an_async_session_ends_its_connection(
    integration: Integration, scenario: str, last: str, server: ScriptedServer[Any, Any]
) -> None:
    frames = asyncio.run(close_when_held(integration.llm(server), integration.prompts[scenario], last, server))
    assert frames[-1].type == last
    check_gone(server)


async def close_when_held(llm: LLM, prompt: str, last: str, server: ScriptedServer[Any, Any]) -> list[StreamFrame]:
    """Close a session when its answer is held and the frame `last` has come; return what frames it has."""
    came = asyncio.Event()
    session = llm.astream(prompt)

    async def read() -> None:
        async for frame in session:
            if frame.type == last:
                came.set()

    reader = asyncio.create_task(read())
    await asyncio.to_thread(server.wait_for, lambda: server.held == 1)
    await came.wait()
    await session.aclose()
    await asyncio.wait_for(reader, 10)
    await asyncio.to_thread(server.wait_for, lambda: server.disconnects == 1)
    return session.frames


async def read_stream(llm: LLM, prompt: str) -> None:
    async for _ in llm.astream(prompt):
        pass


async def read_whole(llm: LLM, prompt: str) -> None:
    await llm.acall(prompt)


@pytest.mark.parametrize("consume", [read_stream, read_whole])
@pytest.mark.parametrize("scenario", HELD)
@each_integration
def test_cancelling_the_consumer_ends_the_connection(
    integration: Integration,
    scenario: str,
    consume: Callable[[LLM, str], Coroutine[Any, Any, None]],
    server: ScriptedServer[Any, Any],
) -> None:
    async def run() -> None:
        reader = asyncio.create_task(consume(integration.llm(server), integration.prompts[scenario]))
        await asyncio.to_thread(server.wait_for, lambda: server.held == 1)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        await asyncio.to_thread(server.wait_for, lambda: server.disconnects == 1)

    asyncio.run(run())
    check_gone(server)


@each_integration
def test_a_session_that_nobody_holds_any_more_ends_its_connection(
    integration: Integration, server: ScriptedServer[Any, Any]
) -> None:
    frames = iter(integration.llm(server).stream_events(integration.prompts["blocked_body"]))
    next(frames)
    server.wait_for(lambda: server.held == 1)
    del frames
    check_gone(server)


@each_integration
def test_closing_one_session_leaves_another_of_the_same_llm_alone(
    integration: Integration, server: ScriptedServer[Any, Any]
) -> None:
    llm = integration.llm(server)
    sessions = [llm.stream_events(integration.prompts["blocked_body"]) for _ in range(2)]
    readers = [threading.Thread(target=lambda one=session: list(one)) for session in sessions]
    for reader in readers:
        reader.start()
    server.wait_for(lambda: server.held == 2)
    sessions[0].close()
    check_gone(server)
    server.hold.set()
    for reader in readers:
        reader.join(10)
    assert sessions[1].result == HARBOUR_TEXT
    assert sessions[0].is_cancelled


def check_gone(server: ScriptedServer[Any, Any]) -> None:
    """The server is still holding: that it sees its client gone is closing's doing alone."""
    server.wait_for(lambda: server.disconnects == 1)
    assert not server.hold.is_set()


@each_integration
def test_a_reader_who_leaves_at_the_head_of_an_answer_leaves_no_connection(
    integration: Integration, server: ScriptedServer[Any, Any]
) -> None:
    llm = integration.llm(server)
    parts = llm.generate(LLMRequest(read_messages(integration.prompts["blocked_body"]), stream=True))
    assert isinstance(next(iter(parts)), RequestId)
    server.wait_for(lambda: server.held == 1)
    cast("Generator[Part]", parts).close()
    check_gone(server)


@pytest.mark.parametrize(
    "integration", [OPENAI_CHAT, OPENAI_RESPONSES, AZURE, ANTHROPIC, GEMINI], ids=lambda one: one.name
)
def test_an_async_reader_who_leaves_at_the_head_of_an_answer_leaves_no_connection(
    integration: Integration, server: ScriptedServer[Any, Any]
) -> None:
    llm = integration.llm(server)

    async def leave() -> None:
        parts = llm.agenerate(LLMRequest(read_messages(integration.prompts["blocked_body"]), stream=True))
        assert isinstance(await anext(parts), RequestId)
        await asyncio.to_thread(server.wait_for, lambda: server.held == 1)
        await cast("AsyncGenerator[Part]", parts).aclose()
        await asyncio.to_thread(server.wait_for, lambda: server.disconnects == 1)

    asyncio.run(leave())
    check_gone(server)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.* is multi-threaded, use of fork:DeprecationWarning")
@each_integration
def test_a_forked_process_asks_by_a_connection_of_its_own(
    integration: Integration, server: ScriptedServer[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    connections: list[object] = []
    accept = server._listener.process_request

    def process_request(request: Any, address: object) -> None:
        connections.append(address)
        accept(request, address)

    monkeypatch.setattr(server._listener, "process_request", process_request)
    llm, prompt = integration.llm(server), integration.prompts["text"]
    assert llm.call(prompt) == HARBOUR_TEXT
    assert len(connections) == 1
    # As where another thread makes a client just then.
    with cast("Any", llm)._clients._lock:
        if (child := os.fork()) == 0:
            signal.alarm(20)
            try:
                os._exit(0 if llm.call(prompt) == HARBOUR_TEXT else 1)
            finally:
                os._exit(2)
    _, status = os.waitpid(child, 0)
    assert (status, len(connections)) == (0, 2)
