"""One turn of a recorded conversation, to be made again alone: its frames, and the conversation as it stood before it.

A turn depends on what came before by the state of its flow alone, and the frames of the turns before tell that: each the
messages that were added, the route, and the state at the end of its methods. So the turns before need not be run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from msgspec import Struct

from harness.errors import UsageError
from harness.frames.frame import StreamFrame
from harness.llm.input.words import words_in
from harness.recording.files.folder import FRAMES, RecordedOutcome, Recording
from harness.recording.files.frames_file import frames_of


class RecordedTurn(Struct, frozen=True):
    """A turn that was recorded after others."""

    message: str
    #: Its frames, as they were written.
    lines: list[bytes]
    #: How it ended; None where the recording does not say.
    outcome: RecordedOutcome | None
    _frames: list[StreamFrame]
    _before: list[list[StreamFrame]]
    _inputs: Mapping[str, Any]

    def prepare(self, subject: Any) -> None:
        """Make a flow one that has had the turns before this one.

        Raises:
            UsageError: it is no conversational flow of this runtime, or what was recorded does not fit its state.
        """
        if not getattr(subject, "conversational", False) or not hasattr(subject, "_flow_dialogue"):
            raise UsageError(
                f"one turn alone can be replayed of a conversational flow, not of {type(subject).__name__}: replay all turns"
            )
        from harness.flow.conversation.turns import take_up  # most recordings are of no conversation

        has_started = any(frame.type == "flow_started" for turn in self._before for frame in turn)
        session_id = self._inputs.get("session_id") or (self._inputs.get("inputs") or {}).get("id")
        state = state_after(self._before)
        state["messages"] = _left_at(state["messages"], self._frames)
        take_up(subject, state, has_started=has_started, session_id=session_id)


def recorded_turn(recording: Recording, lines: list[bytes], number: int, folder: Path) -> RecordedTurn:
    """Return the turn of this number, from 1.

    Raises:
        UsageError: there is none.
        UnreadableRecordingError: a line is no frame.
    """
    if not recording.turns:
        raise UsageError(f"'{folder}' is no recording of a conversation: it has no turns, replay it as a whole")
    frames = frames_of(lines, folder / FRAMES)
    places = [*(place for place, frame in enumerate(frames) if frame.seq == 1), len(frames)]
    turns = [frames[begin:end] for begin, end in pairwise(places)]
    if not 1 <= number <= len(turns):
        raise UsageError(f"'{folder}' has no turn {number}: {len(turns)} of {len(recording.turns)} were run")
    begin, end = places[number - 1], places[number]
    outcome = _outcome(recording.outcome, number)
    message = recording.turns[number - 1]
    return RecordedTurn(message, lines[begin:end], outcome, turns[number - 1], turns[: number - 1], recording.inputs)


def _outcome(of_all: RecordedOutcome | None, number: int) -> RecordedOutcome | None:
    """Return how one turn ended: as completed where it has a result, else as all of them did."""
    if of_all is None:
        return None
    results = of_all.results[number - 1 : number]
    return (
        RecordedOutcome(status="completed", results=results) if results else of_all.model_copy(update={"results": []})
    )


def state_after(turns: Sequence[Sequence[StreamFrame]]) -> dict[str, Any]:
    """Return the state of a conversation after its turns, as JSON, as far as their frames tell of it.

    That is the state which was shown last, with all messages and events: what a frame shows of these is of its turn alone.
    """
    state: dict[str, Any] = {}
    messages: list[Any] = []
    events: list[Any] = []
    for turn in turns:
        shown = [frame.data["state"] for frame in turn if isinstance(frame.data.get("state"), Mapping)]
        added = [frame.data for frame in turn if frame.type == "conversation_message_added"]
        latest = shown[-1] if shown else {}
        whole = list(latest.get("messages") or ())
        # A message that came after the state was shown is known by its own frame.
        messages = [
            *_left_at(messages, turn),
            *whole,
            *({"role": message["role"], "content": message["content"]} for message in added[len(whole) :]),
        ]
        events += latest.get("events") or ()
        requests = [message["content"] for message in added if message["role"] == "user"]
        routes = [frame.data["route"] for frame in turn if frame.type == "conversation_route_selected"]
        state |= latest
        state |= {"last_user_message": words_in(requests[-1])} if requests else {}
        state |= {"last_intent": routes[-1]} if routes else {}
    return {**state, "messages": messages, "events": events, "current_user_message": None}


def _left_at(messages: list[Any], turn: Sequence[StreamFrame]) -> list[Any]:
    """Return the messages that were still there when a turn began: a flow may let go of the oldest."""
    places = (frame.data["message_index"] for frame in turn if frame.type == "conversation_message_added")
    return messages[max(0, len(messages) - next(places, len(messages))) :]
