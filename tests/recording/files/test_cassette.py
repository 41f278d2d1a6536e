"""The cassette file: what it holds, who can read it, and what is refused."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import get_args

import httpx
import pytest
import vcr  # type: ignore[import-untyped]
import yaml
from hypothesis import example, given, strategies as st

from harness.errors import RecordingError, UnreadableRecordingError
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.files.cassette_writer import CassetteWriter, render_interaction, write_cassette
from harness.recording.files.walk import recordings_below
from harness.recording.tape.cassette import use_cassette
from harness.recording.tape.tape import Mode, open_tape
from harness.recording.wire import Chunk, Ending, Interaction, WireRequest, WireResponse

EVENTS = b'data: {"a": "caf\xc3\xa9 \xf0\x9f\x98\x80"}\n\ndata: [DONE]\n\n'


def interaction(
    body: bytes = EVENTS, *, sent: bytes = b'{"b": 1, "a": 2}', url: str = "https://h/v1/chat", cut: int = 7
) -> Interaction:
    marks = (Chunk(0, min(cut, len(body)), 1.5), Chunk(min(cut, len(body)), max(len(body) - cut, 0), 20.1))
    return Interaction(
        WireRequest("POST", url, (("content-type", "application/json"),), sent),
        WireResponse(
            status=200,
            reason="OK",
            headers=(("content-type", "text/event-stream"), ("x-request-id", "one"), ("x-request-id", "two")),
            body=body,
            chunks=marks,
            ended=Ending("cut", "ReadError: gone: away", 20.2),
            scope=("flow", "method"),
        ),
    )


PLAIN = """
interactions:
- request:
    body: '{"a": 1}'
    headers:
      content-type:
      - !!binary |
        YXBwbGljYXRpb24vanNvbg==
    method: post
    uri: https://h/p
  response:
    body:
      string: "%(body)s"
    headers:
      content-type: &id001
      - %(type)s
      again: *id001
    status: {code: 200, message: OK}
"""

ONE = "- request: {method: GET, uri: 'https://h/'}\n  response: "
ANSWER = "status: {code: 200, message: OK}"

UNREADABLE = [
    pytest.param(b"", "is empty", id="empty"),
    pytest.param(b" \n\n", "is empty", id="blank"),
    pytest.param(b"version: 1\ninteractions:\n- request:\n    method: [", "line 5: ", id="torn"),
    pytest.param(b"\x89PNG\r\n\x1a\n\x00\xff", "not UTF-8", id="binary"),
    pytest.param(b"a: \x00\x01", "control characters", id="controls"),
    pytest.param(b"just text", "not a cassette", id="text"),
    pytest.param(b'{"openapi": "3"}', "not a cassette", id="another document"),
    pytest.param(b"version: 1\ninteractions:\n", "interactions is null", id="no list"),
    pytest.param(b"interactions: {}", "interactions is a mapping", id="mapping for list"),
    pytest.param(b"version: 2\ninteractions: []", "its version is 2", id="later version"),
    pytest.param(b"version: one\ninteractions: []", "version is 'one'", id="version that is no number"),
    pytest.param(b"interactions: []\n---\ninteractions: []", "second document", id="two documents"),
    pytest.param(b"interactions: []\ninteractions: []", "'interactions' comes twice", id="key twice"),
    pytest.param(b"- request: {}\n  response: {}", "interactions[0].request.method is missing", id="list of nothing"),
    pytest.param(b"interactions: [1]", "interactions[0] is text", id="no interaction"),
    pytest.param(b"interactions:\n- request: {}", "interactions[0].response is missing", id="no response"),
    pytest.param(f"interactions:\n{ONE}{{{ANSWER}}}".encode(), "response.body is missing", id="no body"),
    pytest.param(f"interactions:\n{ONE}{{body: a}}".encode(), "response.status is missing", id="no status"),
    pytest.param(
        f"interactions:\n{ONE}{{body: {{string: [[a]]}}, {ANSWER}}}".encode(), "is a list", id="body of parts"
    ),
    pytest.param(
        f"interactions:\n{ONE}{{body: {{chunks: [], string: ''}}, {ANSWER}, ended: {{how: well, at_ms: 1}}}}".encode(),
        "'well'",
        id="ending",
    ),
    pytest.param(b"interactions: !!python/object/apply:os.system [ls]", "python/object/apply", id="tag of code"),
    pytest.param(b"interactions: !!binary a", "not base64", id="bad base64"),
    pytest.param(b"interactions: *a", "never defined", id="alias of nothing"),
    pytest.param(b"interactions: &a [*a]", "contains itself", id="cycle"),
    pytest.param(b"[" * 5000 + b"]" * 5000, "deeper than 100", id="deep"),
    pytest.param(
        b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        + b"".join(b"a%d: &a%d [%b]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 12)),
        "aliases expand",
        id="alias bomb",
    ),
]

EDITED = [
    pytest.param("[[0, 2, 0.0]]", "add up to 2 bytes, but the body has 3", id="too few bytes"),
    pytest.param("[[0, 2, 0.0], [2, 2, 0.0]]", "add up to 4 bytes", id="too many bytes"),
    pytest.param("[[0, 1, 0.0], [2, 1, 0.0]]", "starts at 2, but the one before it ends at 1", id="gap"),
    pytest.param("[]", "add up to 0 bytes", id="no marks"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassette.yaml"


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        *((name, b"version") for name in ("a.yaml", "a.json.yaml", "a.har.yaml")),
        *(("a.json", b"{\n"), ("a.yaml.gz", b"\x1f\x8b"), ("a.json.gz", b"\x1f\x8b")),
    ],
)
def test_what_was_written_is_read(name: str, beginning: bytes, tmp_path: Path) -> None:
    path, odd = tmp_path / name, b"\xff\x00" * 100
    written = (
        interaction(),
        interaction(b"", cut=0, sent=b""),
        interaction(odd, sent=odd),
        interaction(b"\r\x85\xe2\x80\xa8"),
    )
    write_cassette(path, written)
    assert read_cassette(path) == written
    assert path.read_bytes().startswith(beginning)
    # What no walk comes to is neither replayed nor scanned.
    assert list(recordings_below(tmp_path)) == [path]


def test_a_cassette_without_interactions_is_one(path: Path) -> None:
    write_cassette(path, ())
    assert read_cassette(path) == ()


@given(text=st.text(st.characters(codec="utf-8")), request=st.text("ab \n\r\t#:-'\"", max_size=12))
@example(text=" leading", request="\n\n")
@example(text="trailing  \n\n\n", request="a\n  ")
@example(text="\ttab\n---\n...\n# no comment", request=" \n a\n")
@example(text="\x85\u2028\u2029\ufeff\x7f\r\n", request="a\r\nb")
def test_any_body_survives_the_file(text: str, request: str) -> None:
    written = interaction(text.encode(), sent=request.encode())
    document = f"version: 1\ninteractions:\n{render_interaction(written)}"
    for loader in (yaml.CSafeLoader, yaml.SafeLoader):
        entry = yaml.load(document, Loader=loader)["interactions"][0]
        assert entry["response"]["body"]["string"] == text
        assert entry["request"]["body"] == request


def test_a_streamed_body_is_a_literal_block_that_can_be_read_and_diffed(path: Path) -> None:
    write_cassette(path, [interaction(b'data: {"a": "\xf0\x9f\x98\x80"}  \n\ndata: [DONE]\n\n')])
    text = path.read_text()
    assert '      string: |+\n        data: {"a": "😀"}  \n\n        data: [DONE]\n' in text
    assert '    body: |-\n      {"b": 1, "a": 2}\n' in text
    assert "      chunks: [[0, 7, 1.5], [7, 30, 20.1]]\n" in text


@pytest.mark.parametrize(("serializer", "binary"), [("yaml", b"\x00\xff"), ("json", b"\x00\r")])
def test_plain_vcrpy_plays_our_file(serializer: str, binary: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"cassette.{serializer}"
    write_cassette(path, [interaction(), interaction(binary, url="https://h/v1/binary")])
    with (
        vcr.use_cassette(str(path), record_mode="none", serializer=serializer) as cassette,
        httpx.Client() as client,
    ):
        answer = client.post("https://h/v1/chat", content=b"{}")
        assert answer.content == EVENTS
        assert answer.reason_phrase == "OK"
        assert client.post("https://h/v1/binary").content == binary
        assert cassette.all_played


@pytest.mark.parametrize("mode", ["once", "new", "all"])
def test_a_name_of_another_recorders_is_refused_before_the_run(mode: Mode, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"an HTTP archive is only played; record to a \.yaml file"):
        open_tape(tmp_path / "a.har", mode).__enter__()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content_type", "body", "pieces"),
    [
        ("application/json", r"data: 1\n\ndata: 2\n\n", [18]),
        ("text/event-stream", r"data: 1\n\ndata: 2\n\n", [9, 9]),
        ("text/event-stream; charset=utf-8", r"data: 1\r\n\r\ndata: 2", [11, 7]),
        ("application/vnd.amazon.eventstream", r"\0\0\0\x10............\0\0\0\x11.............", [16, 17]),
        ("application/vnd.amazon.eventstream", r"\0\0\0\x10............tail", [16, 4]),
        ("application/vnd.amazon.eventstream", "no prelude", [10]),
        ("text/plain", "", []),
    ],
)
def test_a_plain_cassette_has_one_chunk_per_event(path: Path, content_type: str, body: str, pieces: list[int]) -> None:
    path.write_text(PLAIN % {"body": body, "type": content_type})
    (one,) = read_cassette(path)
    assert [chunk.length for chunk in one.response.chunks] == pieces
    assert one.request.method == "POST"
    assert one.request.headers == (("content-type", "application/json"),)
    assert one.response.headers == (("content-type", content_type), ("again", content_type))
    assert one.response.ended.how == "complete"


def test_vcrpys_former_httpx_format_is_read(path: Path) -> None:
    path.write_text(f"interactions:\n{ONE}{{status_code: 404, headers: {{a: b}}, content: gone}}")
    (one,) = read_cassette(path)
    assert (one.response.status, one.response.headers, one.response.body) == (404, (("a", "b"),), b"gone")


@pytest.mark.parametrize(("content", "message"), UNREADABLE)
def test_what_is_no_cassette_is_refused_and_never_overwritten(path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)
    for mode in get_args(Mode):
        with pytest.raises(UnreadableRecordingError, match="can't be read") as refused:
            use_cassette(path, mode).__enter__()
        assert message in str(refused.value)
        assert path.name in str(refused.value)
    assert path.read_bytes() == content


def test_a_missing_cassette_is_named(path: Path) -> None:
    with pytest.raises(UnreadableRecordingError, match=r"cassette\.yaml' is missing"):
        read_cassette(path)


@pytest.mark.parametrize(("marks", "message"), EDITED)
def test_marks_that_do_not_add_up_are_an_edit(path: Path, marks: str, message: str) -> None:
    path.write_text(f"interactions:\n{ONE}{{{ANSWER}, body: {{chunks: {marks}, string: abc}}}}")
    with pytest.raises(RecordingError, match="the body or its chunk marks were edited") as refused:
        read_cassette(path)
    assert message in str(refused.value)
    assert not isinstance(refused.value, UnreadableRecordingError)


def test_whatever_is_left_of_a_killed_recording_its_whole_interactions_are_read(path: Path) -> None:
    written = (interaction(b"one\n\n"), interaction(b"two\n", sent=b"- a\n- b"), interaction(b"three"))
    with CassetteWriter(path) as writer:
        for one in written:
            writer.append(one)
    whole = path.read_bytes()
    assert read_cassette(path) == written
    starts = [match.start() for match in re.finditer(rb"^- ", whole, re.MULTILINE)]
    assert len(starts) == 3
    for length in range(starts[0] + 2, len(whole)):
        path.write_bytes(whole[:length])
        kept = read_cassette(path, allow_torn_tail=True)
        # What is before the last start is whole; the last one counts only where every byte of its content is there.
        certain = sum(start < length for start in starts) - 1
        assert kept in (written[:certain], written[: certain + 1]), length


def test_a_recording_that_was_killed_before_its_first_answer_is_empty(path: Path) -> None:
    path.write_text("version: 1\ninteractions:\n")
    assert read_cassette(path, allow_torn_tail=True) == ()


@pytest.mark.parametrize("content", [b"- a\n", b"text", b"version: 1\ninterac", b"- a: ["])
def test_what_is_no_cassette_is_no_torn_one_either(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(UnreadableRecordingError):
        read_cassette(path, allow_torn_tail=True)


def test_each_interaction_is_on_disk_before_the_next(path: Path) -> None:
    with CassetteWriter(path) as writer:
        writer.append(interaction())
        assert read_cassette(path) == (interaction(),)


def test_a_folder_that_is_none_is_a_recording_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match="can't be written"):
        write_cassette(tmp_path / "file" / "cassette.yaml", [])


def test_saving_keeps_the_files_mode_and_follows_links(path: Path) -> None:
    write_cassette(path, [])
    path.chmod(0o640)
    link = path.with_name("link.yaml")
    link.symlink_to(path)
    write_cassette(link, [interaction()])
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert read_cassette(path) == (interaction(),)


def test_three_thousand_interactions_load_quickly(path: Path) -> None:
    write_cassette(path, [interaction(sent=b"%d" % n) for n in range(3000)])
    began = time.process_time()
    with use_cassette(path, "none") as cassette:
        assert len(cassette.loaded) == 3000
    # About 0.4 s on two slow cores; vcrpy's own loading and copying takes many times that.
    assert time.process_time() - began < 3.0


def test_every_real_cassette_is_read(corpus: Path) -> None:
    files = sorted(corpus.rglob("*.yaml"))
    assert files
    for file in files:
        for one in read_cassette(file):
            assert sum(chunk.length for chunk in one.response.chunks) == len(one.response.body)
            assert one.request.url.startswith("http")
