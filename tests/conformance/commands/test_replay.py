"""What becomes of recordings and cassettes when they are replayed: their statuses, their counts, and real traffic."""

from __future__ import annotations

import asyncio
import csv
import gc
import gzip
import json
import shutil
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import asdict

from conformance.run import replay as replaying
from conformance.run.replay import ReplayResult, exit_code, found, replay, replay_all, report, summary
from conformance.timeline.check import Violation
from harness.errors import UnreadableRecordingError
from harness.llm import LLM
from harness.llm.credentials import no_credentials_needed
from harness.llm.input.reader import read_messages, read_tools
from harness.llm.overrides import call_stream_override
from harness.llm.recorded import RecordedCall
from harness.llm.request import LLMRequest
from harness.providers.openai.request import parse_recorded, wire_body
from harness.recording import Target, record
from harness.recording.files.asides import new_aside
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.tape.tape import network_guard, playing
from harness.recording.wire import Interaction
from harness.session.session import AsyncStreamSession
from tests.llm.scripted import Ran, aread
from tests.providers.openai.reading_chat import Reading, read_plain, read_stream
from tests.servers.openai.chat import OpenAIChatServer
from tests.servers.openai.chat_scenarios import BERGEN_CALL, HARBOUR_TEXT

SUBJECTS = "tests.recording.support.subjects"


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings by name of their scenario, not to be changed."""
    root = tmp_path_factory.mktemp("replaying") / "recordings"
    for name in ("text", "tool_call", "bad_key", "truncated"):
        with OpenAIChatServer() as server:
            record(Target(f"{SUBJECTS}:scenario", inputs={"name": name}), root / name, base_url=server.origin)
    return root


@pytest.fixture
def cassettes(recordings: Path, tmp_path: Path) -> Path:
    """The same as plain cassettes."""
    folder = tmp_path / "cassettes"
    folder.mkdir()
    for path in recordings.iterdir():
        shutil.copy(path / "cassette.yaml", folder / f"{path.name}.yaml")
    return folder


def test_recordings_and_cassettes_are_found_at_any_depth_in_order(recordings: Path, tmp_path: Path) -> None:
    shutil.copytree(recordings / "text", tmp_path / "b" / "text")
    shutil.copytree(recordings / "text", tmp_path / "b" / new_aside(tmp_path / "b" / "text").marked("refused").name)
    shutil.copytree(recordings / "text", tmp_path / "b" / ".hidden")
    shutil.copytree(recordings / "text", tmp_path / "__pycache__")
    for name in ("a.yaml", "c.yml", "d.yaml.gz", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "e.json").write_text('{"version": 1, "interactions": []}')
    (tmp_path / "settings.json").write_text('{"version": 1}')
    everything = [tmp_path / name for name in ("a.yaml", "b/text", "c.yml", "d.yaml.gz", "e.json")]
    assert found([tmp_path]) == everything
    assert found([tmp_path, tmp_path / "a.yaml"]) == everything
    assert found([tmp_path / "notes.txt"]) == [tmp_path / "notes.txt"], "what is named is tried"


def test_a_path_that_is_not_there_is_an_error() -> None:
    with pytest.raises(
        UnreadableRecordingError, match="'nowhere' does not exist; expected a recording, a cassette, or"
    ):
        found([Path("nowhere")])


def test_a_recording_gives_one_result_with_what_the_run_said(recordings: Path) -> None:
    (result,) = replay(recordings / "text")
    assert asdict(result) | {"usage": None} == {
        "path": str(recordings / "text"), "kind": "recording", "interaction": None, "provider": "openai", "streamed": None,
        "status": "passed", "frames": 14, "text": HARBOUR_TEXT, "tool_calls": [], "usage": None, "finish_reason": "stop",
        "violations": [], "diff": [], "message": None, "consequences": 0, "traceback": None, "frame_lines": b"",
    }  # fmt: skip
    assert result.usage is not None
    assert result.usage["total_tokens"] == result.usage["prompt_tokens"] + result.usage["completion_tokens"]


def test_tool_calls_are_told_in_the_one_shape(recordings: Path) -> None:
    (result,) = replay(recordings / "tool_call")
    assert [call["function"] for call in result.tool_calls] == [
        {"name": BERGEN_CALL.name, "arguments": BERGEN_CALL.arguments}
    ]
    assert (result.finish_reason, result.text) == ("tool_calls", "")


@pytest.mark.parametrize(
    ("name", "as_recording", "as_cassette", "message"),
    [
        ("text", "passed", "passed", None),
        ("bad_key", "passed", "passed", None),
        # A recording says that the run failed, and a plain cassette that the call is not whole.
        ("truncated", "passed", "failed", "the call failed with StreamTruncatedError: the stream of openai ended"),
    ],
)
def test_failures_that_were_recorded(
    name: str, as_recording: str, as_cassette: str, message: str | None, recordings: Path, cassettes: Path
) -> None:
    assert [result.status for result in replay(recordings / name)] == [as_recording]
    (result,) = replay(cassettes / f"{name}.yaml")
    assert result.status == as_cassette
    assert (result.message or "").startswith(message or "")
    assert bool(result.message) is bool(message)


def test_an_error_that_does_not_come_back_fails(cassettes: Path) -> None:
    path = cassettes / "text.yaml"
    path.write_text(path.read_text().replace("code: 200", "code: 404"))
    (result,) = replay(path)
    assert result.status == "passed", "the recorded status comes back as that error"
    path = cassettes / "bad_key.yaml"
    path.write_text(path.read_text().replace("code: 401", "code: 200"))
    (result,) = replay(path)
    assert result.status == "failed"


def test_a_violated_clause_fails_with_its_id_and_frame(recordings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Judged:
        violations = (Violation("order.seq-gapless", 3, "a gap"),)

    monkeypatch.setattr(replaying, "judge", lambda evidence: Judged())
    (result,) = replay(recordings / "text")
    assert result.status == "failed"
    assert result.violations == [Violation("order.seq-gapless", 3, "a gap")]
    assert result.message == "1 contract violation: order.seq-gapless at frame 3: a gap"


def test_what_can_not_be_judged_is_an_error_and_the_rest_is_judged(cassettes: Path) -> None:
    (cassettes / "empty.yaml").touch()
    results = [result for group in replay_all(found([cassettes])) for result in group]
    assert {Path(result.path).stem: result.status for result in results} == {
        "bad_key": "passed", "empty": "error", "text": "passed", "tool_call": "passed", "truncated": "failed"
    }  # fmt: skip


def result_of(status: Any, path: str = "a", interaction: int | None = 1) -> ReplayResult:
    return ReplayResult(path, "cassette", interaction, None, None, status)


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ([], 2),
        (["not-a-call"], 2),
        (["passed"], 0),
        (["passed", "not-a-call"], 0),
        (["passed", "failed"], 1),
        (["passed", "error"], 2),
        (["failed", "error"], 2),
        (["error"], 2),
    ],
)
def test_exit_codes(statuses: list[str], code: int) -> None:
    assert exit_code(map(result_of, statuses)) == code


def test_the_document_counts_files_interactions_and_statuses() -> None:
    results = [result_of("passed"), result_of("not-a-call"), result_of("failed", "b"), result_of("error", "c", None)]
    document = report(results, 1.23456)
    assert document["format"] == "harness.replay/1"
    assert document["summary"] == {
        "files": 3, "interactions": 3, "passed": 1, "failed": 1, "errors": 1, "not_a_call": 1, "seconds": 1.235
    }  # fmt: skip
    assert document["summary"] == summary(results, 1.23456)
    assert [result["status"] for result in document["results"]] == ["passed", "not-a-call", "failed", "error"]
    json.dumps(document)


def openai_files(corpus: Path) -> list[Path]:
    """Return the files of real traffic that hold calls of OpenAI chat."""
    with (corpus / "INDEX.tsv").open(newline="") as index:
        rows = csv.DictReader(index, delimiter="\t")
        return [corpus / row["file"] for row in rows if "openai-chat" in row["providers"]]


def reading_of(path: Path, number: int) -> Reading | None:
    """Return what the recorded answer says; None for an error. Read past everything of the project."""
    cassette: Any = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    response = cassette["interactions"][number - 1]["response"]
    if response["status"]["code"] >= 400:
        return None
    kept = response["body"]["string"]
    body = kept.encode() if isinstance(kept, str) else kept
    body = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
    return read_stream(body) if body.lstrip().startswith(b"data:") else read_plain(body)


def test_every_openai_call_of_real_traffic_passes_with_what_its_bytes_say(corpus: Path) -> None:
    files = openai_files(corpus)
    assert len(files) >= 25
    judged = 0
    for path in files:
        for result in replay(path):
            if result.provider != "openai":
                assert result.status == "not-a-call", f"{path.name} #{result.interaction}: {result.message}"
                continue
            assert (result.status, result.message) == ("passed", None), f"{path.name} #{result.interaction}"
            assert result.interaction is not None
            judged += 1
            reading = reading_of(path, result.interaction)
            if reading is None:
                assert (result.text, result.tool_calls, result.usage, result.finish_reason) == ("", [], None, None)
            else:
                told = Reading(result.text, result.tool_calls, result.usage, result.finish_reason)
                assert told == reading, f"{path.name} #{result.interaction}"
    assert judged >= 40


def openai_calls(corpus: Path) -> Iterator[tuple[Path, int, Interaction]]:
    for path in openai_files(corpus):
        for number, interaction in enumerate(read_cassette(path), start=1):
            if interaction.request.url.endswith("/chat/completions") and interaction.request.method == "POST":
                yield path, number, interaction


def test_async_calls_of_real_traffic_say_the_same(corpus: Path) -> None:
    async def ask(interaction: Interaction) -> Ran:
        call = parse_recorded(interaction.request.url, interaction.request.body)
        llm = LLM(call.model, stream=call.stream, max_retries=0, **call.settings)
        if call.stream:
            return await aread(llm.astream(call.messages, call.tools or None))

        async def whole() -> Any:
            with call_stream_override(llm, False):
                return await llm.acall(call.messages, call.tools or None)

        return await aread(AsyncStreamSession(whole))

    async def run() -> None:
        for path, number, interaction in openai_calls(corpus):
            with playing(path, (interaction,)):
                ran = await ask(interaction)
            reading = reading_of(path, number)
            if reading is None:
                assert ran.transcript == ["started", "failed ProviderStatusError"], f"{path.name} #{number}"
                continue
            assert ran.error is None, f"{path.name} #{number}: {ran.error}"
            completed = ran.frames[-1].data
            response = completed["response"]
            calls, text = (response, reading.text) if reading.tool_calls else ([], response)
            told = Reading(text, list(calls), completed["usage"], completed["finish_reason"])
            assert told == reading, f"{path.name} #{number}"

    with network_guard(), no_credentials_needed():
        asyncio.run(run())


def test_a_recorded_request_is_sent_again_with_the_same_json(corpus: Path) -> None:
    with network_guard(), no_credentials_needed():
        for path, number, interaction in openai_calls(corpus):
            call = parse_recorded(interaction.request.url, interaction.request.body)
            llm = LLM(call.model, max_retries=0, **call.settings)
            assert wire_of(llm, call) == json.loads(interaction.request.body), f"{path.name} #{number}"


def wire_of(llm: LLM, call: RecordedCall) -> Any:
    request = LLMRequest(
        messages=read_messages(call.messages),
        tools=read_tools(call.tools),
        stream=call.stream,
        stop=llm.stop,
        response_format=llm.response_format,
    )
    return json.loads(json.dumps(wire_body(llm, request)))


def test_every_other_file_of_real_traffic_is_judged_too(corpus: Path) -> None:
    others = [path for path in found([corpus]) if path not in openai_files(corpus)]
    assert len(others) >= 40
    for path in others:
        for result in replay(path):
            where = f"{path.name} #{result.interaction}: {result.message}"
            assert result.status in {"passed", "failed", "not-a-call"}, where
            assert (result.status == "passed") is (result.message is None), where
            if result.status == "failed":
                assert result.provider, where


def test_what_many_replays_leave_behind_is_collected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own threshold is far away: what is gone in the end was collected by the replays."""

    class Cycle:
        def __init__(self) -> None:
            self.itself = self

        def close(self) -> None:
            pass

    left: weakref.WeakSet[Cycle] = weakref.WeakSet()

    def leaving(path: Path, **options: Any) -> None:
        llm, client = Cycle(), Cycle()
        # Let go of when the other one is collected, as clients of SDKs are.
        weakref.finalize(llm, client.close)
        left.update((llm, client))

    monkeypatch.setattr(replaying, "replay_recording", leaving)
    monkeypatch.setattr(replaying, "_result", lambda run, whole: run)
    before = gc.get_threshold()
    gc.collect()
    gc.set_threshold(10_000_000)
    try:
        for _ in range(1_000):
            replaying.replay(tmp_path)
        assert len(left) < 600
    finally:
        gc.set_threshold(*before)
