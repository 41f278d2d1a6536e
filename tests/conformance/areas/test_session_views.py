"""A view is held to every frame of its channels, in order: one broken reading each."""

from __future__ import annotations

import pytest

from conformance.areas.session.views import AllFrames, OnlyItsOwn
from conformance.stage.reader import FramesRead
from tests.conformance import timelines
from tests.conformance.areas.edits import put

EVERY = tuple(timelines.parallel_calls().frames)
ON_LLM = tuple(frame for frame in EVERY if frame.channel == "llm")
LLM = frozenset({"llm"})
CHANGED = put(ON_LLM[0].seq, seq=1, data={})(timelines.parallel_calls()).frames[ON_LLM[0].seq - 1]


@pytest.mark.parametrize(
    ("relation", "seen", "says"),
    [
        (AllFrames(EVERY), FramesRead(EVERY), []),
        (AllFrames(EVERY, LLM), FramesRead(ON_LLM), []),
        (
            AllFrames(EVERY),
            FramesRead(EVERY[1:]),
            [f"lacks 1 of {len(EVERY)} frames, the first is flow_started (seq 1)"],
        ),
        (
            AllFrames(EVERY, LLM),
            FramesRead(()),
            [f"lacks {len(ON_LLM)} of {len(ON_LLM)} frames, the first is llm_call_started"],
        ),
        (AllFrames(EVERY), FramesRead(EVERY[::-1]), ["shows its frames in another order, or more than once"]),
        (AllFrames(EVERY), FramesRead((*EVERY, EVERY[0])), ["shows its frames in another order, or more than once"]),
        (AllFrames(EVERY), FramesRead(EVERY, LookupError("no")), ["raised LookupError('no')"]),
        (
            AllFrames(EVERY, LLM),
            FramesRead((*ON_LLM, EVERY[0])),
            ["shows flow_started (seq 1) on 'flow', which is none of"],
        ),
        (AllFrames(()), FramesRead(()), ["is one of no frames at all"]),
        (
            AllFrames(EVERY, LLM),
            FramesRead((CHANGED, *ON_LLM[1:])),
            [f"shows llm_call_started (seq {ON_LLM[0].seq}) with another seq, data"],
        ),
        (OnlyItsOwn(EVERY, LLM), FramesRead(ON_LLM[:1]), []),
        (OnlyItsOwn(EVERY, frozenset({"custom"})), FramesRead(()), []),
        (OnlyItsOwn(EVERY, LLM), FramesRead(()), [f"shows none of its {len(ON_LLM)} frames"]),
        (OnlyItsOwn(EVERY, LLM), FramesRead((EVERY[0],)), ["shows flow_started (seq 1) on 'flow', which is none of"]),
    ],
)
def test_a_view_that_differs_says_how(relation: OnlyItsOwn, seen: FramesRead, says: list[str]) -> None:
    breaches = list(relation.breaches(seen))

    assert len(breaches) == len(says)
    assert all(expected in found for expected, found in zip(says, breaches, strict=True))
