"""The redactor's face: requests, responses, texts, payloads and frames, as a recording is about to hold them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from harness.recording.redact.redaction import Redactor
from harness.recording.wire import Chunk, Ending, Headers, WireRequest, WireResponse
from tests.recording.redact.planted_secrets import BY_FORM, Planted

REDACTOR = Redactor()
KEY = next(planted for planted in BY_FORM if planted.id == "openai-project")
STARS = "*" * len(KEY.core)


def request(url: str = "https://api.example.com/v1", headers: Headers = (), body: bytes = b"") -> WireRequest:
    return WireRequest("POST", url, headers, body)


def response(body: bytes, content_type: str = "application/json", *headers: tuple[str, str]) -> WireResponse:
    half = len(body) // 2
    chunks = (Chunk(0, half, 1.0), Chunk(half, len(body) - half, 2.5)) if half else (Chunk(0, len(body), 1.0),)
    ending = Ending("complete", None, 3.0)
    return WireResponse(200, "OK", (("Content-Type", content_type), *headers), body, chunks, ending, ("run",))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", f"Bearer {KEY.value}"),
        ("x-api-key", "anything"),
        ("api-key", "anything"),
        ("X-Goog-Api-Key", "anything"),
        ("Cookie", "a=b"),
        ("X-Amz-Security-Token", "anything"),
        ("X-Nobody-Thought-Of-This", "anything"),
        ("OpenAI-Organization", "org-something"),
    ],
)
def test_a_header_that_is_not_on_the_list_is_not_kept(name: str, value: str) -> None:
    kept = REDACTOR.request(request(headers=((name, value), ("Content-Type", "application/json"))))
    assert kept.headers == (("Content-Type", "application/json"),)
    assert REDACTOR.response(response(b"{}", "application/json", (name, value))).headers == kept.headers


def test_a_header_that_is_kept_holds_no_secret() -> None:
    location = ("Location", f"https://example.com/next?key={KEY.value}&page=2")
    assert REDACTOR.response(response(b"", "text/plain", location)).headers[1][1].endswith(f"key={'*' * 132}&page=2")


def test_a_client_is_given_a_session_and_the_recording_has_not_which() -> None:
    session = ("mcp-session-id", "1868a90c-4f5b")
    assert REDACTOR.response(response(b"", "text/plain", session)).headers[1] == ("mcp-session-id", "*" * 13)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.com/v1beta/models?alt=sse&key=abc", "https://example.com/v1beta/models?alt=sse&key=***"),
        ("https://me:pw@example.com/x", "https://me:**@example.com/x"),
        ("https://example.com/x?api_key=a%2Fb&b=1#access_token=c", "https://example.com/x?api_key=*****&b=1#access_token=*"),
        ("https://example.com/x?X-Amz-Signature=00ff&X-Amz-Date=1", "https://example.com/x?X-Amz-Signature=****&X-Amz-Date=1"),
        ("https://example.com/cb?code=abc&sig=d%3D", "https://example.com/cb?code=***&sig=****"),
        (f"https://example.com/{KEY.value}/x", f"https://example.com/sk-proj-{STARS}/x"),
        (f"https://example.com/?q=Bearer%20{KEY.value}", f"https://example.com/?q=Bearer%20{'*' * len(KEY.value)}"),
        ("https://example.com/openai/deployments/a?api-version=2024", "https://example.com/openai/deployments/a?api-version=2024"),
    ],
)  # fmt: skip
def test_urls_keep_their_shape_and_lose_their_secrets(url: str, expected: str) -> None:
    assert REDACTOR.request(request(url)).url == expected


def test_a_request_made_again_is_redacted_to_the_recorded_one() -> None:
    sent = request("https://example.com/?key=abc", (("accept", "*/*"),), json.dumps({"password": KEY.value}).encode())
    recorded = REDACTOR.request(sent)
    assert REDACTOR.request(sent) == recorded
    assert REDACTOR.request(recorded) == recorded


def test_the_text_of_an_error_holds_no_secret() -> None:
    ended = Ending("reset", f"ConnectError: https://example.com/?key={KEY.value}", 1.0)
    failed = WireResponse(0, "", (), b"", (), ended, ())
    assert KEY.core not in (REDACTOR.response(failed).ended.error or "")


def chunk_frame(seq: int, chunk: str, call: str = "call-1", **tool_call: Any) -> dict[str, Any]:
    data: dict[str, Any] = {"chunk": chunk, "call_id": call, "call_type": "llm_call", "tool_call": None}
    if tool_call:
        function = {"name": "f", "arguments": chunk}
        data |= {"call_type": "tool_call", "tool_call": {"id": "x", "function": function, **tool_call}}
    return {"id": f"e{seq}", "seq": seq, "type": "llm_stream_chunk", "channel": "llm", "data": data}


@settings(max_examples=40, deadline=None)
@given(planted=st.sampled_from(BY_FORM), data=st.data())
def test_a_key_split_over_the_frames_of_a_call_is_blotted_in_each(planted: Planted, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(planted.text) - 1))
    pieces = (planted.text[:cut], planted.text[cut:])
    frames = [
        chunk_frame(1, pieces[0]),
        chunk_frame(2, "other text ", "call-2"),
        chunk_frame(3, pieces[1]),
        chunk_frame(4, pieces[0], index=0),
        chunk_frame(5, "{}", index=1),
        chunk_frame(6, pieces[1], index=0),
    ]
    clean = REDACTOR.frames(frames)
    chunks = [frame["data"]["chunk"] for frame in clean]
    for first, second in ((0, 2), (3, 5)):
        assert chunks[first] + chunks[second] == REDACTOR.text(planted.text)
    assert [chunks[1], chunks[4]] == ["other text ", "{}"]
    assert [frame["data"]["tool_call"]["function"]["arguments"] for frame in clean[3:]] == chunks[3:]
    assert [len(chunk) for chunk in chunks] == [len(frame["data"]["chunk"]) for frame in frames]
    assert REDACTOR.frames(clean) == clean


def test_whole_texts_one_after_the_other_are_not_taken_for_one() -> None:
    frames = [{"type": "conversation_message_added", "data": {"content": f"{KEY.value} is mine"}}] * 2
    assert REDACTOR.frames(frames) == [{"type": "conversation_message_added", "data": {"content": f"sk-proj-{STARS} is mine"}}] * 2  # fmt: skip


def test_what_was_blotted_at_the_end_of_a_text_is_clean_whatever_the_next_begins_with() -> None:
    """As of a flow that fails: its method's frame and its own tell of one error."""
    failed = {"type": "method_execution_failed", "data": {"error": f"connecting as me: password={KEY.core[:20]}"}}
    clean = [REDACTOR.payload(frame) for frame in (failed, {**failed, "type": "flow_failed"})]
    assert clean[0]["data"]["error"] == f"connecting as me: password={'*' * 20}"
    assert REDACTOR.frames(clean) == clean


def test_texts_of_frames_announce_nothing_of_one_another() -> None:
    """A frame is written before the next one comes, and the scan of all of them finds no more."""
    texts = (
        "the auth: oauth2",
        "so it is, with pw=",
        "1024boats psql -U me",
        "https://example.com/?a=1 password is ",
        "Tr0ub4dor",
    )
    frames = [{"type": f"custom_{at}", "data": {"note": text}} for at, text in enumerate(texts)]
    assert REDACTOR.frames(frames) == frames


def test_a_payload_keeps_what_is_no_secret() -> None:
    payload = {
        "tool_args": {"user": "me", "password": "hunter2", "pin\n": [1, 2.5, None, True]},
        "output": f"é {KEY.value}",
    }
    assert REDACTOR.payload(payload) == {
        "tool_args": {"user": "me", "password": "*******", "pin\n": [1, 2.5, None, True]},
        "output": f"é sk-proj-{STARS}",
    }


def test_nothing_is_copied_where_nothing_is_secret() -> None:
    payload = {"text": "hello"}
    assert REDACTOR.payload(payload) is payload


@pytest.mark.parametrize("name", ["request-id", "X-Request-Id", "acme-request-id", "apim-request-id"])
def test_the_name_that_a_provider_gives_a_request_is_kept(name: str) -> None:
    assert (name, "req_1") in REDACTOR.response(response(b"{}", "application/json", (name, "req_1"))).headers
