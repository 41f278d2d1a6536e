"""The recordings that come with the project: they replay, have the shape of live traffic, and tell nothing of their maker."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

import cassettes
from conformance.replaying import exit_code, found, replay
from harness.llm import LLM
from harness.llm.credentials import no_credentials_needed
from harness.providers.recognition import recognized
from harness.recording.cassette_reader import read_cassette
from harness.recording.folder import load_recording
from harness.recording.tape import network_guard, playing
from harness.recording.wire import Interaction
from tests.llm.scripted import Ran, aread, read
from tests.servers.shapes import END_MARKER, plain_shape, stream_shape
from tests.servers.test_shapes import DOCUMENTED_UNSEEN, live_key_sets

ROOT = Path(next(iter(cassettes.__path__)))
SHIPPED = found([ROOT])
NAMES = [str(path.relative_to(ROOT)) for path in SHIPPED]
CALLS = [
    (name, number, interaction)
    for name, path in zip(NAMES, SHIPPED, strict=True)
    for number, interaction in enumerate(read_cassette(path / "cassette.yaml"), start=1)
]
CALL_IDS = [f"{name} {number}" for name, number, _ in CALLS]
OPENAI = [(name, one) for name, _, one in CALLS if one.request.url.endswith("/chat/completions")]


def test_there_is_a_recording_of_each_kind_of_answer() -> None:
    assert {
        "text", "tool_call", "parallel_tool_calls", "structured_output", "length_limited", "http_error", "truncated",
        "two_step_flow",
    } <= {name.removeprefix("openai/") for name in NAMES}  # fmt: skip


@pytest.mark.parametrize("path", SHIPPED, ids=NAMES)
def test_it_replays_green(path: Path) -> None:
    results = replay(path)
    assert [(result.status, result.message) for result in results] == [("passed", None)]
    assert exit_code(results) == 0


@pytest.mark.parametrize(("name", "number", "interaction"), CALLS, ids=CALL_IDS)
def test_each_call_gives_the_same_sync_and_async(name: str, number: int, interaction: Interaction) -> None:
    ran, aran = again(interaction), aagain(interaction)
    assert aran.transcript == ran.transcript
    assert aran.result == ran.result
    assert (type(aran.error), str(aran.error)) == (type(ran.error), str(ran.error))


def again(interaction: Interaction) -> Ran:
    llm, messages, tools = call_of(interaction)
    with network_guard(), no_credentials_needed(), playing(ROOT, (interaction,)):
        return read(llm.stream_events(messages, tools))


def aagain(interaction: Interaction) -> Ran:
    llm, messages, tools = call_of(interaction)

    async def run() -> Ran:
        return await aread(llm.astream(messages, tools))

    with network_guard(), no_credentials_needed(), playing(ROOT, (interaction,)):
        return asyncio.run(run())


def call_of(interaction: Interaction) -> tuple[LLM, list[dict[str, object]], list[dict[str, object]] | None]:
    api = recognized(interaction.request.method, interaction.request.url)
    assert api is not None
    call = api.parse(interaction.request.url, interaction.request.body)
    return LLM(call.model, stream=call.stream, max_retries=0, **call.settings), call.messages, call.tools or None


@pytest.mark.parametrize("interaction", [one for _, one in OPENAI], ids=[name for name, _ in OPENAI])
def test_an_openai_answer_has_the_shape_of_live_traffic(interaction: Interaction, corpus: Path) -> None:
    response = interaction.response
    live = live_key_sets(corpus) | set(DOCUMENTED_UNSEEN)
    if not (response.header("content-type") or "").startswith("text/event-stream"):
        assert set(plain_shape(response.body).key_sets) <= live
        return
    shape = stream_shape(response.body)
    assert shape.key_sets <= live
    assert not shape.torn
    assert shape.kinds[0] in {"role", "role+tool_call"}
    if response.ended.how == "complete" and shape.end_marker == END_MARKER:
        assert shape.kinds[-2:] == ("finish", "usage")


def test_all_streams_but_those_that_broke_off_have_their_end_marker() -> None:
    cut = {
        name
        for name, one in OPENAI
        if (one.response.header("content-type") or "").startswith("text/event-stream")
        and stream_shape(one.response.body).end_marker is None
    }
    assert {name.rpartition("/")[2] for name in cut} == {"truncated", "stream_error"}


@pytest.mark.parametrize("path", SHIPPED, ids=NAMES)
def test_it_says_that_it_was_authored_and_by_what(path: Path) -> None:
    said = load_recording(path)
    assert said.origin == "authored"
    assert said.target.startswith("cassettes.")
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
