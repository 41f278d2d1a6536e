"""Files that nobody should read whole: each is one result of its folder's, in one line, and never the end of the others."""

from __future__ import annotations

import gzip
import json
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.recording.files import bounds, cassette_document, cassette_yaml, frames_file
from harness.recording.redact import content_coding
from harness.shipped import shipped_recording
from tests.commands.command_line import Run

URL = "https://api.openai.com/v1/chat/completions"
#: What bombs are measured by here, in bytes: the bounds that people meet would take seconds to reach.
SMALL = 1 << 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a healthy cassette, and a recording that is to be made hostile."""
    shutil.copy(shipped_recording("openai/text") / "cassette.yaml", tmp_path / "healthy.yaml")
    shutil.copytree(shipped_recording("openai/text"), tmp_path / "recording")
    return tmp_path


@pytest.fixture
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content_coding, "LARGEST", SMALL)
    monkeypatch.setattr(cassette_document, "LARGEST", SMALL)
    monkeypatch.setattr(frames_file, "LONGEST", SMALL)
    monkeypatch.setattr(cassette_yaml, "LONGEST", SMALL)
    monkeypatch.setattr(bounds, "MOST_VALUES", 10_000)
    monkeypatch.setattr(cassette_yaml, "MOST_VALUES", 10_000)
    monkeypatch.setattr(frames_file, "MOST_LINES", 10_000)


def interaction(**response: Any) -> dict[str, Any]:
    body = {"string": "data: [DONE]\n\n", "chunks": [[0, 14, 1.0]]}
    return {
        "request": {"method": "POST", "uri": URL, "headers": {}, "body": "{}"},
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {},
            "ended": {"how": "complete", "error": None, "at_ms": 1.0},
            "body": body,
        }
        | response,
    }


def cassette(**response: Any) -> bytes:
    return yaml.safe_dump({"interactions": [interaction(**response)], "version": 1}).encode()


def as_json(**response: Any) -> bytes:
    return json.dumps({"interactions": [interaction(**response)], "version": 1}).encode()


def ended(at_ms: Any) -> dict[str, Any]:
    return {"ended": {"how": "complete", "error": None, "at_ms": at_ms}}


def compressed(coding: str, body: bytes) -> dict[str, Any]:
    return {"headers": {"content-encoding": [coding]}, "body": {"string": body, "chunks": [[0, len(body), 1.0]]}}


def twice(content: bytes) -> bytes:
    return gzip.compress(gzip.compress(content))


def as_br(content: bytes) -> bytes:
    return bytes(pytest.importorskip("brotli").compress(content))


def as_zstd(content: bytes) -> bytes:
    return bytes(pytest.importorskip("zstandard").compress(content))


def request_bomb() -> bytes:
    hostile = interaction()
    hostile["request"] |= {"headers": {"content-encoding": ["gzip"]}, "body": gzip.compress(bytes(4 * SMALL))}
    return yaml.safe_dump({"interactions": [hostile], "version": 1}).encode()


NO_MOMENT = "milliseconds from 0 to 604800000, a week"
BOMB = "body unpacks to more than 1 MiB"
TOO_DEEP = "nested deeper than 100 levels"
HEAD = b'{"format":"harness.frames/1"}\n'

#: A cassette, by its name, and what is said of it.
CASSETTES: list[tuple[str, Callable[[], bytes], str]] = [
    ("infinite.yaml", lambda: cassette(**ended(float("inf"))), NO_MOMENT),
    ("negative.yaml", lambda: cassette(**ended(-1.0)), NO_MOMENT),
    ("no-number.yaml", lambda: cassette(**ended(float("nan"))), NO_MOMENT),
    ("beyond-floats.yaml", lambda: cassette(**ended(10**400)), NO_MOMENT),
    ("infinite-chunk.yaml", lambda: cassette(body={"string": "x", "chunks": [[0, 1, "1e999"]]}), NO_MOMENT),
    ("infinite.json", lambda: as_json(**ended(float("inf"))), NO_MOMENT),
    ("no-number.json", lambda: as_json(**ended(float("nan"))), NO_MOMENT),
    ("digits.yaml", lambda: cassette(status={"code": "9" * 5000, "message": ""}), "a status from 100 to 999"),
    ("digits.json", lambda: as_json().replace(b"200", b"9" * 5000), "a status from 100 to 999"),
    ("digits-of-a-chunk.yaml", lambda: cassette(body={"string": "x", "chunks": [[0, "9" * 5000, 1]]}), "at most 18 digits"),
    ("digits-of-the-version.yaml", lambda: cassette().replace(b"version: 1", b"version: " + b"9" * 5000), "at most 18 digits"),
    ("digits-of-a-value.yaml", lambda: cassette(body={"number": "N"}).replace(b"N\n", b"9" * 5000 + b"\n"), "chunks is missing"),
    ("deep.yaml", lambda: b"interactions: " + b"[" * 50_000, TOO_DEEP),
    ("deep.json", lambda: b'{"interactions": [' + b'{"a":' * 50_000, TOO_DEEP),
    ("deep-and-whole.json", lambda: b'{"interactions": ' + b"[" * 200 + b"]" * 200 + b"}", TOO_DEEP),
    ("values.yaml", lambda: b"interactions:\n" + b"- 1\n" * 20_000, "more than 10,000 values"),
    ("values.json", lambda: b'{"interactions": [' + b"1," * 20_000 + b"1]}", "more than 10,000 values"),
    ("scalar.yaml", lambda: cassette(body={"string": "HERE"}).replace(b"HERE", b"x" * 2 * SMALL), "a text that is longer than 1 MiB"),
    ("quoted.yaml", lambda: cassette(body={"string": "HERE"}).replace(b"HERE", b'"' + b"\\a" * 2 * SMALL + b'"'), "a text that is longer than 1 MiB"),
    ("packed.yaml.gz", lambda: gzip.compress(b"a: b\n" * SMALL), "unpacks to more than 1 MiB"),
    ("packed-in-parts.yaml.gz", lambda: gzip.compress(b"a: b\n" * 50_000) * 8, "unpacks to more than 1 MiB"),
    ("many-parts.yaml.gz", lambda: gzip.compress(b"") * 110_000, "unpacks to more than 1 MiB"),
    ("torn.yaml.gz", lambda: gzip.compress(cassette())[:-9], "ends in the middle"),
    ("torn-part.yaml.gz", lambda: gzip.compress(cassette()) + gzip.compress(b"x")[:-9], "ends in the middle"),
    ("bomb.yaml", lambda: cassette(**compressed("gzip", gzip.compress(bytes(4 * SMALL)))), BOMB),
    ("bomb-deflate.yaml", lambda: cassette(**compressed("deflate", zlib.compress(bytes(4 * SMALL)))), BOMB),
    ("bomb-br.yaml", lambda: cassette(**compressed("br", as_br(bytes(4 * SMALL)))), BOMB),
    ("bomb-zstd.yaml", lambda: cassette(**compressed("zstd", as_zstd(bytes(4 * SMALL)))), BOMB),
    ("bomb-in-a-bomb.yaml", lambda: cassette(**compressed("gzip, gzip", twice(bytes(4 * SMALL)))), BOMB),
    ("bomb-asked.yaml", request_bomb, BOMB),
]  # fmt: skip


@pytest.mark.usefixtures("small_bounds")
@pytest.mark.parametrize(("name", "content", "message"), CASSETTES, ids=[name for name, _, _ in CASSETTES])
def test_a_hostile_cassette_is_one_result_among_others(
    run: Run, folder: Path, name: str, content: Callable[[], bytes], message: str
) -> None:
    (folder / name).write_bytes(content())
    result = run("replay", folder, "--json", "-")
    assert result.code == 2
    by_name = {Path(one["path"]).name: one for one in result.document["results"]}
    assert {one: by_name[one]["status"] for one in by_name} == {
        "healthy.yaml": "passed", "recording": "passed", name: "error"
    }  # fmt: skip
    assert message in by_name[name]["message"]
    assert len(by_name[name]["message"]) < 400


def nested_frames(content: bytes) -> bytes:
    """Each frame is in the one before it."""
    frame = json.loads(content.splitlines()[1])
    frames = [frame | {"id": f"f{n}", "seq": n, "parent_id": f"f{n - 1}" if n > 1 else None} for n in range(1, 2_000)]
    return b"".join(json.dumps(one).encode() + b"\n" for one in frames)


#: What stands in the place of a recording's file, and what is said of it.
PARTS: list[tuple[str, Callable[[bytes], bytes], str]] = [
    ("recording.json", lambda content: b'{"inputs":' * 50_000, "nested deeper than 240 levels"),
    ("recording.json", lambda content: b'{"a":[' + b"1," * 20_000 + b"1]}", "more than 10,000 values"),
    ("recording.json", lambda content: content.replace(b"recording/1", b"recording/" + b"9" * 5000), "later than"),
    ("recording.json", lambda content: content.replace(b"recording/1", "recording/²".encode()), "expected"),
    ("recording.json", lambda content: content.replace(b'"inputs": {}', b'"inputs": {"n": NaN}'), "is not JSON"),
    ("frames.jsonl", lambda content: HEAD + b'{"a":' * 50_000 + b"\n", "line 2 is nested deeper than 240 levels"),
    ("frames.jsonl", lambda content: HEAD + b"[" + b"1," * 20_000 + b"1]\n", "line 2 is more than 10,000 values"),
    ("frames.jsonl", lambda content: HEAD + b'"' + b"x" * SMALL + b'"\n', "line 2 is longer than 1 MiB"),
    ("frames.jsonl", lambda content: HEAD + b"\n" * 20_000, "more than 10,000 lines"),
    ("frames.jsonl", lambda content: content.replace(b"frames/1", b"frames/" + b"9" * 5000), "later than"),
    ("frames.jsonl", lambda content: content.replace(b'"seq":2', b'"seq":' + b"9" * 5000), "line 3 is no frame"),
    ("frames.jsonl", lambda content: HEAD + nested_frames(content), "line 402 is in more than 400 scopes"),
    ("frames.jsonl", lambda content: content.replace(b'"data":{', b'"data":[{', 1).replace(b"}}", b"}]}", 1), "line 2"),
    ("cassette.yaml", lambda content: b"interactions: " + b"[" * 50_000, TOO_DEEP),
]


@pytest.mark.usefixtures("small_bounds")
@pytest.mark.parametrize(("name", "hostile", "message"), PARTS, ids=[f"{name} {told}" for name, _, told in PARTS])
def test_a_hostile_part_is_one_result_and_one_line(
    run: Run, folder: Path, name: str, hostile: Callable[[bytes], bytes], message: str
) -> None:
    path = folder / "recording" / name
    path.write_bytes(hostile(path.read_bytes()))
    result = run("replay", folder, "--json", "-")
    by_name = {Path(one["path"]).name: one for one in result.document["results"]}
    assert (result.code, by_name["healthy.yaml"]["status"], by_name["recording"]["status"]) == (2, "passed", "error")
    assert message in by_name["recording"]["message"]
    assert len(by_name["recording"]["message"]) < 500
    if name != "cassette.yaml":
        for command in (("show",), ("diff", shipped_recording("openai/text"))):
            said = run(*command, folder / "recording")
            assert (said.code, said.err.count("\n")) == (2, 1)
            assert message in said.err
    scanned = run("scan", folder / "recording", "--json", "-")
    assert scanned.code == 2
    assert any(message in found["message"] for found in scanned.document["findings"])


def test_members_of_a_gzip_file_are_read_one_after_the_other(run: Run, folder: Path) -> None:
    content = (folder / "healthy.yaml").read_bytes()
    (folder / "healthy.yaml.gz").write_bytes(gzip.compress(content[:500]) + gzip.compress(content[500:]))
    assert run("replay", folder / "healthy.yaml.gz").code == 0


def test_what_we_have_overlooked_is_a_result_too(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from conformance.run import replay as replaying

    def broken(*args: Any, **options: Any) -> Any:
        raise LookupError("of a kind that nobody expects")

    monkeypatch.setattr(replaying, "replay_recording", broken)
    result = run("replay", folder, "--json", "-")
    assert result.code == 2
    assert [one["status"] for one in result.document["results"]] == ["passed", "error"]
    assert "LookupError: of a kind that nobody expects" in result.document["results"][1]["message"]
