"""Observations of calls, beside what their frames tell (clauses `llm.*`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from conformance.timeline.frame_like import FrameLike


@dataclass(frozen=True)
class Rechunked:
    """One answer, and the same bytes in other pieces (clause `llm.rechunk`)."""

    whole: Sequence[FrameLike]
    #: One timeline for each way to split.
    split: tuple[Sequence[FrameLike], ...]


@dataclass(frozen=True)
class LegacyChunk:
    """A frame, and the chunk that the runtime projects it to (clause `llm.legacy-chunk`)."""

    frame: FrameLike
    #: None where the frame is no chunk.
    chunk: Any
