"""The scan finds each kind of trouble where it is, tells no secret, and is quiet about real cassettes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from harness.errors import UnreadableRecordingError
from harness.recording.files.cassette_writer import write_cassette
from harness.recording.redact.redaction import Redactor
from harness.recording.scan import Finding, Kind, scan
from harness.recording.wire import Chunk, Ending, Interaction, WireRequest, WireResponse
from tests.recording.redact.planted_secrets import BY_FORM
from tests.recording.redact.secret_carriers import STREAMS

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REDACTOR = Redactor()
KEY = next(planted for planted in BY_FORM if planted.id == "anthropic")
CHAT = STREAMS[0]

MANIFEST = {
    "format": "harness.recording/1",
    "target": "app:plan",
    "runtime": {"name": "harness", "version": "1"},
    "recorded_at": "2025-12-01T00:00:00Z",
    "origin": "live",
}


def frame(seq: int, kind: str, **data: Any) -> dict[str, Any]:
    return {
        "id": f"e{seq}",
        "seq": seq,
        "type": kind,
        "channel": "llm",
        "namespace": ["llm"],
        "timestamp": "2025-12-01T00:00:00Z",
        "parent_id": None,
        "previous_id": None,
        "data": {"call_id": "c1", **data},
    }


HEADER = {"format": "harness.frames/1"}
STARTED = frame(1, "llm_call_started")


def lines(*values: Any) -> str:
    return "".join(f"{json.dumps(value)}\n" for value in values)


REQUEST = WireRequest(
    "POST", "https://api.openai.com/v1/chat/completions", (("content-type", "application/json"),), b'{"a": 1}'
)
BODY = CHAT.write(["Hel", "lo"])
RESPONSE = WireResponse(
    200,
    "OK",
    (("content-type", CHAT.content_type),),
    BODY,
    (Chunk(0, len(BODY), 1.0),),
    Ending("complete", None, 1.0),
    (),
)


def with_body(body: bytes) -> WireResponse:
    return replace(RESPONSE, body=body, chunks=(Chunk(0, len(body), 1.0),))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A recording with nothing to find."""
    folder = tmp_path / "cassettes" / "openai" / "text"
    folder.mkdir(parents=True)
    (folder / "recording.json").write_text(json.dumps(MANIFEST))
    (folder / "frames.jsonl").write_text(lines(HEADER, STARTED, frame(2, "llm_stream_chunk", chunk="Hello")))
    write_cassette(folder / "cassette.yaml", [Interaction(REQUEST, RESPONSE)])
    return folder


def told(findings: list[Finding], recording: Path) -> list[tuple[str, Kind, str]]:
    return [(finding.path.relative_to(recording).as_posix(), finding.kind, finding.where) for finding in findings]


def test_a_clean_recording_gives_no_finding(recording: Path) -> None:
    assert scan([recording], now=NOW) == []
    assert scan([recording.parent.parent], now=NOW) == []
    assert scan([recording / part for part in ("recording.json", "cassette.yaml", "frames.jsonl")], now=NOW) == []


@dataclass(frozen=True)
class Trouble:
    """One thing wrong with a recording, and what the scan says."""

    id: str
    file: str
    content: str | None
    kind: Kind
    where: str = ""


TROUBLES = (
    Trouble("no cassette", "cassette.yaml", None, "format"),
    Trouble("empty cassette", "cassette.yaml", "", "format"),
    Trouble("torn cassette", "cassette.yaml", "version: 1\ninteractions:\n- request: {", "format"),
    Trouble("later cassette", "cassette.yaml", "version: 2\ninteractions: []\n", "version"),
    Trouble("no frames", "frames.jsonl", None, "format"),
    Trouble("empty frames", "frames.jsonl", "", "format"),
    Trouble("torn frames", "frames.jsonl", lines(HEADER, STARTED) + '{"id": "e', "format"),
    Trouble("later frames", "frames.jsonl", '{"format": "harness.frames/2"}\n', "version"),
    Trouble("foreign frames", "frames.jsonl", '{"id": "e1"}\n', "format"),
    Trouble("no frame", "frames.jsonl", lines(HEADER, {"id": "e1"}), "format"),
    Trouble("empty manifest", "recording.json", "", "format"),
    Trouble("no manifest object", "recording.json", "[]", "format"),
    Trouble("foreign manifest", "recording.json", json.dumps(MANIFEST | {"format": "x/1"}), "format"),
    Trouble("later", "recording.json", json.dumps(MANIFEST | {"format": "harness.recording/7"}), "version"),
    Trouble("partial", "recording.json", json.dumps(MANIFEST | {"status": "partial"}), "format", "status"),
    Trouble("no time", "recording.json", json.dumps(MANIFEST | {"recorded_at": "once"}), "format", "recorded_at"),
    Trouble("old", "recording.json", json.dumps(MANIFEST | {"recorded_at": "2024-01-01"}), "age", "recorded_at"),
    Trouble(
        "secret input", "recording.json", json.dumps(MANIFEST | {"inputs": {"k": KEY.value}}), "secret", "inputs.k"
    ),
    Trouble("left over", "cassette.yaml.bak", "x", "orphan"),
    Trouble("scratch", ".cassette.yaml.a1b2c3", "x", "orphan"),
)


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.id)
def test_each_trouble_is_found_once_where_it_is(recording: Path, trouble: Trouble) -> None:
    file = recording / trouble.file
    file.unlink(missing_ok=True)
    if trouble.content is not None:
        file.write_text(trouble.content)
    (finding,) = scan([recording], now=NOW)
    assert told([finding], recording) == [(trouble.file, trouble.kind, trouble.where)]
    assert finding.message


def test_more_answered_calls_than_the_run_made_are_a_finding(recording: Path) -> None:
    answered = Interaction(REQUEST, RESPONSE)
    refused = replace(answered, response=replace(RESPONSE, status=429))
    cut = replace(answered, response=replace(RESPONSE, ended=Ending("cut", None, 1.0)))
    elsewhere = replace(answered, request=replace(REQUEST, url="https://example.com/upload"))
    write_cassette(recording / "cassette.yaml", [refused, cut, elsewhere, answered])
    assert scan([recording], now=NOW) == []
    write_cassette(recording / "cassette.yaml", [answered, answered])
    assert told(scan([recording], now=NOW), recording) == [("cassette.yaml", "unplayed", "interactions")]


def test_of_an_interrupted_run_more_calls_may_be_answered_than_the_frames_tell_of(recording: Path) -> None:
    answered = Interaction(REQUEST, RESPONSE)
    write_cassette(recording / "cassette.yaml", [answered, answered])
    outcome: dict[str, Any] = {"status": "cancelled", "results": [], "error": None, "error_type": None}
    (recording / "recording.json").write_text(json.dumps({**MANIFEST, "outcome": outcome}))
    assert scan([recording], now=NOW) == []


def test_what_a_killed_recorder_leaves_beside_a_cassette_is_an_orphan(tmp_path: Path) -> None:
    write_cassette(tmp_path / "plain.yaml", [Interaction(REQUEST, RESPONSE)])
    for name in (".plain.yaml.x1y2", "plain.yaml.partial"):
        (tmp_path / name).write_text("x")
    assert [(finding.path.name, finding.kind) for finding in scan([tmp_path], now=NOW)] == [
        (".plain.yaml.x1y2", "orphan"),
        ("plain.yaml.partial", "orphan"),
    ]


def test_parts_without_a_manifest_are_orphans(recording: Path) -> None:
    (recording / "recording.json").unlink()
    assert told(scan([recording.parent], now=NOW), recording) == [
        ("cassette.yaml", "orphan", ""),
        ("frames.jsonl", "orphan", ""),
    ]


def test_what_a_recording_may_have_besides_is_no_orphan(recording: Path) -> None:
    (recording / "README.md").write_text("how this was recorded")
    (recording / "__pycache__").mkdir()
    assert scan([recording], now=NOW) == []


def test_a_path_where_nothing_is_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRecordingError, match="nothing to scan at"):
        scan([tmp_path / "nowhere"], now=NOW)


def test_the_age_of_a_plain_cassette_is_that_of_its_latest_response(tmp_path: Path) -> None:
    def dated(date: str) -> Interaction:
        return Interaction(REQUEST, replace(RESPONSE, headers=(*RESPONSE.headers, ("Date", date))))

    file = tmp_path / "plain.yaml"
    old = dated("Mon, 01 Jan 2024 00:00:00 GMT")
    write_cassette(file, [old])
    assert [finding.kind for finding in scan([tmp_path], now=NOW)] == ["age"]
    assert scan([tmp_path], now=NOW, max_age_days=1000) == []
    write_cassette(file, [old, dated("Mon, 01 Dec 2025 00:00:00 GMT"), dated("never")])
    assert scan([tmp_path], now=NOW) == []


PLACES = {
    "request.url": Interaction(replace(REQUEST, url=f"https://example.com/?key={KEY.value}"), RESPONSE),
    "request.headers.authorization": Interaction(
        replace(REQUEST, headers=(("authorization", f"Bearer {KEY.value}"),)), RESPONSE
    ),
    "request.body: a": Interaction(replace(REQUEST, body=json.dumps({"a": KEY.value}).encode()), RESPONSE),
    "response.headers.set-cookie": Interaction(REQUEST, replace(RESPONSE, headers=(("set-cookie", "a=b1; Path=/"),))),
    "response.body: choices.delta.content": Interaction(
        REQUEST, with_body(CHAT.write([KEY.value[:20], KEY.value[20:]]))
    ),
}


@pytest.mark.parametrize(("place", "interaction"), PLACES.items(), ids=PLACES)
def test_a_secret_in_a_cassette_is_found_where_it_is(tmp_path: Path, place: str, interaction: Interaction) -> None:
    write_cassette(tmp_path / "plain.yaml", [Interaction(REQUEST, RESPONSE), interaction])
    findings = scan([tmp_path], now=NOW)
    assert {(finding.kind, finding.where) for finding in findings} == {("secret", f"interactions[1].{place}")}
    assert KEY.core[:8] not in repr(findings)
    clean = Interaction(REDACTOR.request(interaction.request), REDACTOR.response(interaction.response))
    write_cassette(tmp_path / "plain.yaml", [clean])
    assert scan([tmp_path], now=NOW) == [], "what was redacted is clean"


ENTRY: dict[str, Any] = {
    "request": {"method": "POST", "uri": "https://h/", "headers": {}, "body": "{}"},
    "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "{}"}},
}
ARCHIVED: dict[str, Any] = {
    "request": {
        "method": "POST", "url": "https://h/", "headers": [], "cookies": [{"name": "sid", "value": KEY.value}],
        "queryString": [{"name": "q", "value": KEY.value}], "postData": {"text": "{}", "params": [{"value": KEY.value}]},
    },
    "response": {"status": 200, "statusText": "OK", "headers": [], "content": {"text": "{}", "comment": KEY.value}},
}  # fmt: skip
GO: dict[str, Any] = {
    "request": {"method": "POST", "url": "https://h/", "headers": {}, "body": "", "form": {"k": [KEY.value]}},
    "response": {"code": 200, "status": "200 OK", "headers": {}, "body": "{}"},
}

COMMENTED = """interactions:
- request:
    method: POST
    uri: https://h/
    headers:
      # authorization: [%s]
      accept: [a]  # or with %s
    body: |
      # A heading
      %s
  response: {status: 200, headers: {}, body: '# %s'}
"""

#: What readers of cassettes pass over: the file, and where in it a secret stands.
BESIDE: dict[str, tuple[str, set[str]]] = {
    "a comment": (f"# by {KEY.value}\n{json.dumps({'interactions': [ENTRY]})}", {"comments"}),
    "a header that was taken out": (COMMENTED % (KEY.value, "", "", ""), {"comments"}),
    "a comment beside a value": (COMMENTED % ("", KEY.value, "", ""), {"comments"}),
    "no comment in a block": (COMMENTED % ("", "", f"# {KEY.value}", ""), {"interactions[0].request.body"}),
    "no comment in quotes": (COMMENTED % ("", "", "", KEY.value), {"interactions[0].response.body"}),
    "the document": (json.dumps({"interactions": [ENTRY], "by": {"env": KEY.value}}), {"by.env"}),
    "an interaction": (json.dumps({"interactions": [{**ENTRY, "note": KEY.value}]}), {"interactions.note"}),
    "a response": (
        json.dumps({"interactions": [{**ENTRY, "response": {**ENTRY["response"], "url": f"https://h/{KEY.value}"}}]}),
        {"interactions.response.url"},
    ),
    "what a status says": (
        json.dumps({"interactions": [{**ENTRY, "response": {**ENTRY["response"], "status": {"code": 400, "message": KEY.value}}}]}),
        {"interactions[0].response.status.message"},
    ),
    "a form of go-vcr": (json.dumps({"version": 2, "interactions": [GO]}), {"interactions.request.form.k"}),
    "an archive": (
        json.dumps({"log": {"entries": [ARCHIVED]}}),
        {
            f"log.entries.{place}"
            for place in ("request.cookies.value", "request.queryString.value", "request.postData.params.value", "response.content.comment")
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "places"), BESIDE.values(), ids=BESIDE)
def test_a_secret_is_found_in_what_a_replay_does_not_read(content: str, places: set[str], tmp_path: Path) -> None:
    (tmp_path / "plain.yaml").write_text(content)
    findings = scan([tmp_path], now=NOW)
    assert {(finding.kind, finding.where) for finding in findings} == {("secret", place) for place in places}


def test_a_secret_split_over_frames_is_found(recording: Path) -> None:
    chunks = [frame(seq, "llm_stream_chunk", chunk=part) for seq, part in ((2, KEY.value[:30]), (3, KEY.value[30:]))]
    (recording / "frames.jsonl").write_text(lines(HEADER, STARTED, *chunks))
    assert told(scan([recording], now=NOW), recording) == [("frames.jsonl", "secret", "data.chunk")]


def _asking(url: str) -> str:
    return json.dumps({"interactions": [{"request": {"method": "GET", "uri": url}, "response": {}}]})


#: Files whose message or place would have to quote what is in them.
QUOTED = {
    "the name of a field": json.dumps({"interactions": [], KEY.value: {"password": "Tr0ub4dor3x"}}),
    "a name that says one": json.dumps({"interactions": [], f"my password is {KEY.core}": {"api_key": KEY.value}}),
    "a key twice in JSON": f'{{"{KEY.value}": 1, "{KEY.value}": 2}}',
    "a key twice in YAML": f"{KEY.value}: 1\n{KEY.value}: 2\n",
    "a tag": f"interactions: !{KEY.value} x\n",
    "a version": json.dumps({"version": KEY.value, "interactions": []}),
    "a port of a URL": _asking(f"https://h:99999/?api_key={KEY.value}"),
    "what is taken for a port": _asking(f"https://me:{KEY.core}/x@h/"),
}


@pytest.mark.parametrize("content", QUOTED.values(), ids=QUOTED)
def test_no_finding_quotes_a_secret(content: str, tmp_path: Path) -> None:
    (tmp_path / "plain.yaml").write_text(content)
    findings = scan([tmp_path / "plain.yaml"], now=NOW)
    assert findings
    assert KEY.core[:8] not in repr(findings)


def test_no_finding_quotes_a_secret_of_a_recording(recording: Path) -> None:
    for manifest, frames in (
        ({**MANIFEST, "target": [KEY.value]}, lines(HEADER, {**STARTED, "timestamp": KEY.value})),
        ({**MANIFEST, "format": KEY.value}, lines({"format": KEY.value})),
    ):
        (recording / "recording.json").write_text(json.dumps(manifest))
        (recording / "frames.jsonl").write_text(frames)
        findings = scan([recording], now=NOW)
        assert {finding.kind for finding in findings} == {"format", "secret"}
        assert KEY.core[:8] not in repr(findings)


@pytest.mark.parametrize(
    "value", ["SCRUBBED", "AUTHORIZATION-XXX", "Bearer REDACTED", "**********", "Bearer sk-xxxx", "", "your-api-key"]
)
def test_a_placeholder_in_place_of_a_credential_is_no_finding(tmp_path: Path, value: str) -> None:
    asked = replace(REQUEST, headers=(("Authorization", value), ("X-Api-Key", value)))
    write_cassette(tmp_path / "plain.yaml", [Interaction(asked, RESPONSE)])
    assert scan([tmp_path], now=NOW) == []


def test_a_secret_in_the_name_of_a_file_or_folder_is_found(tmp_path: Path) -> None:
    folder = tmp_path / f"run of {KEY.value}"
    folder.mkdir()
    write_cassette(folder / f"{KEY.value}.yaml", [Interaction(REQUEST, RESPONSE)])
    write_cassette(folder / "plain.yaml", [Interaction(REQUEST, RESPONSE)])
    assert [(finding.kind, finding.where) for finding in scan([tmp_path], now=NOW)] == [("secret", "name")] * 2


def test_a_file_that_cannot_be_read_is_searched_for_secrets_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "torn.yaml").write_text(f"version: 1\ninteractions:\n- request: {{uri: 'https://x/?key={KEY.value}")
    assert {finding.kind for finding in scan([tmp_path], now=NOW)} == {"format", "secret"}


def test_real_cassettes_give_no_false_hit(corpus: Path) -> None:
    findings = scan([corpus], now=NOW, max_age_days=10_000)
    assert [finding for finding in findings if finding.kind == "secret"] == []
    assert [finding for finding in findings if finding.kind not in ("secret", "age")] == []
