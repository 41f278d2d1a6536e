"""Bedrock to async callers through aiobotocore, which has an environment of its own: over its HTTP library, not boto3's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
from aiohttp import StreamReader

from harness.errors import ProviderError, ProviderStatusError, StreamTruncatedError
from harness.llm import LLM
from harness.llm.credentials import no_credentials_needed
from harness.llm.overrides import call_stream_override
from harness.recording.comparison.normal import Normalizer
from harness.recording.faults.cuts import cut_points
from harness.recording.faults.dialects import is_stream
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.tape.tape import network_guard, playing
from harness.recording.wire import Interaction, WireResponse
from harness.session.session import AsyncStreamSession
from tests.llm.scripted import in_session, streamed, text_of
from tests.optional import needs
from tests.providers.integrations import BEDROCK, bedrock
from tests.providers.integrations.anthropic import THINKING
from tests.providers.integrations.integration import TOOLS
from tests.providers.test_closing import close_when_held
from tests.recording.faults.cutting import check_cuts, check_split
from tests.recording.support.remade import SHIPPED, Remade, Run
from tests.servers.anthropic.scenarios import CROSSING
from tests.servers.bedrock.invoke import BedrockInvokeServer
from tests.servers.bedrock.server import BedrockServer
from tests.servers.bedrock.wire import framed
from tests.servers.raw import Raw
from tests.servers.script import CROSSING_TEXT, HARBOUR_TEXT

needs("aiobotocore", "the extra `aiobotocore` is not installed; it can't stand beside the newest boto3")

PROMPTS = BEDROCK.prompts


@pytest.fixture
def server() -> Iterator[BedrockServer]:
    with BedrockServer() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    """What asks for boto3's client fails: an async call must not."""

    def refuse(*_: Any) -> None:
        raise AssertionError("an async call asked for the client of threads")

    monkeypatch.setattr("harness.providers.bedrock.model.BedrockClient", refuse)


def test_text_comes_as_it_is_sent(server: BedrockServer) -> None:
    ran = streamed(BEDROCK.llm(server), "async", PROMPTS["text"])
    assert (ran.result, text_of(ran.frames)) == (HARBOUR_TEXT, HARBOUR_TEXT)
    assert ran.frames[-1].data["usage"]["total_tokens"] > 0


def test_a_whole_answer_comes(server: BedrockServer) -> None:
    assert in_session(BEDROCK.llm(server, stream=False), "async", PROMPTS["text"]).result == HARBOUR_TEXT


def test_a_whole_invocation_that_is_cancelled_ends_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, read = asyncio.Event(), StreamReader.read

    async def watched(reader: StreamReader, count: int = -1) -> bytes:
        reading.set()
        return await read(reader, count)

    async def run() -> None:
        call = asyncio.create_task(llm.acall(PROMPTS["blocked_body"]))
        await asyncio.wait_for(reading.wait(), 10)
        await asyncio.to_thread(server.wait_for, lambda: server.held == 1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.to_thread(server.wait_for, lambda: server.disconnects == 1)

    monkeypatch.setattr(StreamReader, "read", watched)
    with BedrockInvokeServer() as server:
        llm = LLM("bedrock-invoke/us.anthropic.claude-sonnet-4-6", base_url=server.origin)
        asyncio.run(run())


def test_thinking_comes_before_the_text(server: BedrockServer) -> None:
    ran = streamed(BEDROCK.llm(server, thinking=THINKING), "async", PROMPTS["thinking"])
    assert ran.result == CROSSING_TEXT
    assert "".join(f.data["chunk"] for f in ran.frames if f.type == "llm_thinking_chunk") == CROSSING.text


def test_tools_are_run(server: BedrockServer) -> None:
    functions = {"get_weather": lambda city: f"11 degrees in {city}"}
    asked = PROMPTS["parallel_tool_calls"]
    ran = streamed(BEDROCK.llm(server), "async", asked, tools=TOOLS, available_functions=functions)
    assert ran.result == ["11 degrees in Bergen", "11 degrees in Narvik"]


def test_an_http_error_keeps_status_and_request_id(server: BedrockServer) -> None:
    error = streamed(BEDROCK.llm(server), "async", PROMPTS["throttled"]).error
    assert isinstance(error, ProviderStatusError)
    assert (error.status, error.code, len(error.request_id or "")) == (429, "ThrottlingException", 36)


@pytest.mark.parametrize("scenario", ["truncated", "truncated_eof", "truncated_reset"])
def test_a_stream_that_breaks_off_is_a_failure(scenario: str, server: BedrockServer) -> None:
    ran = streamed(BEDROCK.llm(server), "async", PROMPTS[scenario])
    assert isinstance(ran.error, StreamTruncatedError)
    assert text_of(ran.frames) == "The harbour is"


def test_an_exception_in_a_stream_is_a_failure_in_the_servers_words() -> None:
    exception = framed({":message-type": "exception", ":exception-type": "modelQuotaException"}, {"message": "used up"})
    with Raw(bedrock.START + bedrock.text("a") + exception, BEDROCK.stream_type) as raw:
        error = streamed(BEDROCK.llm(raw), "async", "Hi").error
    assert isinstance(error, ProviderError)
    assert (error.code, str(error).endswith(": used up")) == ("modelQuotaException", True)


def test_closing_ends_the_connection(server: BedrockServer) -> None:
    asyncio.run(close_when_held(BEDROCK.llm(server), PROMPTS["blocked_body"], "llm_stream_chunk", server))


#: One loop for all recordings: a client, which is of one loop, takes longer to make than a hundred calls.
RUNNER = asyncio.Runner()


@pytest.fixture(scope="module", autouse=True)
def _loop_ends() -> Iterator[None]:
    yield
    RUNNER.close()


class Async(Remade):
    """A recorded call made by an async caller: recorded over urllib3, played over what aiobotocore uses."""

    def against(self, *responses: WireResponse, max_retries: int = 0) -> Run:
        (response,) = responses
        interaction = Interaction(self.interaction.request, response)
        with network_guard(), no_credentials_needed(), playing(Path("async.yaml"), (interaction,)):
            return RUNNER.run(self._read(), context=copy_context())

    async def _read(self) -> Run:
        session = AsyncStreamSession(self._acall, source=self._llm)
        error: BaseException | None = None
        try:
            async for _ in session:
                pass
        except Exception as raised:
            error = raised
        normalizer = Normalizer()
        frames = [normalizer.frame(frame) for frame in session.frames]
        return Run([{k: v for k, v in frame.items() if k != "timestamp"} for frame in frames], error)

    async def _acall(self) -> Any:
        with call_stream_override(self._llm, bool(self._call.stream)):
            return await self._llm.acall(self._call.messages, self._call.tools or None)


RECORDED = [
    (path.parent.name, Async(one))
    for path in sorted(SHIPPED.glob("bedrock/*/cassette.yaml"))
    for one in read_cassette(path)
]
CALLS = [pytest.param(call, id=name) for name, call in RECORDED]
STREAMS = [pytest.param(call, id=name) for name, call in RECORDED if is_stream(call.interaction.response)]


@pytest.mark.parametrize("call", CALLS)
def test_every_shipped_call_replays_to_an_async_caller_as_to_any(call: Async, monkeypatch: pytest.MonkeyPatch) -> None:
    run = call.whole
    monkeypatch.undo()
    same = Remade(call.interaction).whole
    assert run.frames == same.frames
    assert (type(run.error), str(run.error)) == (type(same.error), str(same.error))


@pytest.mark.parametrize("call", STREAMS)
@pytest.mark.parametrize("how", ["end", "cut", "reset"])
def test_a_cut_at_any_chunk_is_a_typed_failure_after_the_frames_that_came(call: Async, how: str) -> None:
    check_cuts(call, how, cut_points(call.interaction.response))


@pytest.mark.parametrize("call", STREAMS)
@pytest.mark.parametrize("lengths", [[1], [3, 1, 7], [10_000_000]], ids=["bytes", "pieces", "at once"])
def test_however_the_bytes_are_split_the_frames_are_the_same(call: Async, lengths: list[int]) -> None:
    check_split(call, lengths)
