"""What the frames of an answered turn are held to: one broken turn each, beside the sound one."""

from __future__ import annotations

import pytest

from conformance.areas.turn.conversation import answered
from tests.conformance.timelines import Frame, Timeline

ASKED, ANSWER = "How is the tide?", "It rises."
STARTED, ROUTED, COMPLETED = "conversation_turn_started", "conversation_route_selected", "conversation_turn_completed"
CALL = ("llm_call_started", "llm_stream_chunk", "llm_call_completed")
WHOLE = (STARTED, "user", ROUTED, *CALL, "assistant", COMPLETED)


def frames(*types: str, asked: str = ASKED, answer: str = ANSWER) -> tuple[Frame, ...]:
    """Return a turn's frames of these types; `user` and `assistant` are messages."""
    timeline = Timeline()
    for kind in types:
        if kind in ("user", "assistant"):
            content = asked if kind == "user" else answer
            timeline.add("conversation_message_added", role=kind, content=content)
        else:
            timeline.add(kind)
    return tuple(timeline.frames)


def broken_by(turn: tuple[Frame, ...], *, asks: bool = True) -> set[str]:
    rows = answered("the first turn", ASKED, ANSWER, turn, asks=asks)
    return {row.clause for row in rows if list(row.breaches)}


@pytest.mark.parametrize("asks", [True, False])
def test_a_sound_turn_breaks_nothing(asks: bool) -> None:
    assert broken_by(frames(*WHOLE[:3], *(CALL if asks else ()), *WHOLE[6:]), asks=asks) == set()


@pytest.mark.parametrize(
    "types",
    [
        *(tuple(kind for kind in WHOLE if kind != part) for part in WHOLE if part not in CALL),
        (*WHOLE[:3], *WHOLE[6:]),
        (STARTED, *WHOLE),
        ("flow_started", *WHOLE),
        (*WHOLE, "flow_finished"),
        (STARTED, ROUTED, "user", *WHOLE[3:]),
        (*WHOLE[:2], *CALL, ROUTED, *WHOLE[6:]),
        (*WHOLE[:5], "assistant", CALL[-1], COMPLETED),
    ],
    ids="-".join,
)
def test_a_part_that_is_missing_again_or_elsewhere_breaks_the_sequence(types: tuple[str, ...]) -> None:
    assert "turn.sequence" in broken_by(frames(*types))


def test_the_messages_that_are_shown_are_those_that_were_said() -> None:
    assert broken_by(frames(*WHOLE, asked="What?")) == {"turn.sequence"}
    assert broken_by(frames(*WHOLE, answer="What?")) == {"turn.result"}
