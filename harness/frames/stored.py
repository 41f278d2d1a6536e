"""Frames as JSON objects, without what repeats itself, and back: the form in which files and other protocols carry them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from harness.frames.codec import decoded_text, encode
from harness.frames.frame import StreamFrame, envelope_of, restored_frame, stored_payload

#: What of a frame is not its payload.
ENVELOPE: Final = ("id", "seq", "type", "channel", "namespace", "timestamp", "parent_id", "previous_id")

#: What a tool call tells where its arguments have been left out.
_SHORTENED: Final = {"id", "type", "index", "function"}


class FrameLike(Protocol):
    """A frame of any runtime."""

    @property
    def id(self) -> str: ...
    @property
    def seq(self) -> int | None: ...
    @property
    def type(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def namespace(self) -> Sequence[str]: ...
    @property
    def timestamp(self) -> datetime: ...
    @property
    def parent_id(self) -> str | None: ...
    @property
    def previous_id(self) -> str | None: ...
    @property
    def data(self) -> Mapping[str, Any]: ...


def payload_and_envelope(frame: FrameLike) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the payload of a frame as JSON, a tool-call chunk's without the cumulative arguments, and its other fields."""
    if isinstance(frame, StreamFrame):
        # Reading a model's fields one by one would cost as much as all that is done with them.
        return stored_payload(frame), envelope_of(frame)
    payload = encode(frame.data)
    return payload if isinstance(payload, dict) else {}, {name: getattr(frame, name) for name in ENVELOPE}


def stored_frame(frame: FrameLike) -> dict[str, Any]:
    """Return a frame as a JSON object, from which `StoredFrames` makes the frame again."""
    payload, envelope = payload_and_envelope(frame)
    fields = {name: envelope[name] for name in ENVELOPE}
    return fields | {
        "namespace": list(fields["namespace"]),
        "timestamp": encode(fields["timestamp"]),
        "data": payload,
    }


def in_utc(moment: datetime) -> datetime:
    """Return a frame's time with its zone; a naive one is taken as UTC (clause `envelope.timestamp-utc`)."""
    return moment.replace(tzinfo=UTC) if moment.utcoffset() is None else moment


class StoredFrames:
    """Makes frames of the JSON objects of one timeline, in order.

    What a tool-call chunk's object leaves out is the `chunk` texts of its call so far, which are counted here.
    """

    def __init__(self) -> None:
        self._deltas: dict[Any, list[str]] = {}

    def frame(self, stored: Any) -> StreamFrame:
        """Return the frame of the next object.

        Raises:
            ValueError, KeyError, TypeError, AttributeError, RecursionError: it is no frame.
        """
        payload = stored["data"]
        if stored["seq"] == 1:
            self._deltas.clear()
        tool_call = payload.get("tool_call") if payload.get("call_type") == "tool_call" else None
        if tool_call is None or not _is_shortened(tool_call):
            return StreamFrame.model_validate(stored)
        deltas = self._deltas.setdefault((payload.get("call_id"), tool_call["id"], tool_call["index"]), [])
        deltas.append(decoded_text(payload["chunk"]))
        return restored_frame(stored, deltas)


def _is_shortened(tool_call: Any) -> bool:
    """Whether a chunk tells of a tool call whose arguments have been left out."""
    if not isinstance(tool_call, dict) or tool_call.keys() != _SHORTENED:
        return False
    return isinstance(tool_call["function"], dict) and tool_call["function"].keys() == {"name"}
