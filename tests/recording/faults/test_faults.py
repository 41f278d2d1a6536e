"""Faults as pure functions of a response, what a caller makes of them in playback, and how they are asked for."""

from __future__ import annotations

import asyncio
import json
import math
import threading
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from harness.errors import (
    MalformedResponseError,
    ProviderConnectionError,
    ProviderError,
    ProviderStatusError,
    StreamTruncatedError,
    UsageError,
)
from harness.llm.credentials import no_credentials_needed
from harness.providers.bedrock.dialect import AWS_EVENT_STREAM, aws_message
from harness.recording.faults.cuts import cut_points, events_of, resplit
from harness.recording.faults.dialects import dialect_of
from harness.recording.faults.faults import FAULTS, faulted, parse_fault
from harness.recording.tape.playback import Playback
from harness.recording.tape.tape import playing
from harness.recording.wire import Chunk, Interaction, WireRequest
from tests.recording.faults.cutting import response
from tests.recording.support.loopback import PATIENCE_S
from tests.recording.support.remade import SHIPPED, Remade, shipped_streams, streams_of


def sse(*events: str) -> bytes:
    return "".join(f"{event}\n\n" for event in events).encode()


OPENAI = sse(
    *(f'data: {{"object":"chat.completion.chunk","choices":[{{"delta":{{"content":"{n}"}}}}]}}' for n in range(3)),
    "data: [DONE]",
)
ANTHROPIC = sse(
    'event: message_start\ndata: {"type":"message_start","message":{}}',
    'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":"hi"}}',
    'event: message_stop\ndata: {"type":"message_stop"}',
)
RESPONSES = sse(
    'event: response.created\ndata: {"type":"response.created","response":{"object":"response"}}',
    'event: response.output_item.added\ndata: {"item":{"type":"message"}}',
    'event: response.completed\ndata: {"type":"response.completed"}',
)
GEMINI = sse(
    'data: {"candidates": [{"content": {"parts": [{"text": "hi"}]}}]}',
    'data: {"candidates": [{"content": {"parts": [{"text": "!"}]}, "finishReason": "STOP"}]}',
).replace(b"\n", b"\r\n")
OLLAMA = b"".join(
    b'{"model": "m", "message": {"role": "assistant", "content": "hi"}, "done": %b}\n' % done
    for done in (b"false", b"false", b"true")
)
COHERE = (
    b'{"event_type": "stream-start", "generation_id": "g"}\n'
    b'{"event_type": "text-generation", "text": "hi"}\n'
    b'{"event_type": "stream-end", "finish_reason": "COMPLETE"}\n'
)
BEDROCK_EVENTS = [
    aws_message({":event-type": kind, ":content-type": "application/json", ":message-type": "event"}, b'{"p":"ab"}')
    for kind in ("messageStart", "contentBlockDelta", "messageStop", "metadata")
]

#: Name, body, content type, how many events there are, and how many of them, the last, are the end.
STREAMS = [
    pytest.param("openai", OPENAI, "text/event-stream", 4, 1, id="openai"),
    pytest.param("anthropic", ANTHROPIC, "text/event-stream; charset=utf-8", 3, 1, id="anthropic"),
    pytest.param("openai-responses", RESPONSES, "text/event-stream", 3, 1, id="responses"),
    pytest.param("gemini", GEMINI, "text/event-stream", 2, 1, id="gemini"),
    pytest.param("ollama", OLLAMA, "application/x-ndjson", 3, 1, id="ollama"),
    pytest.param("cohere", COHERE, "application/stream+json", 3, 1, id="cohere"),
    pytest.param("bedrock", b"".join(BEDROCK_EVENTS), AWS_EVENT_STREAM.media_type, 4, 2, id="bedrock"),
]


@pytest.mark.parametrize(("name", "body", "content_type", "count", "ends"), STREAMS)
def test_end_markers_are_left_out_and_doubled_in_every_dialect(
    name: str, body: bytes, content_type: str, count: int, ends: int
) -> None:
    recorded = response(body, content_type)
    events = events_of(recorded)
    assert (dialect_of(recorded).name, len(events)) == (name, count)
    (missing,) = parse_fault("missing-end").apply(recorded)
    (doubled,) = parse_fault("double-end").apply(recorded)
    assert events_of(missing) == events[:-ends]
    assert events_of(doubled) == (*events, *events[-ends:])
    assert cut_points(recorded) == (0,)
    assert cut_points(resplit(recorded, [len(event) for event in events]))[-1] == sum(map(len, events[:-ends]))


@pytest.mark.parametrize(("name", "body", "content_type", "count", "ends"), STREAMS)
@pytest.mark.parametrize("seed", range(6))
def test_an_error_event_is_the_last_and_comes_before_the_end(
    name: str, body: bytes, content_type: str, count: int, ends: int, seed: int
) -> None:
    recorded = response(body, content_type)
    events = events_of(recorded)
    (broken,) = parse_fault(f"error-event:seed={seed}").apply(recorded)
    *before, error = events_of(broken)
    assert tuple(before) == events[: len(before)]
    assert 1 <= len(before) <= count - ends
    assert b"The server failed" in error
    assert broken.ended.how == "complete"


@pytest.mark.parametrize(("name", "body", "content_type", "count", "ends"), STREAMS)
@pytest.mark.parametrize("seed", range(8))
def test_a_malformed_event_is_one_event_and_not_the_end(
    name: str, body: bytes, content_type: str, count: int, ends: int, seed: int
) -> None:
    recorded = response(body, content_type)
    fault = parse_fault(f"malformed:seed={seed}")
    (broken,) = fault.apply(recorded)
    assert fault.apply(recorded) == (broken,)
    assert broken.body != body
    if name == "bedrock":
        assert len(broken.body) == len(body)
        changed = [index for index, (one, two) in enumerate(zip(body, broken.body, strict=True)) if one != two]
        assert len(changed) == 1
        return
    before, after = events_of(recorded), events_of(broken)
    (index,) = [index for index, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    assert index < count - ends
    with pytest.raises(ValueError):  # both JSONDecodeError and UnicodeDecodeError
        json.loads(after[index].rpartition(b"data: ")[2])


@pytest.mark.parametrize("content_type", ["application/x-ndjson", "application/vnd.tern", "text/plain"])
@pytest.mark.parametrize("prefix", [b"", b"data: "], ids=["lines", "events"])
@pytest.mark.parametrize("seed", range(6))
def test_a_malformed_line_of_a_format_that_nobody_reads_is_one_before_the_last(
    content_type: str, prefix: bytes, seed: int
) -> None:
    body = b"".join(prefix + b'{"text": "%d"}\n' % n for n in range(4))
    (broken,) = parse_fault(f"malformed:seed={seed}").apply(response(body, content_type))
    before, after = (whole.splitlines() for whole in (body, broken.body))
    (index,) = [index for index, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    assert index < 3
    with pytest.raises(ValueError):  # both JSONDecodeError and UnicodeDecodeError
        json.loads(after[index].removeprefix(prefix))


@pytest.mark.parametrize("body", [b"", b"data: [DONE]\n\n", b'0:"a"\n1:"b"\n'])
def test_where_nothing_is_json_nothing_is_malformed(body: bytes) -> None:
    for content_type in ("text/event-stream", "application/vnd.tern"):
        recorded = response(body, content_type)
        assert parse_fault("malformed").apply(recorded) == (recorded,)


def test_seeds_give_different_faults_and_the_same_ones_again() -> None:
    recorded = response(OPENAI, "text/event-stream", *[10] * (len(OPENAI) // 10), len(OPENAI) % 10)
    bodies = [parse_fault(f"cut:seed={seed}").apply(recorded)[0].body for seed in range(20)]
    assert bodies == [parse_fault(f"cut:seed={seed}").apply(recorded)[0].body for seed in range(20)]
    assert len(set(bodies)) > 5
    assert {len(body) for body in bodies} <= set(cut_points(recorded))


@pytest.mark.parametrize(
    ("spec", "how", "at_ms"),
    [
        ("cut:25", "cut", 20.0),
        ("reset:25", "reset", 20.0),
        ("end:25", "complete", 20.0),
        ("stall:25", "error", math.inf),
    ],
)
def test_breaking_off_leaves_the_first_bytes_in_their_pieces(spec: str, how: str, at_ms: float) -> None:
    recorded = response(b"x" * 40, "text/event-stream", 10, 10, 10, 10)
    (broken,) = parse_fault(spec).apply(recorded)
    assert broken.body == b"x" * 25
    assert broken.chunks == (Chunk(0, 10, 0.0), Chunk(10, 10, 10.0), Chunk(20, 5, 20.0))
    assert (broken.ended.how, broken.ended.at_ms) == (how, at_ms)
    assert parse_fault(spec.replace("25", "40")).apply(recorded) == (recorded,)


def test_cut_points_are_the_chunk_ends_before_the_end_marker() -> None:
    done = len(OPENAI) - len(b"data: [DONE]\n\n")
    recorded = response(OPENAI, "text/event-stream", 5, done - 5, 6, 8)
    assert cut_points(recorded) == (0, 5, done)
    assert cut_points(response(b"x" * 9, "text/event-stream", 3, 3, 3)) == (0, 3, 6)
    assert cut_points(response(b'{"a": 1}', "application/json")) == (0,)


def test_pieces_keep_the_times_at_which_their_last_bytes_came() -> None:
    recorded = response(b"x" * 10, "text/event-stream", 4, 4, 2)
    assert resplit(recorded, [3]).chunks == (Chunk(0, 3, 0.0), Chunk(3, 3, 10.0), Chunk(6, 3, 20.0), Chunk(9, 1, 20.0))
    assert [chunk.length for chunk in resplit(recorded, [1, 2]).chunks] == [1, 2, 1, 2, 1, 2, 1]
    for wrong in ([], [0], [3, -1]):
        with pytest.raises(UsageError, match="lengths are"):
            resplit(recorded, wrong)


def test_refusals_come_first_and_then_what_was_recorded() -> None:
    recorded = response(ANTHROPIC)
    *refusals, last = parse_fault("429:2,retry-after=7").apply(recorded)
    assert last == recorded
    assert [(one.status, one.header("Retry-After")) for one in refusals] == [(429, "7")] * 2
    assert json.loads(refusals[0].body)["error"]["type"] == "rate_limit_error"
    assert [one.status for one in parse_fault("500").apply(recorded)] == [500]
    assert [one.status for one in parse_fault("500:1").apply(recorded)] == [500, 200]
    bedrock = response(b"".join(BEDROCK_EVENTS), AWS_EVENT_STREAM.media_type)
    assert parse_fault("429").apply(bedrock)[0].header("x-amzn-errortype") == "ThrottlingException"


def test_faults_are_done_one_to_what_the_other_left() -> None:
    one = Interaction(WireRequest("POST", "http://h/", (), b""), response(OPENAI))
    both = faulted([one], [parse_fault("429"), parse_fault("content-type:text/plain"), parse_fault("cut:9")])
    assert [(two.response.status, len(two.response.body), two.response.header("content-type")) for two in both[1:]] == [
        (200, 9, "text/plain")
    ]
    assert both[0].response.status == 429
    assert both[0].response.header("content-type") == "application/json"


def test_a_fault_that_fits_nothing_is_the_callers_mistake() -> None:
    plain = Interaction(WireRequest("POST", "http://h/", (), b""), response(b'{"a": 1}', "application/json"))
    for spec in ("missing-end", "double-end", "error-event", "cut:100"):
        with pytest.raises(UsageError, match=f"fault '{spec}' can be done to none of the 1 responses"):
            faulted([plain], [parse_fault(spec)])
    (broken,) = faulted([plain], [parse_fault("malformed")])
    with pytest.raises(ValueError):
        json.loads(broken.response.body)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "there is none called ''; there are cut"),
        ("kut:3", "there is none called 'kut'; there are cut[:AFTER|seed=…], reset"),
        ("cut:x", "'x' is no whole number; expected cut[:AFTER|seed=…]"),
        ("cut:-1", "'-1' is no whole number"),
        ("cut:3,4", "'4' is one too many"),
        ("cut:3,sed=4", "'sed=4' is one too many"),
        ("429:0", "'0' is not above zero"),
        ("429:retry-after=soon", "'soon' is no number of seconds"),
        ("429:retry-after=inf", "'inf' is no number of seconds"),
        ("missing-end:3", "'3' is one too many; expected missing-end"),
        ("content-type:a\r\nb: c", "is no header value"),
    ],
)
def test_a_wrong_spec_is_refused_and_told_what_there_is(spec: str, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_fault(spec)
    assert message in str(refused.value)


def test_every_fault_can_be_asked_for_by_its_name_alone() -> None:
    recorded = response(OPENAI, "text/event-stream", 20, len(OPENAI) - 20)
    for name, kind in FAULTS.items():
        assert parse_fault(name).apply(recorded) != (recorded,)
        assert kind.usage(name).startswith(name)


@pytest.fixture(scope="module")
def text() -> Remade:
    """A shipped stream with text."""
    _, interaction = next(streams_of(SHIPPED / "openai" / "text" / "cassette.yaml"))
    return Remade(interaction)


@pytest.mark.parametrize(
    ("spec", "error", "fields"),
    [
        ("cut:1000", StreamTruncatedError, {}),
        ("reset:1000", StreamTruncatedError, {}),
        ("end:1000", StreamTruncatedError, {}),
        ("missing-end", StreamTruncatedError, {}),
        ("cut:0", ProviderError, {"status": None}),
        ("reset:0", ProviderError, {"status": None}),
        ("429:1", ProviderStatusError, {"status": 429, "code": "rate_limit_exceeded", "retryable": True}),
        ("500", ProviderStatusError, {"status": 500, "retryable": True}),
        ("error-event", ProviderError, {"status": None}),
        *((f"malformed:seed={seed}", MalformedResponseError, {}) for seed in range(8)),
    ],
)
def test_in_playback_a_fault_is_a_typed_failure(
    text: Remade, spec: str, error: type[ProviderError], fields: dict[str, Any]
) -> None:
    run = text.against(parse_fault(spec).apply(text.interaction.response)[0])
    assert isinstance(run.error, error), repr(run.error)
    assert {name: getattr(run.error, name) for name in fields} == fields
    assert [frame["type"] for frame in run.frames].count("llm_call_failed") == 1
    assert not isinstance(run.error, ProviderConnectionError) or not run.chunks


every_stream = pytest.mark.parametrize(
    "stream", [pytest.param(Remade(one), id=name) for name, one in shipped_streams()]
)


@every_stream
@pytest.mark.parametrize("spec", ["double-end", "gzip-header", "content-type:text/html"])
def test_in_playback_these_faults_change_no_frame_of_any_shipped_stream(stream: Remade, spec: str) -> None:
    (other,) = parse_fault(spec).apply(stream.interaction.response)
    if spec == "double-end" and stream.provider == "gemini":
        # Its last piece of text and the reason come in one event: sent twice, both are there twice.
        assert stream.against(other).chunks.startswith(stream.whole.chunks)
        return
    assert stream.against(other).frames == stream.whole.frames


def test_in_playback_a_client_that_tries_again_succeeds_after_the_refusals(text: Remade) -> None:
    recorded = text.interaction.response
    run = text.against(*parse_fault("429:2,retry-after=0.01").apply(recorded), max_retries=2)
    assert run.error is None
    assert run.frames == text.against(recorded).frames


def test_in_playback_a_stall_lasts_until_the_session_is_closed(text: Remade) -> None:
    (stalled,) = parse_fault("stall:1000").apply(text.interaction.response)
    shown, over = threading.Event(), threading.Event()
    with no_credentials_needed(), playing(Path("stalled.yaml"), (replace(text.interaction, response=stalled),)):
        session = text.session()

        def read() -> None:
            try:
                for frame in session:
                    if frame.content:
                        shown.set()
            finally:
                over.set()

        # A copy, since the tape and the missing credentials are of this context.
        reader = threading.Thread(target=copy_context().run, args=(read,), daemon=True)
        reader.start()
        assert shown.wait(PATIENCE_S)
        assert not over.wait(0.1)
        session.close()
        assert over.wait(PATIENCE_S)
        reader.join(PATIENCE_S)
    assert session.is_cancelled
    assert "llm_call_failed" not in [frame.type for frame in session.frames]


def test_in_playback_a_stall_ends_with_the_response_or_the_task_that_reads_it(text: Remade) -> None:
    (stalled,) = parse_fault("stall:1000").apply(text.interaction.response)
    playback = Playback(stalled, speed=None)
    came: list[bytes] = []
    reader = threading.Thread(target=lambda: came.extend(playback.pieces()), daemon=True)
    reader.start()
    reader.join(0.1)
    assert reader.is_alive()
    playback.close()
    reader.join(PATIENCE_S)
    assert (reader.is_alive(), b"".join(came)) == (False, stalled.body)

    async def read() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await Playback(stalled, speed=None).await_end()

    asyncio.run(read())
