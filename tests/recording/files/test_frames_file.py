"""A frames file: a header, canonical lines that survive a round trip, and a reason for every file that can't be read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UnreadableRecordingError
from harness.llm import Finish, TextDelta, ToolCallDelta
from harness.recording.files.frames_file import FrameLines, dump_frames, header_line, load_frames, read_lines
from harness.recording.redact.redaction import Redactor
from tests.llm.scripted import Scripted, streamed
from tests.recording.support.timelines import chunk, flow, flow_end, frames_of

HEADER = b'{"format":"harness.frames/1"}\n'
KEY = "sk-proj-" + "Ab3dEf6hIj9lMn2pQr5tUv8xYz1" * 2


def test_a_file_is_a_header_and_one_line_per_frame_with_sorted_keys(tmp_path: Path) -> None:
    content = dump_frames(frames_of(flow(), flow_end("z")))
    lines = content.splitlines(keepends=True)
    assert lines[0] == header_line() == HEADER
    for line in lines[1:]:
        read = json.loads(line)
        assert line == json.dumps(read, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    path = tmp_path / "frames.jsonl"
    path.write_bytes(content)
    assert read_lines(path) == [line.rstrip(b"\n") for line in lines[1:]]


def test_frames_survive_a_round_trip(tmp_path: Path) -> None:
    llm = Scripted(
        TextDelta("é 🗼"),
        ToolCallDelta(0, "c1", "add", '{"a":'),
        ToolCallDelta(0, None, None, "1}"),
        Finish("tool_calls"),
    )
    path = tmp_path / "frames.jsonl"
    path.write_bytes(dump_frames(streamed(llm, "sync", "Hi").frames))
    frames = load_frames(path)
    assert dump_frames(frames) == path.read_bytes()
    arguments = [one.data["tool_call"]["function"]["arguments"] for one in frames[2:4]]
    assert arguments == ['{"a":', '{"a":1}'], "arguments are kept as deltas and read cumulative"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_frames(path) == frames, "what an editor writes is read alike"


def test_lines_wait_until_no_call_is_open() -> None:
    frames = frames_of(
        flow(), ("c1", "llm_call_started", "flow", {"call_id": "1"}), ("c2", "llm_call_started", "flow", {"call_id": "2"}),
        chunk("c1", "a"), ("c1", "llm_call_completed", "flow", {}), ("c2", "llm_call_failed", "flow", {}), flow_end(),
    )  # fmt: skip
    lines = FrameLines()
    assert [lines.add(frame).count(b"\n") for frame in frames] == [1, 0, 0, 0, 0, 5, 1]
    assert lines.rest() == b""


def test_what_still_waits_at_the_end_is_given() -> None:
    lines = FrameLines()
    assert lines.add(frames_of(("c1", "llm_call_started", None, {}))[0]) == b""
    assert lines.rest().count(b"\n") == 1


def test_a_credential_in_pieces_is_in_no_line() -> None:
    pieces = [KEY[at : at + 7] for at in range(0, len(KEY), 7)]
    frames = frames_of(
        # Of calls that began before there was anybody to hear of it.
        ("c0", "llm_call_failed", None, {"call_id": "c0"}),
        ("c1", "llm_call_started", None, {"call_id": "c1"}),
        ("c2", "llm_call_completed", None, {"call_id": "c2"}),
        *(chunk("c1", piece, number) for number, piece in enumerate(pieces)),
        ("c1", "llm_call_completed", None, {"response": KEY}),
    )
    content = dump_frames(frames, Redactor()).decode()
    assert KEY not in content
    assert KEY not in "".join(json.loads(line)["data"].get("chunk", "") for line in content.splitlines()[1:])


def unreadable(path: Path) -> str:
    with pytest.raises(UnreadableRecordingError) as raised:
        load_frames(path)
    return str(raised.value).replace(str(path), "FILE")


WHOLE = dump_frames(frames_of(flow(), flow_end()))
FRAME: dict[str, Any] = json.loads(WHOLE.splitlines()[1])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "'FILE' is empty; expected a header line 'harness.frames/1', record it again"),
        (WHOLE[:-30], "'FILE': line 3 is torn, it ends without a newline; the file was not written to its end, record it again"),
        (b"\x00\x01\xff" * 9, "'FILE' does not begin with a frames header; expected 'harness.frames/1' in its first line"),
        (b"[]\n", "'FILE' does not begin with a frames header; expected 'harness.frames/1' in its first line"),
        (WHOLE.removeprefix(HEADER), "'FILE' does not begin with a frames header; expected 'harness.frames/1' in its first line"),
        (b'{"format":"harness.frames/2"}\n', "'FILE' has the format 'harness.frames/2', later than 'harness.frames/1', which is "
         "all that this version reads; update stream-harness"),
        (b'{"format":"other/1"}\n', "'FILE' has the format 'other/1'; expected 'harness.frames/1'"),
        (HEADER + b"{}\n", "'FILE': line 2 is no frame ('data'); expected the fields of a StreamFrame as JSON"),
        (HEADER + b"3\n", "'FILE': line 2 is no frame ('int' object is not subscriptable); expected the fields of a "
         "StreamFrame as JSON"),
        (HEADER + json.dumps({**FRAME, "seq": 0}).encode() + b"\n", "'FILE': line 2 is no frame (seq: expected at least 1, "
         "not 0); expected the fields of a StreamFrame as JSON"),
        (HEADER + json.dumps({**FRAME, "version": 1}).encode() + b"\n", "'FILE': line 2 is no frame (version: there is no such "
         "field); expected the fields of a StreamFrame as JSON"),
    ],
    ids=["empty", "torn", "binary", "foreign", "no header", "later", "another format", "no frame", "no object",
         "bad value", "unknown field"],
)  # fmt: skip
def test_a_file_that_can_not_be_read_says_why(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    path.write_bytes(content)
    assert unreadable(path) == message


def test_a_missing_file_and_a_folder_say_so(tmp_path: Path) -> None:
    assert unreadable(tmp_path / "frames.jsonl") == (
        "'FILE': No such file or directory; a recording needs its frames, record it again"
    )
    assert "it is a folder; expected a plain file" in unreadable(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_says_so(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    path.write_bytes(WHOLE)
    path.chmod(0)
    assert "Permission denied" in unreadable(path)


def test_a_header_alone_is_a_file_without_frames(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    path.write_bytes(HEADER)
    assert load_frames(path) == []
