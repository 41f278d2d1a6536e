"""What commands say of foreign recordings holds no credential: on the terminal, in each report, and in errors."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.commands.replay import _redacted
from conformance.run.failures.failed_runs import FailedRun
from conformance.run.judge import Decision
from conformance.run.result import ScenarioResult, without_secrets
from conformance.timeline.check import Violation
from harness.recording import Redactor
from harness.recording.export import PROTOCOLS
from harness.recording.files.cassette_writer import write_cassette
from harness.recording.wire import Chunk, Ending, Interaction, WireRequest, WireResponse
from harness.shipped import shipped_recording
from tests.commands.command_line import Run
from tests.commands.recordings import SUBJECTS
from tests.recording.redact.planted_secrets import BY_FORM
from tests.recording.redact.secret_carriers import sse
from tests.recording.support.subjects import KEY as OPENAI_KEY

KEY = next(planted for planted in BY_FORM if planted.id == "anthropic")
PASSWORD = "correct horse " + "battery"


def interaction(asked: str, *, stop: bool) -> Interaction:
    """A streamed answer that tells a key and calls a tool with a password; without `stop` its replay falls short."""
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "login", "arguments": json.dumps({"password": PASSWORD})}}  # fmt: skip
    deltas = [{"role": "assistant", "content": f"it is {KEY.value}"}, {"tool_calls": [call]}]
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini"}
    events = [{**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    events += [{**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}]
    body = sse(events if stop else [{"error": {"message": f"Incorrect API key provided: {KEY.value}", "type": "x"}}])
    body += b"data: [DONE]\n\n" if stop else b""
    request = {"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": asked}]}
    return Interaction(
        WireRequest("POST", "https://api.openai.com/v1/chat/completions", (("content-type", "application/json"),), json.dumps(request).encode()),
        WireResponse(200, "OK", (("content-type", "text/event-stream"),), body, (Chunk(0, len(body), 1.0),), Ending("complete", None, 2.0), ()),
    )  # fmt: skip


def test_a_replay_tells_no_secret_anywhere(run: Run, tmp_path: Path) -> None:
    cassette = tmp_path / f"{KEY.value}.yaml"
    write_cassette(cassette, [interaction("tell", stop=True), interaction(f"use {KEY.value}", stop=False)])
    said = run("replay", str(tmp_path), "--json", str(tmp_path / "r.json"), "--html", str(tmp_path), "--junit", str(tmp_path / "r.xml"))  # fmt: skip
    reports = {name: (tmp_path / name).read_text() for name in ("r.json", "index.html", "r.xml")}
    texts = [result["text"] for result in json.loads(reports["r.json"])["results"]]
    assert any(text and text.startswith("it is sk-ant-api03-***") for text in texts), "the report tells of the answer"
    for where, text in {**reports, "terminal": str(said)}.items():
        assert KEY.core[:12] not in text, where
        assert PASSWORD not in text, where


def test_an_error_tells_no_secret(run: Run, tmp_path: Path) -> None:
    said = run("replay", str(tmp_path / KEY.value))
    assert said.code == 2
    assert "sk-ant-api03-****" in said.err
    assert KEY.core[:12] not in said.err


def foreign(folder: Path) -> Path:
    """A recording whose maker took nothing out: its frames, its inputs and its name tell a key."""
    path = folder / f"of-{KEY.value}"
    shutil.copytree(shipped_recording("openai/text"), path)
    about = json.loads((path / "recording.json").read_text("utf-8"))
    about["inputs"] = {"prompt": KEY.value}
    about["outcome"]["results"] = [KEY.value]
    (path / "recording.json").write_text(json.dumps(about), "utf-8")
    lines = (path / "frames.jsonl").read_text("utf-8").splitlines()
    frames = [json.loads(line) for line in lines[1:]]
    for frame in frames:
        told = {name: KEY.value for name in ("chunk", "model", "response") if isinstance(frame["data"].get(name), str)}
        frame["data"] |= told
    (path / "frames.jsonl").write_text("\n".join([lines[0], *map(json.dumps, frames)]) + "\n", "utf-8")
    return path


def cassette(folder: Path) -> Path:
    """A cassette of a call whose answer tells a key, and a password in a tool's arguments."""
    path = folder / f"{KEY.value}.yaml"
    write_cassette(path, [interaction("tell", stop=True)])
    return path


def frames(folder: Path) -> Path:
    return (foreign(folder) / "frames.jsonl").rename(folder / f"{KEY.value}.jsonl")


def stream(folder: Path) -> Path:
    """A stream of AG-UI events that tells a key."""
    message = {"messageId": "m", "role": "assistant", "threadId": "t", "runId": "r", "delta": KEY.value}
    events = ("RUN_STARTED", "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "RUN_FINISHED")
    path = folder / f"{KEY.value}.jsonl"
    path.write_text("".join(json.dumps({**message, "type": event}) + "\n" for event in events))
    return path


#: What is done with a path: the options of a command, OUT where it writes.
TELLING = {
    "show": ("show", "PATH", "--json", "OUT"),
    "page": ("show", "PATH", "--html", "OUT"),
    "diff": ("diff", "PATH", "OTHER", "-v", "--json", "OUT"),
    "pages beside": ("diff", "PATH", "OTHER", "--html", "OUT"),
    **{
        f"export {to}": ("export", "PATH", "--to", to, "-o", "OUT", *(("--content",) if to == "otel" else ()))
        for to in PROTOCOLS
    },
    "export's document": ("export", "PATH", "--to", "perfetto", "--json", "OUT"),
}


@pytest.mark.parametrize("told", TELLING)
@pytest.mark.parametrize("made", [foreign, frames, stream, cassette], ids=lambda made: made.__name__)
def test_what_is_told_of_a_recording_that_holds_secrets_holds_none(
    run: Run, tmp_path: Path, made: Callable[[Path], Path], told: str
) -> None:
    places = {"PATH": made(tmp_path), "OTHER": shipped_recording("openai/text"), "OUT": tmp_path / "out"}
    said = run(*(places.get(part, part) for part in TELLING[told]))
    assert said.code in (0, 1)
    written = (tmp_path / "out").read_text("utf-8")
    assert len(written) > 100
    for text in (written, str(said)):
        assert KEY.core[:12] not in text
        assert PASSWORD not in text


def test_a_report_is_looked_through_result_by_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one tells goes not on in the next, and a long report takes no memory of its length."""
    longest: list[int] = []
    payload = Redactor.payload

    def watched(redactor: Redactor, value: Any) -> Any:
        longest.append(len(json.dumps(value)))
        return payload(redactor, value)

    monkeypatch.setattr(Redactor, "payload", watched)
    told = _redacted({"summary": {"path": KEY.value}, "results": [{"text": f"{n} {KEY.value}"} for n in range(100)]})
    assert [one["text"].partition(" ")[0] for one in told["results"]] == [str(n) for n in range(100)]
    assert KEY.core[:12] not in json.dumps(told)
    assert max(longest) < 300


def test_what_record_says_of_a_run_that_failed_with_a_key_tells_none(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = run("record", f"{SUBJECTS}:FailingWithKeyFlow", "-o", out, "--traceback", "--json", tmp_path / "r.json")
    assert said.code == 1
    assert "the run failed: ValueError: the key sk-proj-***" in said.err
    assert "Traceback" in said.err
    for text in (said.out, said.err, (tmp_path / "r.json").read_text()):
        assert OPENAI_KEY.removeprefix("sk-proj-")[:12] not in text


def test_what_the_suite_says_of_somebodys_recording_tells_no_secret() -> None:
    broken = (Violation("result.value", 1, f"the result is {KEY.value}"),)
    result = ScenarioResult(
        "provider/text",
        (Decision("result.value", "failed", broken),),
        fault=f"Traceback: {KEY.value}",
        failed_runs=(FailedRun("sync", b"", broken),),
    )
    told = without_secrets(result, Redactor().text)
    assert "sk-ant-api03-***" in told.decisions[0].violations[0].message
    assert KEY.core[:12] not in repr(told)
