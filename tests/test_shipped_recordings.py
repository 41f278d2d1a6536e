"""The recordings that come with the project: they replay, have the shape of live traffic, and tell nothing of their maker."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from conformance.run.replay import exit_code, found, replay
from harness.frames.frame import StreamFrame
from harness.llm import LLM, call_stream_override
from harness.llm.credentials import no_credentials_needed
from harness.providers.registry import recognized
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.files.folder import load_recording
from harness.recording.files.frames_file import load_frames
from harness.recording.tape.tape import network_guard, playing
from harness.recording.wire import Interaction
from harness.session.session import AsyncStreamSession, StreamSession
from harness.shipped import shipped_folder, shipped_providers
from harness.shipped.table import COMMON, PROVIDERS
from tests.authoring import SHIPPED as AUTHORED
from tests.llm.scripted import Ran, aread, read
from tests.recording.support.told import failure_told

ROOT = shipped_folder()
SHIPPED = found([ROOT])
NAMES = [str(path.relative_to(ROOT)) for path in SHIPPED]
CALLS = [
    (name, number, interaction)
    for name, path in zip(NAMES, SHIPPED, strict=True)
    for number, interaction in enumerate(read_cassette(path / "cassette.yaml"), start=1)
]
CALL_IDS = [f"{name} {number}" for name, number, _ in CALLS]
CHATS = [(name, one) for name, _, one in CALLS if one.request.url.endswith("/chat/completions")]

#: What a provider has no recording of, and why.
NOT_THERE = {
    **dict.fromkeys(
        (
            f"openai_completions/{name}"
            for name in ("tool_call", "parallel_tool_calls", "thinking", "structured_output")
        ),
        "legacy completions give text alone",
    ),
    "cohere/thinking": "the first version of its chat shows no reasoning",
    "openai/thinking": "its chat completions show no reasoning; hosts of the same format do, see openai_compatible",
}
#: How runs end; those of all other scenarios complete.
FAILS_WITH = {
    "http_error": "ProviderStatusError",
    "stream_error": "ProviderError",
    "truncated": "StreamTruncatedError",
}
#: What is found among the frames of a scenario.
SHOWS: dict[str, Callable[[Sequence[StreamFrame]], object]] = {
    "text": lambda frames: frames[-1].data["usage"]["total_tokens"] > 0 and count(frames, "llm_stream_chunk") > 1,
    "async_text": lambda frames: count(frames, "llm_stream_chunk") > 1,
    "tool_call": lambda frames: count(frames, "tool_usage_finished") == 1,
    "parallel_tool_calls": lambda frames: count(frames, "tool_usage_finished") == 2,
    "thinking": lambda frames: count(frames, "llm_thinking_chunk"),
    "structured_output": lambda frames: frames[-1].data["response"].startswith("{"),
    "length_limited": lambda frames: frames[-1].data["finish_reason"] == "length",
    "not_streamed": lambda frames: not count(frames, "llm_stream_chunk"),
    "http_error": lambda frames: count(frames, "llm_stream_chunk") == 0,
    "stream_error": lambda frames: count(frames, "llm_stream_chunk") > 0,
    "truncated": lambda frames: count(frames, "llm_stream_chunk") > 0,
}


def count(frames: Sequence[StreamFrame], kind: str) -> int:
    return [frame.type for frame in frames].count(kind)


def test_every_provider_has_a_recording_of_every_common_scenario() -> None:
    assert SHOWS.keys() == COMMON.keys()
    assert PROVIDERS.keys() == shipped_providers().keys()
    every = {f"{provider}/{scenario}" for provider in PROVIDERS for scenario in COMMON}
    assert every - set(NAMES) == NOT_THERE.keys(), (
        "record what is missing (python -m tests.authoring PROVIDER), or say in NOT_THERE why there is none"
    )


def test_every_recording_can_be_made_anew() -> None:
    targets = {row.folder: row.target for row in AUTHORED}
    assert {path: load_recording(path).target for path in SHIPPED} == targets


@pytest.mark.parametrize("path", SHIPPED, ids=NAMES)
def test_it_ended_and_shows_what_its_scenario_says(path: Path) -> None:
    outcome = load_recording(path).outcome
    assert outcome is not None
    assert outcome.error_type == FAILS_WITH.get(path.name)
    if path.name in SHOWS:
        assert SHOWS[path.name](load_frames(path / "frames.jsonl"))


@pytest.mark.parametrize("path", SHIPPED, ids=NAMES)
def test_it_replays_green(path: Path) -> None:
    results = replay(path)
    assert [(result.status, failure_told(result.message)) for result in results] == [
        ("passed", FAILS_WITH.get(path.name))
    ]
    assert exit_code(results) == 0


@pytest.mark.parametrize(("name", "number", "interaction"), CALLS, ids=CALL_IDS)
def test_each_call_gives_the_same_sync_and_async(name: str, number: int, interaction: Interaction) -> None:
    ran, aran = (again(interaction, is_async=is_async) for is_async in (False, True))
    assert aran.transcript == ran.transcript
    assert aran.result == ran.result
    assert (type(aran.error), str(aran.error)) == (type(ran.error), str(ran.error))


def again(interaction: Interaction, *, is_async: bool) -> Ran:
    llm, messages, tools = call_of(interaction)

    def asked() -> Any:
        with call_stream_override(llm, bool(llm.stream)):
            return llm.call(messages, tools)

    async def aasked() -> Any:
        with call_stream_override(llm, bool(llm.stream)):
            return await llm.acall(messages, tools)

    async def arun() -> Ran:
        return await aread(AsyncStreamSession(aasked, source=llm))

    with network_guard(), no_credentials_needed(), playing(ROOT, (interaction,)) as tape:
        ran = asyncio.run(arun()) if is_async else read(StreamSession(asked, source=llm))
    assert not tape.misses
    return ran


def call_of(interaction: Interaction) -> tuple[LLM, list[dict[str, object]], list[dict[str, object]] | None]:
    api = recognized(interaction.request.method, interaction.request.url)
    assert api is not None
    call = api.parse(interaction.request.url, interaction.request.body)
    return LLM(call.model, stream=call.stream, max_retries=0, **call.settings), call.messages, call.tools or None


def test_all_streams_but_those_that_broke_off_have_their_end_marker() -> None:
    cut = {
        name
        for name, one in CHATS
        if (one.response.header("content-type") or "").startswith("text/event-stream")
        and not one.response.body.endswith(b"data: [DONE]\n\n")
    }
    assert {name.rpartition("/")[2] for name in cut} == {"truncated", "stream_error"}


@pytest.mark.parametrize("path", SHIPPED, ids=NAMES)
def test_it_says_that_it_was_authored_and_by_what(path: Path) -> None:
    said = load_recording(path)
    assert said.origin == "authored"
    assert {"python", "stream-harness"} <= said.versions.keys()


_MACHINE = re.compile(r"/(?:home|root|Users|tmp|work|var)/|[A-Z]:\\\\|127\.0\.0\.1|localhost|\.local\b")
_CREDENTIAL = re.compile(r"(?i)authorization|x-api-key|bearer |\bsk-[a-z0-9]|cookie|no-key-needed")


@pytest.mark.parametrize("path", SHIPPED, ids=NAMES)
def test_it_names_no_machine_and_no_credential(path: Path) -> None:
    for file in sorted(path.iterdir()):
        content = file.read_text()
        assert not _MACHINE.search(content), file.name
        assert not _CREDENTIAL.search(content), file.name


@pytest.mark.parametrize("path", SHIPPED, ids=NAMES)
def test_its_requests_go_to_the_provider(path: Path) -> None:
    for interaction in read_cassette(path / "cassette.yaml"):
        assert interaction.request.url.startswith("https://")
        json.loads(interaction.request.body)
