"""Secrets in bodies: in every framing, however the text is cut, none is left and the framing holds."""

from __future__ import annotations

import base64
import json
import random
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from harness.recording.redact.bodies import redacted_body
from harness.recording.redact.judge import Judge, Lens
from harness.recording.redact.passage import CODE
from tests.recording.redact.planted_secrets import BY_FORM, SECRET_FIELDS, Planted
from tests.recording.redact.secret_carriers import (
    NUMBERED,
    STREAMS,
    WHOLE,
    Carrier,
    aws_message,
    aws_payloads,
    sse,
    sse_events,
)

by_carrier = pytest.mark.parametrize("carrier", [*WHOLE, *STREAMS], ids=lambda carrier: carrier.id)
by_stream = pytest.mark.parametrize("stream", [*STREAMS, NUMBERED], ids=lambda carrier: carrier.id)

KEY = next(planted for planted in BY_FORM if planted.id == "openai")
JSON = "application/json"
EVENTS = "text/event-stream"
AWS = "application/vnd.amazon.eventstream"


def redacted(body: bytes, content_type: str) -> bytes:
    """The redacted body, which must have the length of the old one, and redact to itself."""
    clean, hits = redacted_body(body, content_type)
    assert len(clean) == len(body)
    assert redacted_body(clean, content_type) == (clean, ())
    assert bool(hits) == (clean != body)
    return clean


def assert_clean(carrier: Carrier, planted: Planted, pieces: list[str]) -> None:
    body = carrier.write(pieces)
    clean = redacted(body, carrier.content_type)
    # Reading fails where JSON, framing or a checksum was broken.
    for shown in (carrier.read(clean), clean.decode("latin-1")):
        left = [planted.core[at : at + 8] for at in range(len(planted.core) - 7) if planted.core[at : at + 8] in shown]
        assert left == [], f"{planted.id} in {carrier.id}, cut as {[len(piece) for piece in pieces]}"


@by_carrier
def test_no_planted_secret_leaves_a_trace(carrier: Carrier) -> None:
    for planted in BY_FORM:
        assert_clean(carrier, planted, [planted.text])


@by_stream
def test_no_planted_secret_survives_one_character_per_delta(stream: Carrier) -> None:
    for planted in BY_FORM[::4]:
        assert_clean(stream, planted, list(planted.text))


@by_stream
def test_a_key_is_found_at_every_split(stream: Carrier) -> None:
    text = f"my key is {KEY.value} ok"
    for cut in range(1, len(text)):
        assert_clean(stream, KEY, [text[:cut], text[cut:]])


_JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(SECRET_FIELDS), inner),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(value=_JSON_VALUES, planted=st.sampled_from(BY_FORM), ascii_only=st.booleans(), nested=st.booleans())
def test_json_stays_json_of_the_same_shape(value: Any, planted: Planted, ascii_only: bool, nested: bool) -> None:
    document: Any = {"a": value, "b": planted.text}
    written = json.dumps({"arguments": json.dumps(document)} if nested else document, ensure_ascii=ascii_only)
    clean: Any = json.loads(redacted(written.encode("utf-8", "surrogatepass"), JSON).decode("utf-8", "surrogatepass"))
    assert _shape(json.loads(clean["arguments"]) if nested else clean) == _shape(document)


def _shape(value: Any) -> Any:
    """What may not change: the nesting, and the kinds of values. A long name may itself be a secret."""
    if isinstance(value, dict):
        return [_shape(inner) for inner in value.values()]
    if isinstance(value, list):
        return [_shape(inner) for inner in value]
    return "number" if type(value) in (int, float) else type(value).__name__


@settings(max_examples=150, deadline=None)
@given(body=st.binary(max_size=300), kind=st.sampled_from([JSON, EVENTS, AWS, "text/plain", ""]))
def test_any_bytes_are_redacted_to_as_many_bytes_once_and_for_all(body: bytes, kind: str) -> None:
    redacted(body, kind)


@pytest.mark.parametrize("field", SECRET_FIELDS)
@pytest.mark.parametrize("value", ["hunter2", 'pä"ss\\wörd\n', ["one", "two"], {"inner": "one"}])
def test_whatever_stands_under_a_secret_name_is_blotted(field: str, value: Any) -> None:
    clean = redacted(json.dumps({"args": json.dumps({field: value, "other": "kept"})}).encode(), JSON)
    args = json.loads(json.loads(clean)["args"])
    assert args["other"] == "kept"
    assert args[field] != value
    for known in ("hunter2", "wörd", "one", "two"):
        assert known not in json.dumps(args[field], ensure_ascii=False)


@pytest.mark.parametrize("field", SECRET_FIELDS)
@pytest.mark.parametrize("value", [3, 123456, -1.5e3, [1, 2], {"count": 3}, True, None])
def test_a_number_never_becomes_another(field: str, value: Any) -> None:
    body = json.dumps({"args": json.dumps({field: value}), field: value}).encode()
    assert redacted(body, JSON) == body


@pytest.mark.parametrize(
    "document",
    [
        {"signature": f"Eq{KEY.value}"},
        {"thought_signature": KEY.value, "thoughtSignature": KEY.value},
        {"encrypted_content": KEY.value, "obfuscation": KEY.value, "system_fingerprint": KEY.value},
        {"content": [{"data": KEY.value, "type": "redacted_thinking"}]},
    ],
)
def test_exempt_fields_are_untouched(document: Any) -> None:
    body = json.dumps(document).encode()
    assert redacted(body, JSON) == body


def test_a_body_without_secrets_is_the_very_same_object() -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "What is 15 * 8?"}], "max_tokens": 40}).encode()
    assert redacted_body(body, JSON)[0] is body


def test_parallel_calls_are_put_together_each_for_itself() -> None:
    halves = [(0, KEY.value[:20]), (1, "{}"), (0, KEY.value[20:]), (1, KEY.value[:3])]
    events = [
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": index, "function": {"arguments": text}}]}}]}
        for index, text in halves
    ]
    clean = sse_events(redacted(sse(events), EVENTS))
    fragments = [event["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"] for event in clean]
    assert fragments == ["sk-" + "*" * 17, "{}", "*" * 31, "sk-"]


def test_log_probabilities_of_a_text_with_a_secret_do_not_spell_it() -> None:
    tokens = [KEY.value[at : at + 4] for at in range(0, len(KEY.value), 4)]
    logprobs: list[dict[str, Any]] = [
        {"token": token, "logprob": -0.1, "bytes": list(token.encode()),
         "top_logprobs": [{"token": "no", "bytes": [110, 111]}, {"token": token, "bytes": list(token.encode())}]}
        for token in tokens
    ]  # fmt: skip
    choice = {"message": {"content": f"it is {KEY.value}"}, "logprobs": {"content": logprobs}}
    clean = json.loads(redacted(json.dumps({"choices": [choice]}).encode(), JSON))["choices"][0]["logprobs"]["content"]
    assert {token["token"] for token in clean} == {"****", "***"}
    assert all(
        token["bytes"] == [ord("*")] * len(original["bytes"]) for token, original in zip(clean, logprobs, strict=True)
    )
    assert clean[0]["top_logprobs"][1]["token"] == "****"
    assert clean[0]["logprob"] == -0.1


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_data_of_several_lines_is_one_text(end: str) -> None:
    body = end.join([": hello", "event: x", 'data: {"text":', f'data: "{KEY.value}"}}', "", ""]).encode()
    assert redacted(body, EVENTS) == body.replace(KEY.core.encode(), b"*" * len(KEY.core))


@pytest.mark.parametrize(
    ("kind", "template"),
    [
        (JSON, '{"error": "no @@'),
        (JSON, '{"bare": @@, "x": 1}'),
        (JSON, '"@@"'),
        (EVENTS, 'data: {"a": "ok"}\n\ndata: {"a": "@@'),
        (EVENTS, ": a comment with @@\n\n"),
        (EVENTS, "event: @@\ndata: {}\n\n"),
        ("text/html", "<p>@@</p>"),
        ("application/x-ndjson", '{"a": 1}\n{"b": "@@"}\n'),
        ("application/x-www-form-urlencoded", "client_secret=@@&grant_type=x"),
        ("application/x-www-form-urlencoded", "a=1&q=so%20Bearer%20@@"),
        ("multipart/form-data; boundary=b", '--b\r\nContent-Disposition: form-data; name="api_key"\r\n\r\n@@\r\n--b--'),
    ],
)
def test_torn_malformed_and_other_bodies_are_searched_too(kind: str, template: str) -> None:
    body = template.replace("@@", KEY.value).encode()
    clean = redacted(body, kind)
    assert KEY.core.encode() not in clean
    blotted = [body.replace(text.encode(), b"*" * len(text)) for text in (KEY.core, KEY.value)]
    assert clean in blotted, "nothing else may change"


LINES = b"".join(
    json.dumps({"message": {"content": piece}, "done": False}).encode() + b"\n"
    for piece in (KEY.value[:20], KEY.value[20:])
)


@pytest.mark.parametrize(
    "content_type",
    ["", JSON, "application/octet-stream", "text/plain; charset=utf-8", "text/html", EVENTS, "application/x-ndjson"],
)
@pytest.mark.parametrize("before", ["", "\ufeff", "\n\n"], ids=["nothing", "a BOM", "blank lines"])
@pytest.mark.parametrize("body", [STREAMS[0].write([KEY.value[:20], KEY.value[20:]]), LINES], ids=["events", "lines"])
def test_a_stream_is_read_as_one_whatever_it_is_called(body: bytes, before: str, content_type: str) -> None:
    whole = before.encode() + body
    assert redacted(whole, content_type) == before.encode() + redacted(
        body, EVENTS if body != LINES else "application/x-ndjson"
    )


HALVES = [
    json.dumps({"candidates": [{"content": {"parts": [{"text": piece}]}}]}, indent=2)
    for piece in (KEY.value[:20], KEY.value[20:])
]


@pytest.mark.parametrize("content_type", [JSON, "", "text/plain", EVENTS])
@pytest.mark.parametrize(
    "body",
    ["\ufeff[{0},{1}]", "[{0}\n,\n{1}", "[{0}\n,\n{1}\n,\n{{", "{0}{1}", "{0}\r\n{1}\n"],
    ids=[
        "a BOM before a list",
        "a list without end",
        "a list that is cut off",
        "objects in a row",
        "objects of several lines",
    ],
)
def test_a_stream_that_is_written_as_a_list_or_as_objects_is_read_as_one(body: str, content_type: str) -> None:
    clean = redacted(body.format(*HALVES).encode(), content_type).decode()
    assert KEY.core[:10] not in clean
    assert KEY.core[-10:] not in clean


@pytest.mark.parametrize("content_type", ["", "application/yaml", "application/octet-stream", "text/plain"])
@pytest.mark.parametrize("start", ["id: 5", ": of the house", "data:"])
def test_a_text_that_begins_like_a_stream_is_read_as_a_text_too(start: str, content_type: str) -> None:
    body = f"{start}\nname: tide\napi_key: >-\n  {KEY.core}\n"
    assert redacted(body.encode(), content_type).decode() == body.replace(KEY.core, "*" * len(KEY.core))


@pytest.mark.parametrize(
    ("outer", "place"),
    [("token", "token: customer_number_77"), ("my password is @@", "my password is **********: customer_number_77")],
)
def test_a_place_tells_the_name_of_a_field_that_stands_under_a_secret_one(outer: str, place: str) -> None:
    """Each name is judged by itself: the one before does not announce it."""
    content = json.dumps({outer.replace("@@", "Tr0ub4dor3"): json.dumps({"customer_number_77": f"it is {KEY.value}"})})
    assert redacted_body(content.encode(), JSON)[1][-1].where == place


def test_a_secret_of_two_aws_messages_is_blotted_and_the_checksums_are_right() -> None:
    eventstream = pytest.importorskip("botocore.eventstream")
    body = b"".join(
        aws_message("contentBlockDelta", json.dumps({"contentBlockIndex": 0, "delta": {"text": text}}).encode())
        for text in (f"so {KEY.value[:9]}", KEY.value[9:])
    )
    clean = redacted(body, AWS)
    buffer = eventstream.EventStreamBuffer()
    buffer.add_data(clean)
    texts = [json.loads(message.payload)["delta"]["text"] for message in buffer]
    assert texts == ["so sk-" + "*" * 6, "*" * 42]


def test_a_damaged_aws_message_keeps_its_damage() -> None:
    message = aws_message("x", json.dumps({"text": f"{KEY.value} x"}).encode())
    damaged = message[:-1] + bytes([message[-1] ^ 1])
    clean = redacted(damaged + message, AWS)
    assert KEY.core.encode() not in clean
    assert clean[len(message) - 4 : len(message)] == damaged[-4:]
    assert aws_payloads(clean[len(message) :])[0]["text"].startswith("sk-**")


def test_a_torn_aws_message_is_searched_too() -> None:
    message = aws_message("x", json.dumps({"text": KEY.value, "more": "x" * 50}).encode())
    assert KEY.core.encode() not in redacted(message + message[:-20], AWS)


def test_base64_stays_base64() -> None:
    inside = f"\x00\xff binary {KEY.value} binary"
    body = json.dumps({"image_url": f"data:x/y;base64,{base64.b64encode(inside.encode('latin-1')).decode()}"}).encode()
    url = json.loads(redacted(body, JSON))["image_url"]
    assert base64.b64decode(url.partition(",")[2], validate=True).decode("latin-1") == inside.replace(
        KEY.core, "*" * len(KEY.core)
    )


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r\n  ", "\n\t", "\n> "])
@pytest.mark.parametrize("kind", ["multipart/mixed; boundary=b", JSON, "text/plain"])
def test_a_secret_is_found_in_base64_of_several_lines(kind: str, break_: str) -> None:
    inside = f"{'a letter to somebody, ' * 7}{KEY.value} and more"
    folded = base64.encodebytes(inside.encode()).decode().strip().replace("\n", break_)
    around = {
        "multipart/mixed; boundary=b": "--b\r\nA: b\r\n\r\n@@\r\n--b--",
        JSON: '{"raw": "@@"}',
        "text/plain": "@@",
    }[kind]
    head, tail = around.split("@@")
    written = json.dumps(folded)[1:-1] if kind == JSON else folded
    clean = redacted(f"{head}{written}{tail}".encode(), kind).decode().removeprefix(head).removesuffix(tail)
    clean = json.loads(f'"{clean}"') if kind == JSON else clean
    assert base64.b64decode(clean.replace(break_, "")).decode() == inside.replace(KEY.core, "*" * len(KEY.core))


@pytest.mark.parametrize("form", ["&#{};", "&#x{:x};", "\\{:03o}", "\\x{:02x}", "\\u{:04x}"])
def test_what_is_written_as_numbers_is_blotted_as_such(form: str) -> None:
    body = f"<pre>it is {''.join(form.format(ord(char)) for char in KEY.value)}</pre>".encode()
    clean = CODE.decoded(redacted(body, "text/html").decode())
    assert clean == f"<pre>it is {KEY.value.replace(KEY.core, '*' * len(KEY.core))}</pre>"


@pytest.mark.parametrize("length", [5000, 5001, 5002, 5003])
def test_base64_in_a_line_of_its_own_is_found_below_a_long_one(length: int) -> None:
    line = base64.b64encode(f"{'so ' * 30}{KEY.value}".encode()).decode()
    clean = redacted(f"{'x' * length}\n{line}\n".encode(), "text/plain").decode().split()[1]
    assert KEY.core not in base64.b64decode(clean).decode()


def test_of_a_file_of_another_kind_what_is_readable_is_judged_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it, as if it were a text, takes seconds for each megabyte."""
    judged: list[int] = []
    real = Judge.lens

    def lens(judge: Judge, text: str) -> Lens:
        judged.append(len(text))
        return real(judge, text)

    monkeypatch.setattr(Judge, "lens", lens)
    noise = random.Random(7).randbytes(100_000)
    said = f'{{"password": "grün Tr0ub4dor3x", "key": "{KEY.value}"}}'.encode()
    body = noise + b"\0" + said + b"\xff" + noise
    clean = redacted(body, "application/octet-stream")
    assert [clean.startswith(noise), clean.endswith(noise)] == [True, True]
    assert KEY.core.encode() not in clean
    assert b"Tr0ub4dor" not in clean
    assert sum(judged) < len(body)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize(
    ("kind", "around"),
    [
        (JSON, lambda text: text),
        ("", lambda text: text),
        ("multipart/form-data; boundary=b", lambda text: b"--b\r\nContent-Type: text/plain\r\n\r\n%b\r\n--b--" % text),
        (JSON, lambda text: b'{"command": "powershell -EncodedCommand %b"}' % base64.b64encode(text)),
    ],
    ids=["JSON", "unnamed", "an upload", "a command"],
)
def test_a_secret_in_wide_characters_is_found(kind: str, around: Callable[[bytes], bytes], encoding: str) -> None:
    document = {"note": f"日本 {KEY.value} grün", "password": "Tr0ub4dor日3"}
    text = json.dumps(document, ensure_ascii=False).encode(encoding)
    clean = redacted(around(text), kind)
    if encoded := re.search(rb"Command ([^\"]+)", clean):
        clean = base64.b64decode(encoded[1])
    start = around(text).find(text)
    shown = clean[max(start, 0) :][: len(text)].decode(encoding)
    assert shown.startswith(text.decode(encoding)[:14]), "what is no secret may not change"
    assert KEY.core not in shown
    assert "Tr0ub4dor" not in shown


def test_hostile_nesting_is_no_trouble() -> None:
    body = (b'{"a":[' * 3000) + json.dumps(KEY.value).encode() + (b"]}" * 3000)
    assert KEY.core.encode() not in redacted(body, JSON)
    body = KEY.value.encode()
    for depth in range(400):
        body = b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n%b\r\n--b%d--" % (
            depth + 1,
            depth,
            body,
            depth + 1,
        )
    assert KEY.core.encode() not in redacted(body, "multipart/mixed; boundary=b400")


def test_a_megabyte_without_secrets_takes_no_more_than_a_glance() -> None:
    # Generous, for slow machines: what is meant to be kept out is anything quadratic, which takes minutes.
    body = json.dumps({"messages": [{"role": "user", "content": "lorem ipsum dolor sit amet " * 40_000}]}).encode()
    started = time.perf_counter()
    redacted_body(body, JSON)
    assert time.perf_counter() - started < 2
