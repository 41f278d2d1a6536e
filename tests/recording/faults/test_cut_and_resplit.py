"""A stream that is cut wherever it can be and split however it can be: what came is shown, and no more.

A cut before the end marker is a typed failure after exactly the frames of what had come (clause `llm.truncation`); the same
bytes in other pieces give the same frames (clause `llm.rechunk`). To the shipped streams of every provider the suite does
this, in `tests/providers/test_conformance.py`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ProviderError
from harness.recording.faults.cuts import cut_points, resplit
from harness.recording.faults.faults import parse_fault
from harness.recording.wire import Interaction, WireRequest
from tests.recording.faults.cutting import check_cuts, check_split, response
from tests.recording.support.remade import Remade, streams_of

#: In order without an end marker, by closing the connection, by breaking it.
BREAKS = ("end", "cut", "reset")

#: Of a long stream, so many cut points are looked at, spread over all of it; and bytes one by one up to this length.
SAMPLE, SHORT = 3, 10_000


def greeting() -> Interaction:
    """A stream whose deltas are text of two to four bytes per character."""
    head: dict[str, Any] = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "gpt-4o-mini"}
    deltas = [*({"content": text} for text in ("Grüße aus ", "Århus: 灯台 🗼 ", "und 👩‍🚀 winkt")), {}]
    choices = [{"index": 0, "delta": delta, "finish_reason": None if delta else "stop"} for delta in deltas]
    events = [f"data: {json.dumps({**head, 'choices': [one]}, ensure_ascii=False)}\n\n".encode() for one in choices]
    events.append(b"data: [DONE]\n\n")
    asked = {"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
    return Interaction(
        WireRequest("POST", "https://api.openai.com/v1/chat/completions", (), json.dumps(asked).encode()),
        response(b"".join(events), "text/event-stream", *map(len, events)),
    )


@pytest.fixture(scope="module")
def stream() -> Remade:
    return Remade(greeting())


@pytest.mark.parametrize("how", BREAKS)
def test_a_cut_at_any_chunk_is_a_typed_failure_after_the_frames_that_came(stream: Remade, how: str) -> None:
    points = cut_points(stream.interaction.response)
    assert points
    check_cuts(stream, how, points)


def test_a_stream_without_its_end_marker_has_shown_everything_and_failed(stream: Remade) -> None:
    run = stream.against(*parse_fault("missing-end").apply(stream.interaction.response))
    assert isinstance(run.error, ProviderError)
    assert run.frames[:-1] == stream.whole.frames[:-1]


def test_byte_by_byte_and_split_at_any_byte_the_frames_are_the_same(stream: Remade) -> None:
    recorded = stream.interaction.response
    assert stream.whole.error is None
    assert stream.whole.chunks == "Grüße aus Århus: 灯台 🗼 und 👩‍🚀 winkt"
    size = len(recorded.body)
    for lengths in ([1], [size], *([at, size] for at in range(1, size))):
        assert stream.against(resplit(recorded, lengths)).frames == stream.whole.frames


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
