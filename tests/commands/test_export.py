"""`harness export`, and AG-UI streams that `harness show` and `harness diff` read."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ag_ui.core import (
    RunFinishedEvent,
    RunStartedEvent,
    TextMessageContentEvent,
    TextMessageEndEvent,
    TextMessageStartEvent,
)
from ag_ui.encoder import EventEncoder

from harness.frames import StreamFrame
from harness.recording.pack import pack
from harness.shipped import shipped_recording
from tests.commands.command_line import Run

RECORDING = shipped_recording("openai/two_step_flow")


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A stream as another runtime sends it, made with the official package."""
    events = [
        RunStartedEvent(thread_id="t", run_id="r"),
        TextMessageStartEvent(message_id="m", role="assistant"),
        TextMessageContentEvent(message_id="m", delta="Good\nmorning"),
        TextMessageEndEvent(message_id="m"),
        RunFinishedEvent(thread_id="t", run_id="r"),
    ]
    path = tmp_path / "foreign.sse"
    path.write_text(": hello\n\n" + "".join(map(EventEncoder().encode, events)), encoding="utf-8")
    return path


@pytest.mark.parametrize("protocol", ["agui", "vercel", "openai"])
def test_a_stream_is_a_line_for_each_event(run: Run, protocol: str) -> None:
    said = run("export", RECORDING, "--to", protocol)
    events = [json.loads(line) for line in said.out.splitlines()]
    sent = run("export", RECORDING, "--to", protocol, "--sse").out.split("\n\n")
    done = [] if protocol == "agui" else ["data: [DONE]"]
    assert (said.code, said.err) == (0, "")
    assert sent == [*(f"data: {line}" for line in said.out.splitlines()), *done, ""]
    assert len(events) > 40


def test_spans_have_the_time_and_the_provider_of_the_recording(run: Run) -> None:
    (resource,) = run("export", RECORDING, "--to", "otel").document["resourceSpans"]
    spans = resource["scopeSpans"][0]["spans"]
    recorded_at = json.loads((RECORDING / "recording.json").read_text("utf-8"))["recorded_at"]
    begun = int(spans[0]["startTimeUnixNano"]) / 1e9
    assert recorded_at.startswith(time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(begun)))
    said = {attribute["key"]: attribute["value"] for attribute in spans[2]["attributes"]}
    assert said["gen_ai.provider.name"] == {"stringValue": "openai"}
    assert "gen_ai.input.messages" not in said
    assert "gen_ai.input.messages" in run("export", RECORDING, "--to", "otel", "--content").out


def test_what_is_written_to_a_file_is_told(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "made" / "trace.json"
    said = run("export", RECORDING, "--to", "perfetto", "-o", out, "--json", "-")
    trace = json.loads(out.read_text("utf-8"))
    assert (said.code, said.document) == (
        0,
        {
            "format": "harness.export/1",
            "path": str(RECORDING),
            "to": "perfetto",
            "output": str(out),
            "timelines": 1,
            "frames": 57,
            "events": len(trace["traceEvents"]),
        },
    )
    assert said.err == f"exported 57 frames as {len(trace['traceEvents'])} events: {out}\n"


def test_an_exported_timeline_is_read_back_equal(run: Run, tmp_path: Path) -> None:
    lines, sent = tmp_path / "run.jsonl", tmp_path / "run.sse"
    run("export", RECORDING, "--to", "agui", "-o", lines)
    run("export", RECORDING, "--to", "agui", "--sse", "-o", sent)
    for stream in (lines, sent):
        assert run("diff", RECORDING, stream).code == 0
        assert run("diff", stream, RECORDING).out.endswith("equal: 57 and 57 frames\n")
    rows = run("show", lines).out.splitlines()[1:]
    assert rows == run("show", RECORDING).out.splitlines()[1:]
    assert run("export", lines, "--to", "agui").out == lines.read_text("utf-8")


def test_a_stream_of_others_is_a_timeline(run: Run, foreign: Path) -> None:
    said = run("show", foreign, "--json", "-")
    (timeline,) = said.document["timelines"]
    assert (said.code, [frame["type"] for frame in timeline["frames"]]) == (
        0,
        ["flow_started", "llm_call_started", "llm_stream_chunk", "llm_call_completed", "flow_finished"],
    )
    changed = foreign.with_name("changed.sse")
    changed.write_text(foreign.read_text("utf-8").replace("morning", "evening"), encoding="utf-8")
    assert run("diff", foreign, changed).code == 1
    assert run("diff", foreign, foreign).code == 0


def test_calls_of_a_cassette_and_recordings_in_a_pack_are_exported(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "all"
    shutil.copytree(shipped_recording("openai/text"), folder / "text")
    shutil.copy(shipped_recording("openai/text") / "cassette.yaml", folder / "plain.yaml")
    pack(folder, tmp_path / "all.pack")
    for place in (folder, tmp_path / "all.pack"):
        for name in ("text", "plain.yaml"):
            said = run("export", place / name, "--to", "openai")
            assert said.code == 0
            text = "".join(
                choice["delta"].get("content", "")
                for line in said.out.splitlines()
                for choice in json.loads(line)["choices"]
            )
            assert text == "The harbour is calm tonight, and every boat is home."


def test_calls_of_one_cassette_are_told_apart(run: Run, tmp_path: Path) -> None:
    calls = tmp_path / "calls.yaml"
    shutil.copy(RECORDING / "cassette.yaml", calls)
    resources = run("export", calls, "--to", "otel").document["resourceSpans"]
    spans = [span for resource in resources for scope in resource["scopeSpans"] for span in scope["spans"]]
    assert len({span["traceId"] for span in spans}) == len({span["spanId"] for span in spans}) == len(spans) == 2
    events = [json.loads(line) for line in run("export", calls, "--to", "agui").out.splitlines()]
    for kind, name in (("RUN_STARTED", "runId"), ("TEXT_MESSAGE_START", "messageId")):
        assert len({event[name] for event in events if event["type"] == kind}) == 2
    assert sum(event["type"] == "TEXT_MESSAGE_START" for event in events) == 2


#: What is written into a file, and what is said of it.
BROKEN: list[tuple[str, str, str]] = [
    ("half.jsonl", '{"type":"RUN_STARTED","threadId":"t","runId":"r"}\n{"type":', "line 2 is no JSON"),
    ("list.jsonl", '{"type":"RUN_STARTED"}\n[]\n', "line 2 is no AG-UI event; expected an object with a `type`"),
    (
        "deep.jsonl",
        '{"type":"RUN_STARTED","a":' + "[" * 300 + "]" * 300 + "}\n",
        "line 1 is nested deeper than 240 levels",
    ),
    ("vercel.sse", 'data: {"type":"start"}\n\ndata: {"type":"finish"}\n\n', "has no AG-UI event"),
    ("done.sse", 'data: {"type":"RUN_STARTED"}\n\ndata: [DONE]\n\n', "event 2 is no JSON"),
    ("frame.jsonl", json.dumps({"type": "RUN_STARTED", "rawEvent": dict.fromkeys(StreamFrame.model_fields)}) + "\n", "looks like a frame and is none"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "said"), BROKEN, ids=[row[0] for row in BROKEN])
@pytest.mark.parametrize(
    "command", [("show",), ("export", "--to", "otel"), ("diff", RECORDING)], ids=["show", "export", "diff"]
)
def test_a_broken_stream_is_one_line(
    run: Run, tmp_path: Path, name: str, content: str, said: str, command: tuple[Any, ...]
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    ended = run(*command, tmp_path / name)
    assert (ended.code, ended.err.count("\n"), ended.out) == (2, 1, "")
    assert said in ended.err


#: Arguments, and what is said.
REFUSED: list[tuple[list[str], str]] = [
    (["--to", "otel", "--json", "-"], "can't both go to stdout"),
    (["--to", "perfetto", "--sse"], "perfetto is one document"),
    (["--to", "agui", "--content"], "--content is for otel"),
    (["--to", "smoke"], "'smoke' is not one of"),
    ([], "Missing option '--to'"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED, ids=[" ".join(options) for options, _ in REFUSED])
def test_what_can_not_be_is_refused(run: Run, options: list[str], said: str) -> None:
    ended = run("export", RECORDING, *options)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


@pytest.mark.skipif(sys.platform == "win32", reason="there are no FIFOs here")
def test_what_is_no_plain_file_is_neither_read_nor_replaced(run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "events.jsonl")
    (tmp_path / "endless.sse").symlink_to("/dev/zero")
    for name in ("events.jsonl", "endless.sse"):
        for command in (("show",), ("export", "--to", "agui")):
            ended = run(*command, tmp_path / name)
            assert (ended.code, ended.err.count("\n")) == (2, 1)
    out = tmp_path / "folder"
    out.mkdir()
    assert run("export", RECORDING, "--to", "agui", "-o", out).code == 2
    assert run("export", tmp_path, "--to", "agui").code == 2
    assert run("export", tmp_path / "nowhere", "--to", "agui").code == 2
    assert run("export", RECORDING, "--to", "agui", "-o", "/dev/null").code == 0
