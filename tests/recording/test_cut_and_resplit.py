"""Every recorded stream, cut wherever it can be and split however it can be: what came is shown, and no more.

A cut before the end marker is a typed failure after exactly the frames of what had come (clause `llm.truncation`); the same
bytes in other pieces give the same frames (clause `llm.rechunk`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from harness.errors import ProviderError, StreamTruncatedError
from harness.recording.dialects import dialect_of
from harness.recording.faults import cut_points, parse_fault, resplit
from harness.recording.splitting import events_of
from harness.recording.wire import Chunk, Ending, Interaction, WireRequest, WireResponse
from tests.recording.remade import Remade, Run, shipped_streams, streams_of

#: In order without an end marker, by closing the connection, by breaking it.
BREAKS = ("end", "cut", "reset")

SPLITS = st.lists(st.integers(1, 500), min_size=1, max_size=40)
#: Of a long stream, so many cut points are looked at, spread over all of it; and bytes one by one up to this length.
SAMPLE, SHORT = 3, 10_000


def payloads(events: tuple[bytes, ...]) -> Iterator[dict[str, Any]]:
    """Yield the JSON of server-sent events; read by hand, so as not to ask a decoder about itself."""
    for event in events:
        data = b"".join(line[5:] for line in event.splitlines() if line.startswith(b"data:")).strip()
        if data.startswith(b"{") and event.endswith(b"\n\n"):
            yield json.loads(data)


def openai_deltas(payload: dict[str, Any]) -> Iterator[str]:
    for choice in payload.get("choices", [])[:1]:
        delta: dict[str, Any] = choice["delta"]
        yield delta.get("content") or delta.get("refusal") or ""
        for call in delta.get("tool_calls") or []:
            yield call["function"].get("arguments") or ""


def anthropic_deltas(payload: dict[str, Any]) -> Iterator[str]:
    if payload["type"] == "content_block_delta":
        delta: dict[str, Any] = payload["delta"]
        yield next((delta[key] for key in ("text", "thinking", "partial_json") if key in delta), "")


def responses_deltas(payload: dict[str, Any]) -> Iterator[str]:
    if payload["type"].endswith(".delta"):
        yield payload["delta"]


#: By wire format: what one event says. Where there is no row, frames are only held against those of the whole run.
SAYS: dict[str, Callable[[dict[str, Any]], Iterator[str]]] = {
    "anthropic": anthropic_deltas,
    "openai": openai_deltas,
    "openai-responses": responses_deltas,
}


def greeting() -> Interaction:
    """A stream whose deltas are text of two to four bytes per character."""
    head: dict[str, Any] = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "gpt-4o-mini"}
    deltas = ("Grüße aus ", "Århus: 灯台 🗼 ", "und 👩‍🚀 winkt")
    choices: list[list[dict[str, Any]]] = [
        [{"index": 0, "delta": {"content": text}, "finish_reason": None}] for text in deltas
    ]
    choices.append([{"index": 0, "delta": {}, "finish_reason": "stop"}])
    events = [f"data: {json.dumps({**head, 'choices': one}, ensure_ascii=False)}\n\n".encode() for one in choices]
    body = b"".join([*events, b"data: [DONE]\n\n"])
    asked = {"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
    return Interaction(
        WireRequest("POST", "https://api.openai.com/v1/chat/completions", (), json.dumps(asked).encode()),
        resplit(
            WireResponse(
                200,
                "OK",
                (("content-type", "text/event-stream"),),
                body,
                (Chunk(0, len(body), 0.0),),
                Ending("complete", None, 0.0),
                (),
            ),
            [len(event) for event in events],
        ),
    )


STREAMS = [(name, Remade(one)) for name, one in [("greeting", greeting()), *shipped_streams()]]
every_stream = pytest.mark.parametrize("stream", [pytest.param(stream, id=name) for name, stream in STREAMS])


@every_stream
@pytest.mark.parametrize("how", BREAKS)
def test_a_cut_at_any_chunk_is_a_typed_failure_after_the_frames_that_came(stream: Remade, how: str) -> None:
    points = cut_points(stream.interaction.response)
    # A provider that sends whole calls at once may answer in one piece: there is still the cut before it.
    assert points
    check_cuts(stream, how, points)


def check_cuts(stream: Remade, how: str, points: tuple[int, ...]) -> None:
    recorded = stream.interaction.response
    for point in points:
        (cut,) = parse_fault(f"{how}:{point}").apply(recorded)
        assert cut.body == recorded.body[:point]
        check_cut(stream, cut, stream.against(cut))


def check_cut(stream: Remade, cut: WireResponse, run: Run) -> None:
    assert isinstance(run.error, ProviderError), f"cut at {len(cut.body)} ended with {run.error!r}"
    if run.chunks:
        assert isinstance(run.error, StreamTruncatedError)
    *before, last = run.frames
    assert (last["type"], last["data"]["error_type"]) == ("llm_call_failed", type(run.error).__name__)
    assert before == stream.whole.frames[: len(before)]
    says = SAYS.get(dialect_of(cut).name)
    if says is not None:
        assert run.chunks == "".join(delta for payload in payloads(events_of(cut)) for delta in says(payload))


@pytest.mark.parametrize(
    "stream",
    [pytest.param(stream, id=name) for name, stream in STREAMS if dialect_of(stream.interaction.response).name in SAYS],
)
def test_a_stream_without_its_end_marker_has_shown_everything_and_failed(stream: Remade) -> None:
    run = stream.against(*parse_fault("missing-end").apply(stream.interaction.response))
    assert isinstance(run.error, ProviderError)
    assert run.frames[:-1] == stream.whole.frames[:-1]


@every_stream
@settings(max_examples=8, deadline=None, derandomize=True, database=None)
@given(lengths=SPLITS)
@example(lengths=[1])
@example(lengths=[10_000_000])
def test_however_the_bytes_are_split_the_frames_are_the_same(stream: Remade, lengths: list[int]) -> None:
    check_split(stream, lengths)


def check_split(stream: Remade, lengths: list[int]) -> None:
    recorded = stream.interaction.response
    split = resplit(recorded, lengths)
    assert split.body == recorded.body
    run = stream.against(split)
    assert run.frames == stream.whole.frames
    assert (type(run.error), str(run.error)) == (type(stream.whole.error), str(stream.whole.error))


def test_a_split_at_any_one_byte_gives_the_same_frames() -> None:
    stream = Remade(greeting())
    recorded = stream.interaction.response
    assert stream.whole.error is None
    assert stream.whole.chunks == "Grüße aus Århus: 灯台 🗼 und 👩‍🚀 winkt"
    size = len(recorded.body)
    for at in range(1, size):
        assert stream.against(resplit(recorded, [at, size])).frames == stream.whole.frames


def test_streams_of_real_providers_keep_both_promises(corpus: Path) -> None:
    found = 0
    for path in sorted(corpus.rglob("*.yaml")):
        for _, interaction in streams_of(path):
            found += 1
            stream = Remade(interaction)
            points = cut_points(interaction.response)
            step = max(1, len(points) // SAMPLE)
            for how in ("end", "reset"):
                check_cuts(stream, how, points[::-step])
            for lengths in ([3, 1, 7], [1]) if len(interaction.response.body) < SHORT else ([1_000, 1, 17],):
                check_split(stream, lengths)
    assert found, f"{corpus} holds no stream of a provider that is supported"
