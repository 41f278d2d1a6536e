"""Answers in which one field is missing, null or of another type: what hosts may send, made from what providers do send."""

from __future__ import annotations

import copy
import json
import struct
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from tests.servers.bedrock.wire import framed

#: Fields that hold what an answer says, or tell its kinds apart: an answer without one of them is another answer, and a whole one.
CONTENT: Final = frozenset(
    {"content", "text", "thinking", "reasoning_content", "reasoning", "arguments", "partial_json", "input", "args",
     "thought", "refusal", "delta", "summary", "parts", "toolUse", "reasoningContent"}
)  # fmt: skip
_ARGUMENTS: Final = ("args", "input")
#: What stands in place of a value of another type.
_OTHERS: Final[tuple[Any, ...]] = ({"a": 1}, [1], "x", 7, True)

Place = tuple[str | int, ...]


class Mutation(NamedTuple):
    """One change of one event of an answer."""

    event: int
    place: Place
    how: str

    def __str__(self) -> str:
        return f"{self.how} {'.'.join(map(str, self.place))} of event {self.event}"


def mutations(events: list[Any]) -> Iterator[Mutation]:
    """Yield every change of every field that leaves an answer which says the same, or none."""
    for number, event in enumerate(events):
        for place, value in _places(event, ()):
            if not (place[-1] in CONTENT or _holds_content(value)):
                yield Mutation(number, place, "missing")
                yield Mutation(number, place, "null")
            for other in () if value is None and place[-1] in CONTENT else _OTHERS:
                if _kind(other) is not _kind(value):
                    yield Mutation(number, place, json.dumps(other))


def mutated(events: list[Any], mutation: Mutation) -> list[Any]:
    """Return the events with that change."""
    changed = copy.deepcopy(events)
    *above, last = mutation.place
    parent = changed[mutation.event]
    for step in above:
        parent = parent[step]
    if mutation.how == "missing":
        del parent[last]
    else:
        parent[last] = json.loads(mutation.how)
    return changed


def _places(value: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    fields = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in fields:
        yield (*place, name), inner
        # What the arguments of a call say is the model's own.
        if name not in _ARGUMENTS:
            yield from _places(inner, (*place, name))


def _holds_content(value: Any) -> bool:
    return any(place[-1] in CONTENT and inner not in ("", None, [], {}) for place, inner in _places(value, ()))


def _kind(value: Any) -> object:
    # A null may be anything; no type is another one.
    return type(value) if value is not None else None


def sse_events(body: bytes) -> tuple[list[Any], Callable[[list[Any]], bytes]]:
    """Return the JSON of the events of a body, and what makes a body of such."""
    blocks = [block for block in body.replace(b"\r\n", b"\n").split(b"\n\n") if block]
    frames = [block.partition(b"data:") for block in blocks if b"data:" in block]
    data = [frame[2].strip() for frame in frames]
    events = [json.loads(one) for one in data if one != b"[DONE]"]
    end = b"data: [DONE]\n\n" if b"[DONE]" in data else b""

    def made(changed: list[Any]) -> bytes:
        return (
            b"".join(
                head + b"data: " + json.dumps(event).encode() + b"\n\n"
                for (head, _, _), event in zip(frames, changed, strict=False)
            )
            + end
        )

    return events, made


def aws_events(body: bytes) -> tuple[list[Any], Callable[[list[Any]], bytes]]:
    """Do as `sse_events` for an event stream of AWS, in which each event has headers of its own."""
    names, events = [], []
    while body:
        length, head = struct.unpack(">II", body[:8])
        headers, payload = body[12 : 12 + head], body[12 + head : length - 4]
        names.append(_headers(headers))
        events.append(json.loads(payload))
        body = body[length:]

    def made(changed: list[Any]) -> bytes:
        return b"".join(framed(headers, event) for headers, event in zip(names, changed, strict=True))

    return events, made


def _headers(data: bytes) -> dict[str, str]:
    found = {}
    while data:
        name_ends = 1 + data[0]
        name, (_, length) = data[1:name_ends].decode(), struct.unpack(">BH", data[name_ends : name_ends + 3])
        found[name] = data[name_ends + 3 : name_ends + 3 + length].decode()
        data = data[name_ends + 3 + length :]
    return found
