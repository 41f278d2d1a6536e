"""A recording's folder: what `recording.json` may say, and how a recording is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UnreadableRecordingError
from harness.recording.files.folder import RecordedOutcome, Recording, is_recording, load_recording

MANIFEST = Recording(
    target="app.flows:Plan",
    inputs={"topic": "tides"},
    runtime={"name": "harness", "version": "0.1.0"},
    recorded_at="2026-01-05T12:00:00Z",
    origin="authored",
    outcome=RecordedOutcome(status="completed", results=["done"]),
)


def written(folder: Path, content: bytes = MANIFEST.dump()) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "recording.json").write_bytes(content)
    return folder


def test_what_is_dumped_is_loaded(tmp_path: Path) -> None:
    assert load_recording(written(tmp_path / "plan")) == MANIFEST


def test_what_an_editor_puts_before_it_is_no_part_of_it(tmp_path: Path) -> None:
    edited = b"\xef\xbb\xbf" + MANIFEST.dump().replace(b"\n", b"\r\n")
    assert load_recording(written(tmp_path / "plan", edited)) == MANIFEST


def test_the_file_is_for_people_too() -> None:
    lines = MANIFEST.dump().decode().splitlines()
    assert lines[:2] == ["{", '  "format": "harness.recording/1",']
    assert MANIFEST.dump().endswith(b"}\n")


def changed(**fields: Any) -> bytes:
    return json.dumps({**json.loads(MANIFEST.dump()), **fields}).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "'FILE' is empty; it was not written to its end, or is no recording"),
        (b" \n", "'FILE' is empty; it was not written to its end, or is no recording"),
        (MANIFEST.dump()[:70], "'FILE' is not JSON ("),
        (b"\x00\xff\xfe", "'FILE' is not JSON ("),
        (b"[1]", "'FILE' has the format None; expected 'harness.recording/1'"),
        (b'{"version": 1}', "'FILE' has the format None; expected 'harness.recording/1'"),
        (changed(format="other/1"), "'FILE' has the format 'other/1'; expected 'harness.recording/1'"),
        (changed(format="harness.recording/2"), "'FILE' has the format 'harness.recording/2', later than 'harness.recording/1', "
         "which is all that this version reads; update stream-harness"),
        (changed(origin="dreamt"), "'FILE': origin: expected 'live' or 'authored', not 'dreamt'"),
        (changed(outcome={"status": "odd"}), "'FILE': outcome.status: expected 'completed', 'failed' or 'cancelled', not 'odd'"),
        (changed(more=1), "'FILE': more: there is no such field"),
        (b'{"format": "harness.recording/1"}', "'FILE': target: expected a value, and none was given"),
    ],
)  # fmt: skip
def test_a_manifest_that_can_not_be_read_says_why(content: bytes, message: str, tmp_path: Path) -> None:
    folder = written(tmp_path / "plan", content)
    with pytest.raises(UnreadableRecordingError) as raised:
        load_recording(folder)
    assert str(raised.value).replace(str(folder / "recording.json"), "FILE").startswith(message)


def test_a_missing_manifest_says_what_a_recording_is(tmp_path: Path) -> None:
    with pytest.raises(
        UnreadableRecordingError, match="a recording is a folder with recording.json, cassette.yaml and"
    ):
        load_recording(tmp_path)


@pytest.mark.parametrize(
    ("files", "is_one"),
    [
        (["recording.json"], True),
        (["frames.jsonl"], True),
        (["recording.json", "frames.jsonl", "cassette.yaml"], True),
        (["cassette.yaml"], False),
        ([], False),
        (["notes.txt"], False),
    ],
)
def test_a_recording_is_known_by_its_files_readable_or_not(files: list[str], is_one: bool, tmp_path: Path) -> None:
    for name in files:
        (tmp_path / name).touch()
    assert is_recording(tmp_path) is is_one
    assert not is_recording(tmp_path / "missing")
    assert not any(is_recording(tmp_path / name) for name in files)
