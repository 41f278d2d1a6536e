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
from harness.recording.faults import cut_points, parse_fault, resplit
from harness.recording.splitting import events_of
from harness.recording.wire import Chunk, Ending, Interaction, WireRequest, WireResponse
from tests.recording.remade import Remade, Run, shipped_streams, streams_of

#: In order without an end marker, by closing the connection, by breaking it.
BREAKS = ("end", "cut", "reset")

SPLITS = st.lists(st.integers(1, 500), min_size=1, max_size=40)
#: Of a long stream, so many cut points are looked at, spread over all of it; and bytes one by one up to this length.
SAMPLE, SHORT = 6, 20_000


def openai_deltas(events: tuple[bytes, ...]) -> Iterator[str]:
    """Yield every delta of OpenAI's chat events; read by hand, so as not to ask the decoder about itself."""
    for event in events:
        payload = event.removeprefix(b"data:").strip()
        if not payload.startswith(b"{"):
            continue
        for choice in json.loads(payload).get("choices", [])[:1]:
            delta: dict[str, Any] = choice["delta"]
            yield delta.get("content") or ""
            yield delta.get("refusal") or ""
            for call in delta.get("tool_calls") or []:
                yield call["function"].get("arguments") or ""


#: By provider: what the whole events of a body say. Where a provider has no row, frames are held against the whole run only.
SAYS: dict[str, Callable[[tuple[bytes, ...]], Iterator[str]]] = {"openai": openai_deltas}


def greeting() -> Interaction:
    """A stream whose deltas are text of two to four bytes per character."""
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "gpt-4o-mini"}
    deltas = ("Grüße aus ", "Århus: 灯台 🗼 ", "und 👩‍🚀 winkt")
    choices = [[{"index": 0, "delta": {"content": text}, "finish_reason": None}] for text in deltas]
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


STREAMS = [("greeting", greeting()), *shipped_streams()]
every_stream = pytest.mark.parametrize(
    "stream", [pytest.param(Remade(interaction), id=name) for name, interaction in STREAMS]
)


@every_stream
@pytest.mark.parametrize("how", BREAKS)
def test_a_cut_at_any_chunk_is_a_typed_failure_after_the_frames_that_came(stream: Remade, how: str) -> None:
    points = cut_points(stream.interaction.response)
    assert len(points) >= 2
    check_cuts(stream, how, points)


def check_cuts(stream: Remade, how: str, points: tuple[int, ...]) -> None:
    recorded = stream.interaction.response
    whole = stream.against(recorded)
    for point in points:
        (cut,) = parse_fault(f"{how}:{point}").apply(recorded)
        assert cut.body == recorded.body[:point]
        check_cut(stream, cut, stream.against(cut), whole)


def check_cut(stream: Remade, cut: WireResponse, run: Run, whole: Run) -> None:
    assert isinstance(run.error, ProviderError), f"cut at {len(cut.body)} ended with {run.error!r}"
    if run.chunks:
        assert isinstance(run.error, StreamTruncatedError)
    *before, last = run.frames
    assert (last["type"], last["data"]["error_type"]) == ("llm_call_failed", type(run.error).__name__)
    assert before == whole.frames[: len(before)]
    says = SAYS.get(stream.provider)
    if says is not None:
        assert run.chunks == "".join(says(events_of(cut)))


@every_stream
def test_a_cut_just_before_the_end_marker_has_shown_everything(stream: Remade) -> None:
    if stream.provider not in SAYS:
        pytest.skip("what the last event says, only a row of SAYS can tell")
    recorded = stream.interaction.response
    (cut,) = parse_fault("missing-end").apply(recorded)
    run = stream.against(cut)
    assert isinstance(run.error, StreamTruncatedError)
    assert run.frames[:-1] == stream.against(recorded).frames[:-1]


@every_stream
@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(lengths=SPLITS)
@example(lengths=[1])
@example(lengths=[10_000_000])
def test_however_the_bytes_are_split_the_frames_are_the_same(stream: Remade, lengths: list[int]) -> None:
    check_split(stream, lengths)


def check_split(stream: Remade, lengths: list[int]) -> None:
    recorded = stream.interaction.response
    split = resplit(recorded, lengths)
    assert split.body == recorded.body
    run, whole = stream.against(split), stream.against(recorded)
    assert run.frames == whole.frames
    assert (type(run.error), str(run.error)) == (type(whole.error), str(whole.error))


def test_a_split_at_any_one_byte_gives_the_same_frames() -> None:
    stream = Remade(greeting())
    recorded = stream.interaction.response
    whole = stream.against(recorded)
    assert whole.error is None
    assert whole.chunks == "Grüße aus Århus: 灯台 🗼 und 👩‍🚀 winkt"
    size = len(recorded.body)
    for at in range(1, size):
        assert stream.against(resplit(recorded, [at, size])).frames == whole.frames


def test_streams_of_real_providers_keep_both_promises(corpus: Path) -> None:
    found = 0
    for path in sorted(corpus.rglob("*.yaml")):
        for _, interaction in streams_of(path):
            found += 1
            stream = Remade(interaction)
            points = cut_points(interaction.response)
            step = max(1, len(points) // SAMPLE)
            for how in BREAKS:
                check_cuts(stream, how, points[::-step])
            for lengths in ([3, 1, 7], [1]) if len(interaction.response.body) < SHORT else ([1_000, 1, 17],):
                check_split(stream, lengths)
    assert found, f"{corpus} holds no stream of a provider that is supported"
