"""Frames as recordings hold them: volatile ids and times made the same for every run, links between frames kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from harness.frames.frame import StreamFrame, envelope_of, stored_payload
from harness.frames.stored import ENVELOPE, FrameLike, in_utc

#: Payload keys whose value is an id made anew in every run, and what takes its place: the word and a number.
VOLATILE: Final = {
    "call_id": "call",
    "flow_id": "flow",
    "request_id": "request",
    "checkpoint_id": "checkpoint",
    "task_id": "task",
    "agent_id": "agent",
    "source_fingerprint": "source",
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001  (UTC, and written as such; naive ones are written sooner)
#: A time as the codec writes it. Times of the run itself are told from dates in content by when they are.
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
#: A text that is shorter than a time holds neither a time nor an unmistakable id.
_SHORTEST: Final = len("1970-01-01T00:00:00.000000Z")
_MARGIN: Final = timedelta(hours=1)
#: An id as long as this does not stand in a text by chance, and is replaced inside longer texts too.
_UNMISTAKABLE: Final = 32


class Normalizer:
    """Normalises the frames of one run, one after the other."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._long_names: list[str] = []
        self._long: re.Pattern[str] | None = None
        self._started: datetime | None = None

    def frame(self, frame: FrameLike) -> dict[str, Any]:
        """Return the next frame as a JSON object."""
        if isinstance(frame, StreamFrame):
            # Reading a model's fields one by one would cost as much as all that is done with them.
            fields = envelope_of(frame)
            payload: Mapping[str, Any] = stored_payload(frame)
        else:
            fields = {name: getattr(frame, name) for name in ENVELOPE}
            payload = frame.data
        timestamp = in_utc(fields["timestamp"])
        if self._started is None:
            self._started = timestamp
        self._name(fields["id"], "f", fields["seq"])
        for key, word in VOLATILE.items():
            value = payload.get(key)
            if value is not None and isinstance(value, str):
                self._name(value, word)
        # One that somebody has chosen is the same in every run, and short.
        session = payload.get("session_id")
        if isinstance(session, str) and len(session) >= _UNMISTAKABLE:
            self._name(session, "session")
        state = payload.get("state")
        if isinstance(state, Mapping) and isinstance(value := state.get("id"), str):
            self._name(value, "state")
        return {
            "id": self._names[fields["id"]],
            "seq": fields["seq"],
            "type": fields["type"],
            "channel": fields["channel"],
            "namespace": [self._text(name) for name in fields["namespace"]],
            "timestamp": _written(timestamp - self._started),
            "parent_id": self._link(fields["parent_id"]),
            "previous_id": self._link(fields["previous_id"]),
            "data": self._value(payload),
        }

    def result(self, value: Any) -> Any:
        """Return what a run gave, a JSON value, as its frames have what is in it. Ask after the last of them."""
        return self._value(value)

    def _name(self, value: str, word: str, number: int | None = None) -> None:
        if not value or value in self._names:
            return
        if number is not None:
            self._names[value] = f"{word}{number}"
            return
        count = self._counts[word] = self._counts.get(word, 0) + 1
        self._names[value] = f"{word}-{count}"
        if len(value) >= _UNMISTAKABLE:
            self._long_names.append(re.escape(value))
            self._long = re.compile("|".join(self._long_names))

    def _link(self, value: str | None) -> str | None:
        return None if value is None else self._names.get(value, value)

    def _value(self, value: Any) -> Any:
        # Asking whether a value is a Mapping costs more than all else here, and most values are None.
        if isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            names = self._names
            normal: dict[Any, Any] = dict(value)
            for key, item in value.items():
                # What most items are, answered here: each call that is saved shows in the time of a whole recording.
                if item is None:
                    continue
                if item.__class__ is str and len(item) < _SHORTEST:
                    if item in names:
                        normal[key] = names[item]
                else:
                    normal[key] = self._value(item)
            if not names.keys().isdisjoint(normal):
                # A short one may be the name of a field.
                return {names.get(key, key) if len(key) >= _UNMISTAKABLE else key: item for key, item in normal.items()}
            return normal
        if isinstance(value, list | tuple):
            return [self._value(item) for item in value]
        return value  # None, in a list

    def _text(self, value: str) -> str:
        named = self._names.get(value)
        if named is not None:
            return named
        if len(value) < _SHORTEST:
            return value
        if _TIME.fullmatch(value):
            return self._time(value)
        if self._long is not None and len(value) > _UNMISTAKABLE:
            return self._long.sub(lambda found: self._names[found[0]], value)
        return value

    def _time(self, value: str) -> str:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return value
        since = moment - (self._started or moment)
        return _written(since) if abs(since) < _MARGIN else value


def normalised(frames: Iterable[FrameLike]) -> list[dict[str, Any]]:
    """Return the frames of one run as JSON objects."""
    normalizer = Normalizer()
    return [normalizer.frame(frame) for frame in frames]


def _written(since: timedelta) -> str:
    """Return a moment of the run, as if it had begun at the epoch."""
    return f"{(_NAIVE_EPOCH + since).isoformat(timespec='microseconds')}Z"


def offset_ms(normalised: datetime) -> float:
    """Return the milliseconds since the first frame of a normalised timestamp."""
    return (normalised - _EPOCH) / timedelta(milliseconds=1)
