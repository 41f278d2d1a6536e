"""What the provider sent, beside the frames that it became."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from harness.frames.frame import StreamFrame
from harness.recording import Redactor
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.files.folder import CASSETTE, is_recording
from harness.recording.pack.access import at_hand
from harness.recording.wire import Interaction, WireResponse

_CHUNKS: Final = frozenset({"llm_stream_chunk", "llm_thinking_chunk"})
#: So many of the next responses may be a call's: retries, and calls that ran side by side.
_NEAR: Final = 8
#: So much of the traffic is shown, in characters: of one chunk, and of all.
_LONGEST: Final = 4_000
_MOST: Final = 4_000_000


@dataclass(frozen=True)
class WireAnswer:
    """One response, the call that it answered, and the chunks that became frames."""

    #: The place of the call's first frame in the timeline.
    call: int
    interaction: Interaction
    #: Pairs of places: a frame in the timeline, and the chunk that brought its text to an end.
    carried: tuple[tuple[int, int], ...]

    def document(self, redactor: Redactor) -> dict[str, Any]:
        """Return the JSON form, without credentials; times in milliseconds since the request was sent."""
        response = redactor.response(self.interaction.response)
        texts = _texts(response)
        return {
            "call": self.call,
            "method": self.interaction.request.method,
            "url": redactor.text(self.interaction.request.url),
            "status": response.status,
            "ended": response.ended.how,
            "chunks": [
                [round(chunk.at_ms, 3), chunk.length, text] for chunk, text in zip(response.chunks, texts, strict=True)
            ],
            "carried": self.carried,
        }


def wire_of(path: Path, interaction: int | None, frames: Sequence[StreamFrame]) -> list[WireAnswer]:
    """Return the traffic at `path` that belongs to a timeline there: to one interaction of a cassette, or to a recording.

    Nothing where there is none, or it can't be read: the timeline stands for itself.
    """
    with at_hand(path) as here:
        if interaction is None and not (here.is_dir() and is_recording(here)):
            return []
        cassette = here if interaction is not None else here / CASSETTE
        if not cassette.exists():
            return []
        interactions = list(read_cassette(cassette, allow_torn_tail=True))
    if interaction is not None:
        # They are counted from 1.
        interactions = interactions[interaction - 1 : interaction]
    return list(_answers(interactions, frames))


def _answers(interactions: list[Interaction], frames: Sequence[StreamFrame]) -> Iterator[WireAnswer]:
    calls = [index for index, frame in enumerate(frames) if frame.type == "llm_call_started"]
    places = {frames[index].id: index for index in calls}
    chunks: dict[int, list[int]] = {index: [] for index in calls}
    for index, frame in enumerate(frames):
        if frame.type in _CHUNKS and frame.parent_id in places:
            chunks[places[frame.parent_id]].append(index)
    left = list(interactions)
    for call in calls:
        # Whoever was answered with these texts; else the next one in order.
        found = [
            (_carried(interaction.response, frames, chunks[call]), -number)
            for number, interaction in enumerate(left[:_NEAR])
        ]
        if not found:
            return
        carried, number = max(found, key=lambda pair: (len(pair[0]), pair[1]))
        yield WireAnswer(call, left.pop(-number), carried)


def _carried(
    response: WireResponse, frames: Sequence[StreamFrame], indices: Sequence[int]
) -> tuple[tuple[int, int], ...]:
    """Find the text of each frame as a whole JSON string in the body, one after the other."""
    ends = list(accumulate(chunk.length for chunk in response.chunks))
    pairs: list[tuple[int, int]] = []
    position = chunk = 0
    for index in indices:
        text = frames[index].data.get("chunk")
        if not isinstance(text, str) or not text:
            continue
        places = [
            (at, len(written))
            for ascii_only in (False, True)
            if (at := response.body.find(written := json.dumps(text, ensure_ascii=ascii_only).encode(), position)) >= 0
        ]
        if not places:
            continue
        at, length = min(places)
        position = at + length
        while chunk < len(ends) - 1 and ends[chunk] < position:
            chunk += 1
        pairs.append((index, chunk))
    # Where texts are packed in another way, a short one may be found by chance.
    return tuple(pairs) if 2 * len(pairs) >= len(indices) else ()


def _texts(response: WireResponse) -> list[str | None]:
    """Return the text of each chunk, shortened; None for those that are too many to be shown."""
    texts: list[str | None] = []
    left = _MOST
    for chunk in response.chunks:
        text = response.body[chunk.offset : chunk.offset + chunk.length].decode("utf-8", "replace")[:_LONGEST]
        left -= len(text)
        texts.append(text if left >= 0 else None)
    return texts
