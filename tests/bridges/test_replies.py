"""What an assistant answers is text in every protocol with one, once, whether a model has streamed it or not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import pytest

from harness.bridges import agui_events, openai_chat_events, vercel_events
from harness.frames import StreamFrame
from tests.bridges import test_agui, test_openai_chat, test_vercel
from tests.bridges.timelines import frame, recorded

Events = Iterable[dict[str, Any]]


def agui_text(events: Events) -> Iterator[str]:
    for event in events:
        if event["type"] == "TEXT_MESSAGE_START":
            assert event["role"] == "assistant"
            yield "|"
        elif event["type"] == "TEXT_MESSAGE_CONTENT":
            yield event["delta"]


def vercel_text(events: Events) -> Iterator[str]:
    yield from (
        "|" if event["type"] == "text-start" else event.get("delta", "") for event in events if "text-" in event["type"]
    )


def openai_text(events: Events) -> Iterator[str]:
    yield "|"
    for event in events:
        for choice in event["choices"]:
            yield choice["delta"].get("content", "").replace("\n\n", "|")


PROTOCOLS: Final[list[tuple[Callable[..., Events], Callable[[Events], Iterator[str]], Callable[..., None]]]] = [
    (agui_events, agui_text, test_agui.check),
    (vercel_events, vercel_text, test_vercel.check),
    (openai_chat_events, openai_text, test_openai_chat.check),
]


def turn(said: list[str], reply: Any, role: str = "assistant") -> list[StreamFrame]:
    """Return the frames of a turn in which calls say something, and the assistant answers."""
    frames = [frame(1, "conversation_turn_started", session_id="s")]
    for text in said:
        seq = len(frames) + 1
        frames.append(frame(seq, "llm_call_started", "f1", call_id=f"c{seq}", model="m"))
        frames += [
            frame(seq + place, "llm_stream_chunk", f"f{seq}", call_id=f"c{seq}", chunk=piece, call_type="llm_call")
            for place, piece in enumerate((text[:3], text[3:]), start=1)
        ]
        frames.append(frame(seq + 3, "llm_call_completed", "f1", started_event_id=f"f{seq}", call_id=f"c{seq}"))
    frames.append(frame(len(frames) + 1, "conversation_message_added", "f1", role=role, content=reply))
    return [*frames, frame(len(frames) + 1, "conversation_turn_completed", started_event_id="f1")]


@pytest.mark.parametrize(("events_of", "text_in", "check"), PROTOCOLS, ids=["agui", "vercel", "openai"])
@pytest.mark.parametrize(
    ("frames", "text"),
    [
        (turn([], "It is lit."), "|It is lit."),
        (turn(["It is lit. "], "It is lit."), "|It is lit. "),
        (turn(["Well: lit"], "lit"), "|Well: lit"),
        (turn(["It is unlit"], "lit"), "|It is unlit|lit"),
        (turn(["a draft", "It is lit."], "It is lit."), "|a draft|It is lit."),
        (turn(["a draft"], "It is lit."), "|a draft|It is lit."),
        (turn(["lit"], "lit") + turn([], "lit"), "|lit|lit"),
        (turn(["hello"], " "), "|hello"),
        (turn(["hello"], "Where?", "user"), "|hello"),
    ],
    ids=["by itself", "streamed", "its end", "no word of it", "the last of two", "another", "turns", "blank", "a user"],
)
def test_a_reply_that_no_call_has_said_is_told(
    frames: list[StreamFrame],
    text: str,
    events_of: Callable[..., Events],
    text_in: Callable[[Events], Iterator[str]],
    check: Callable[..., None],
) -> None:
    assert "".join(text_in(events_of(frames))) == text
    check(frames)


@pytest.mark.parametrize(("events_of", "text_in", "_check"), PROTOCOLS, ids=["agui", "vercel", "openai"])
def test_of_a_recorded_conversation_every_turn_is_answered(
    events_of: Callable[..., Events], text_in: Callable[[Events], Iterator[str]], _check: object
) -> None:
    events = events_of(recorded()["examples/recordings/chat"])
    told = "|I do, every night since the spring.|High water is at 14:20.|Conversation ended."
    assert "".join(text_in(events)) == told
