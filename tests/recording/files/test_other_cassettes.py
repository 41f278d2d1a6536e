"""Cassettes as other tools write them: read, where they hold a request and its response, and never called broken."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import RecordingError, UnreadableRecordingError
from harness.recording.files.cassette_reader import read_cassette, read_each
from harness.recording.files.walk import recordings_below
from harness.recording.redact.content_coding import opened_if_possible
from harness.recording.wire import Interaction

REQUEST = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi 😀"}], "max_tokens": 10, "seed": None}
ANSWER = {"id": "1", "choices": [], "version": "1.0", "price": 0.5, "whole": True}

PARSED = """
interactions:
- request:
    headers: {content-type: [application/json]}
    method: POST
    parsed_body: {model: gpt-4o, messages: [{role: user, content: "Hi 😀"}], max_tokens: 10, seed: null}
    uri: https://h/
  response:
    headers: {}
    parsed_body:
      id: '1'
      choices: []
      version: "1.0"
      price: 0.5
      whole: true
    status: {code: 200, message: OK}
"""
MAPPING = """
interactions:
- request:
    body: {model: gpt-4o, messages: [{role: user, content: "Hi 😀"}], max_tokens: 10, seed: null}
    headers: {}
    method: POST
    uri: https://h/
  response:
    body: {string: '{"id": "1", "choices": [], "version": "1.0", "price": 0.5, "whole": true}'}
    headers: {}
    status: {code: 200, message: OK}
version: 1
"""
MERGED = """
answered: &answered {headers: {a: b}, status: {code: 500}}
asked:
- &first {uri: "https://h/"}
- &second {uri: "https://other/", method: POST, headers: {}}
interactions:
- request:
    <<: [*first, *second]
    body: {model: gpt-4o, messages: [{role: user, content: "Hi 😀"}], max_tokens: 10, seed: null}
  response:
    status: {code: 200}
    body: {string: '{"id": "1", "choices": [], "version": "1.0", "price": 0.5, "whole": true}'}
    <<: *answered
"""
ENTRY: dict[str, Any] = {
    "request": {"method": "POST", "uri": "https://h/", "headers": {"a": ["b"]}, "body": json.dumps(REQUEST)},
    "response": {
        "status": {"code": 200, "message": "OK"},
        "headers": {"content-type": ["application/json"]},
        "body": {"string": json.dumps(ANSWER)},
    },
}


def _with(side: str, **parts: Any) -> dict[str, Any]:
    return {**ENTRY, side: {**ENTRY[side], **parts}}


def _of_ruby(kept: str) -> dict[str, Any]:
    bodies = [json.dumps(body) for body in (REQUEST, ANSWER)]
    if kept == "base64_string":
        # As `[body].pack("m")` does, in lines of 60 characters.
        bodies = [
            "\n".join(base64.b64encode(body.encode()).decode()[i : i + 60] for i in range(0, 999, 60))
            for body in bodies
        ]
    asked, answered = ({"encoding": "UTF-8", kept: body} for body in bodies)
    return {
        "request": {"method": "post", "uri": "https://h/", "headers": {}, "body": asked},
        "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": answered},
        "recorded_at": "Sat, 01 Jan 2026 00:00:00 GMT",
    }


GO: dict[str, Any] = {
    "request": {
        "method": "POST",
        "url": "https://h/",
        "headers": {"A": ["b"]},
        "body": json.dumps(REQUEST),
        "form": {},
    },
    "response": {"body": json.dumps(ANSWER), "headers": {}, "status": "200 OK", "code": 200, "duration": "1s"},
}
SENT_TEXT = json.dumps(REQUEST)
SENT = base64.b64encode(SENT_TEXT.encode()).decode()
CODED = base64.b64encode(json.dumps(ANSWER).encode()).decode()
ARCHIVED: dict[str, Any] = {
    "request": {
        "method": "POST", "url": "https://h/", "headers": [{"name": "a", "value": "b"}],
        "postData": {"mimeType": "application/json", "text": json.dumps(REQUEST)},
    },
    "response": {
        "status": 200, "statusText": "OK", "headers": [],
        "content": {"text": CODED, "encoding": "base64"},
    },
}  # fmt: skip
GZIP = gzip.compress(json.dumps(ANSWER).encode())
GZIP_CHUNKS = GZIP[:15], GZIP[15:]


def _of_polly(content: dict[str, Any]) -> str:
    coded = [{"name": "content-encoding", "value": "gzip"}]
    entry = {**ARCHIVED, "response": {**ARCHIVED["response"], "headers": coded, "content": content}}
    return json.dumps({"log": {"creator": {"name": "Polly.JS"}, "entries": [entry]}})


FILE = """
interactions:
- request:
    body: !!python/object/new:_io.BytesIO
      state: !!python/tuple
      - '%s'
      - 0
      - null
    headers: {}
    method: POST
    uri: https://h/
  response:
    body: {string: '%s'}
    headers: {}
    status: {code: 200, message: OK}
"""

#: As vcrpy writes what a client sent piece by piece, or in a bytearray, and the names that aiohttp gave of headers.
OBJECTS = """
interactions:
- request:
    body: %s
    headers: {? !!python/object/apply:multidict._multidict.istr [A] : [b]}
    method: POST
    uri: https://h/
  response:
    body: {string: '%s'}
    headers: {}
    status: {code: 200, message: OK}
"""

PSYCH = """
http_interactions:
- request:
    method: post
    uri: !str https://h/
    body: {encoding: ASCII-8BIT, string: !binary "%s"}
    headers: {}
  response:
    status: {code: !float 200, message: OK}
    headers: {}
    body:
      encoding: ASCII-8BIT
      string: !binary |-
        %s
"""

FORMS = {
    "bodies as values": PARSED,
    "a body that is a mapping": MAPPING,
    # The two halves of the emoji are escapes of their own, as vcrpy's JSON serialiser writes them.
    "JSON": json.dumps({"version": 1, "interactions": [ENTRY]}),
    "JSON with base64": json.dumps({"interactions": [_with("response", body={"base64_string": CODED})]}),
    "requests beside responses": json.dumps({"requests": [ENTRY["request"]], "responses": [ENTRY["response"]]}),
    "no head": json.dumps([ENTRY]),
    "VCR of PHP": json.dumps(
        [{"request": GO["request"], "response": {**ENTRY["response"], "body": json.dumps(ANSWER)}}]
    ),
    "VCR of Ruby": json.dumps({"http_interactions": [_of_ruby("base64_string")], "recorded_with": "VCR 6.3.1"}),
    "a binary string of Ruby": PSYCH
    % tuple(base64.b64encode(json.dumps(body).encode()).decode() for body in (REQUEST, ANSWER)),
    "betamax": json.dumps({"http_interactions": [_of_ruby("string")], "recorded_with": "betamax/0.9.0"}),
    "go-vcr": json.dumps({"version": 2, "interactions": [GO]}),
    "an HTTP archive": json.dumps({"log": {"version": "1.2", "entries": [ARCHIVED]}}),
    "Polly.js": _of_polly(
        {
            "encoding": "base64",
            "text": json.dumps([base64.b64encode(each).decode() for each in GZIP_CHUNKS], separators=(",", ":")),
        }
    ),
    "Polly.js before its sixth version": _of_polly(
        {"_isBinary": True, "text": json.dumps([each.hex() for each in GZIP_CHUNKS], separators=(",", ":"))}
    ),
    "a text that was put into one of Polly.js by hand": _of_polly({"_isBinary": True, "text": json.dumps(ANSWER)}),
    "a text that is a value": json.dumps({"interactions": [_with("response", body={"string": ANSWER})]}),
    "headers that are null": json.dumps(
        {"interactions": [_with("request", headers={"a": "b", "c": None, "d": [None]})]}
    ),
    "headers as pairs with null": json.dumps({"interactions": [_with("request", headers=[["a", "b"], ["c", None]])]}),
    "a body of chunks": json.dumps({"interactions": [_with("response", body={"string": list(json.dumps(ANSWER))})]}),
    "a status that is a number": json.dumps({"interactions": [_with("response", status=200)]}),
    "headers as pairs": json.dumps({"interactions": [_with("request", headers=[["a", "b"]])]}),
    "headers without lists": json.dumps({"interactions": [_with("request", headers={"a": "b"})]}),
    "what has been said before": MERGED,
    "a file for a body": FILE % (json.dumps(REQUEST, ensure_ascii=False), json.dumps(ANSWER)),
    "pieces for a body": OBJECTS
    % (
        f"!!python/object/apply:builtins.iter {{args: [[!!binary {SENT[:40]}, !!binary {SENT[40:]}]], state: 0}}",
        json.dumps(ANSWER),
    ),
    "pieces of text for a body": OBJECTS
    % (
        f"!!python/object/apply:builtins.iter {{args: [[{json.dumps(SENT_TEXT[:9])}, {json.dumps(SENT_TEXT[9:])}]]}}",
        json.dumps(ANSWER),
    ),
    "a bytearray for a body": OBJECTS
    % (f"!!python/object/apply:builtins.bytearray [{json.dumps(json.dumps(REQUEST))}, latin-1]", json.dumps(ANSWER)),
    "a status by R": json.dumps({"interactions": [_with("response", status={"status_code": 200, "reason": "OK"})]}),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("form", FORMS)
def test_a_request_and_its_response_are_read_from_each_form(form: str, packed: bool, tmp_path: Path) -> None:
    path = tmp_path / ("cassette.yaml.gz" if packed else "cassette.yaml")
    content = FORMS[form].encode()
    path.write_bytes(gzip.compress(content) if packed else content)
    (one,) = read_cassette(path)
    assert (one.request.method, one.request.url, one.response.status) == ("POST", "https://h/", 200)
    assert json.loads(one.request.body) == REQUEST
    assert json.loads(opened_if_possible(one.response).body) == ANSWER
    assert {name.lower() for name, _ in one.request.headers} <= {"a", "content-type"}


REFUSED = {
    "half a gzip": (gzip.compress(b"interactions: []")[:-3], "gzip file that ends in the middle"),
    "no gzip": (b"\x1f\x8b\x00nothing", "no whole gzip file"),
    "a key twice in JSON": (b'{"interactions": [], "interactions": []}', "'interactions' comes twice"),
    "deep JSON": (b'{"interactions": ' + b"[" * 100_000, "deep"),
    "a list of another recorder's": (
        json.dumps([{"scope": "https://h", "body": "😀"}]).encode(),
        "it is not a cassette",
    ),
    "half a JSON": (b'{"interactions": [', "line 2: "),
    "more requests": (b'{"requests": [{}], "responses": []}', "not two lists of one length"),
    "a version of true": (b'{"version": true, "interactions": []}', "version is True"),
    "another tag": (FILE.replace("_io.BytesIO", "os.system").encode(), "python/object/new:os.system"),
    "a recording's frames": (
        b'{"format":"harness.frames/1"}\n{"channel":"llm"}\n',
        "it is a part of a recording; expected",
    ),
    "a recording's head": (b'{\n  "format": "harness.recording/1"\n}', "it is a part of a recording; expected"),
    "a merge in the middle of a text": (
        (FILE % (json.dumps(REQUEST), "{\n<<<<<<< HEAD\n=======\n>>>>>>> other\n}")).encode(),
        "line 14: git has left a merge",
    ),
    "what is left of a merge": ((FILE % ("{}", "{\n>>>>>>> other\n}")).encode(), "line 14: git has left a merge"),
    "a merge key without a mapping": (b"interactions:\n- request:\n    <<:\n    method: GET", "line 3: '<<' merges"),
    "a merge key of a list of texts": (b"a: &a [b]\ninteractions:\n- <<: *a", "line 3: '<<' merges"),
    "pieces that are mappings": (b"a: !!python/object/apply:builtins.iter {args: [[{b: c}]]}", "an object without"),
    "an object of another kind": (b"a: !!python/object/apply:builtins.eval ['1']", "builtins.eval"),
    "a file of nothing": (b"interactions: !!python/object/new:_io.BytesIO {a: b}", "an object without"),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_read_is_named_for_what_it_is(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "cassette.yaml"
    path.write_bytes(content)
    with pytest.raises(UnreadableRecordingError, match="can't be read") as refused:
        read_cassette(path)
    assert message in str(refused.value)
    assert "delete" not in str(refused.value)


def test_a_quoted_merge_key_is_a_key_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "cassette.yaml"
    path.write_text(MERGED.replace("{model: gpt-4o, ", "{'<<': {a: b}, model: gpt-4o, "))
    (one,) = read_cassette(path)
    assert json.loads(one.request.body)["<<"] == {"a": "b"}


BAD = {
    "no response": ({**ENTRY, "response": None}, "interactions[1].response is null"),
    "half a character": (
        {**ENTRY, "response": {**ENTRY["response"], "body": {"string": "\ud83d"}}},
        "interactions[1].response.body.string holds half of a character",
    ),
    "bad base64": (
        {**ENTRY, "response": {**ENTRY["response"], "body": {"base64_string": "?"}}},
        "interactions[1].response.body.base64_string is no base64",
    ),
    "a code that is none": (
        {**ENTRY, "response": {**ENTRY["response"], "status": {"code": True}}},
        "interactions[1].response.status.code is True",
    ),
    "half a code": (_with("response", status={"code": 20}), "interactions[1].response.status.code is 20"),
    "a status code beside no body": (
        {**ENTRY, "response": {"status_code": 200, "headers": {}, "body_segments": []}},
        "interactions[1].response.body is missing",
    ),
    "half a URL": (
        _with("request", uri="https://[::1/v1"),
        "interactions[1].request.uri is 'https://[::1/v1' (Invalid",
    ),
    "a port that is none": (_with("request", uri="https://h:99999/"), "(Port out of range"),
}


@pytest.mark.parametrize(("entry", "message"), BAD.values(), ids=BAD)
def test_a_bad_interaction_leaves_the_others_readable(entry: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "cassette.json"
    path.write_text(json.dumps({"interactions": [ENTRY, entry, ENTRY]}))
    before, bad, after = read_each(path)
    assert isinstance(before, Interaction)
    assert before == after
    assert isinstance(bad, RecordingError)
    assert message in str(bad)
    # A tape takes a file as a whole.
    with pytest.raises(RecordingError, match=r"interactions\[1\]"):
        read_cassette(path)


def test_an_empty_bytearray_is_an_empty_body(tmp_path: Path) -> None:
    path = tmp_path / "cassette.yaml"
    path.write_text(OBJECTS % ("!!python/object/apply:builtins.bytearray []", "{}"))
    assert [one.request.body for one in read_cassette(path)] == [b""]


UNMARKED: dict[str, Any] = {"status": {"code": 0}, "body": {"string": "", "chunks": []}}
UNANSWERED = {
    "unsaid": {"interactions": [_with("response", **UNMARKED)]},
    "by an edit": {"interactions": [_with("response", **UNMARKED, ended={"how": "complete", "at_ms": 0})]},
    "by a browser": {"log": {"entries": [{**ARCHIVED, "response": {**ARCHIVED["response"], "status": 0}}]}},
    "by Playwright": {"log": {"entries": [{**ARCHIVED, "response": {**ARCHIVED["response"], "status": -1}}]}},
}


@pytest.mark.parametrize("document", UNANSWERED.values(), ids=UNANSWERED)
def test_what_has_no_status_got_no_answer(document: dict[str, Any], tmp_path: Path) -> None:
    """As an HTTP archive has what a browser could not reach; it is nothing that a run may come to."""
    path = tmp_path / "cassette.json"
    path.write_text(json.dumps(document))
    (one,) = read_cassette(path)
    assert (one.response.status, one.response.ended.how) == (0, "no-response")


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.har", "{}", True),
        ("a.har.gz", "", True),
        ("a.yml.gz", "", True),
        ("a.json", json.dumps({"http_interactions": []}), True),
        ("a.json", json.dumps({"version": 1, "interactions": []}), True),
        ("a.json", json.dumps({"log": {"entries": []}}), True),
        ("a.json", json.dumps({"log": "yes", "interactions": 3}), False),
        ("a.json", json.dumps([1]), False),
    ],
)
def test_a_cassette_is_found_in_a_folder_by_its_name_or_its_beginning(
    name: str, content: str, found: bool, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    assert [path.name for path in recordings_below(tmp_path)] == ([name] if found else [])
