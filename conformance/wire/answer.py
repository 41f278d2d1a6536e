"""What a recorded answer says, as one reads it from its bytes: the values that every reader fills."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from conformance.timeline.evidence import DeltaKind, FinishReason, WireToolCall


class MalformedError(ValueError):
    """Bytes that no reader of their framing could take."""


@dataclass
class _Call:
    """One tool call as far as it has come."""

    call_id: str | None
    name: str
    given: str
    pieces: list[str] = field(default_factory=list)


@dataclass
class Reading:
    """An answer as far as its bytes go. It grows event by event; what comes in one piece is added at once."""

    text: str = ""
    thinking: str = ""
    #: Under the names that all providers share; None where the bytes hold none.
    usage: dict[str, int] | None = None
    finish_reason: FinishReason | None = None
    #: Whether the provider's end marker, or the whole body of a plain answer, is there.
    ended: bool = False
    #: Whether the provider told of an error inside the answer, or sent what its format does not allow.
    failed: bool = False
    #: The kinds of the pieces in the order in which they come, equal neighbours joined.
    kinds: list[DeltaKind] = field(default_factory=list)
    _calls: dict[object, _Call] = field(default_factory=dict)

    @property
    def calls(self) -> tuple[WireToolCall, ...]:
        """The tool calls, in the order in which they begin."""
        return tuple(
            WireToolCall(call.name, "".join(call.pieces) or call.given, call.call_id) for call in self._calls.values()
        )

    def say(self, text: str | None) -> None:
        """Add a piece of the answer's text."""
        if text:
            self.text += text
            self._add_kind("text")

    def think(self, text: str | None) -> None:
        """Add a piece of the reasoning."""
        if text:
            self.thinking += text
            self._add_kind("thinking")

    def begin_call(self, key: object, call_id: str | None, name: str, given: Any = None) -> None:
        """Begin a tool call; `key` tells it apart from the others of this answer.

        `given` is what it began with, which are its arguments where no piece of them comes.
        """
        self._calls[key] = _Call(call_id or None, name, json.dumps(given or {}))
        self._add_kind("tool_call")

    def argue(self, key: object, arguments: str | dict[str, Any] | None) -> None:
        """Add a piece of the arguments of a call that has begun; hosts send all of them as an object, too."""
        text = json.dumps(arguments, ensure_ascii=False) if isinstance(arguments, dict) else arguments or ""
        self._calls[key].pieces.append(text)
        self._add_kind("tool_call")

    def call(self, call_id: str | None, name: str, arguments: str | dict[str, Any] | None) -> None:
        """Add a tool call that came whole."""
        key = len(self._calls)
        self.begin_call(key, call_id, name)
        self.argue(key, arguments)

    def finish(self, reason: str, reasons: Mapping[str, FinishReason], failures: Collection[str] = ()) -> None:
        """Note why the answer ended, by its format's `reasons`; those among `failures` say that it failed."""
        self.finish_reason = reasons.get(reason, "other")
        self.failed = self.failed or reason in failures

    def has_call(self, key: object) -> bool:
        """Whether a call has begun by that key."""
        return key in self._calls

    def _add_kind(self, kind: DeltaKind) -> None:
        if not self.kinds or self.kinds[-1] != kind:
            self.kinds.append(kind)


def json_object(data: bytes) -> dict[str, Any]:
    """Return the JSON object that `data` is.

    Raises:
        MalformedError: it is none.
    """
    try:
        value = json.loads(data.decode())
    except ValueError as error:
        raise MalformedError(str(error)) from error
    if not isinstance(value, dict):
        raise MalformedError(f"{type(value).__name__} in place of an object")
    return value


def json_lines(body: bytes) -> Iterator[dict[str, Any]]:
    """Yield the objects of a body that has one on each line; the last is left out where the body was cut in it.

    A server that can't stream may send one, on several lines.
    """
    with suppress(MalformedError):
        yield json_object(body)
        return
    *lines, rest = body.split(b"\n")
    for line in lines:
        if line.strip():
            yield json_object(line)
    if rest.strip():
        with suppress(MalformedError):
            yield json_object(rest)


def read_lines(body: bytes, reading: Reading, take: Callable[[dict[str, Any], Reading], None]) -> None:
    """Read a streamed answer of one object on each line, until it has ended or failed."""
    for sent in json_lines(body):
        if reading.ended or reading.failed:
            return
        take(sent, reading)


def counts(sent: dict[str, Any], names: dict[str, str]) -> dict[str, int]:
    """Return the counts that were sent, under the names that all providers share: `names` is theirs by ours."""
    return {ours: sent[theirs] for ours, theirs in names.items() if sent.get(theirs) is not None}
