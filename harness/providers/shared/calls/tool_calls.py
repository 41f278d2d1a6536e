"""The tool calls of one answer, told apart although hosts send their index, id and name late, twice or not at all.

Nothing is guessed: where the pieces of two calls can't be told apart, the answer is malformed (clause `llm.tool-chunks`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from msgspec import Struct, field

from harness.llm.output.assembly import free_id
from harness.llm.output.parts import ToolCallDelta
from harness.providers.shared.shapes import as_text

_JSON: Final = json.JSONDecoder()


class _Call(Struct):
    """One call as far as it has come."""

    number: int
    #: The index by which the host tells it apart; several calls may have the same.
    index: int
    #: The id under which it is shown, which no other call has: the first that it came with, or one that is made up here.
    own_id: str = ""
    #: Every id that it came with.
    ids: set[str] = field(default_factory=set)
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    shown: bool = False
    #: Whether its arguments are any text, as those of the caller's custom tools are.
    is_free: bool = False
    #: What `is_whole` has found; None where the last piece may have changed that.
    found_whole: bool | None = False

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)

    @property
    def is_whole(self) -> bool:
        """Whether its arguments are a JSON object, to which nothing can be added."""
        if self.found_whole is None:
            try:
                self.found_whole = isinstance(json.loads(self.arguments), dict)
            except ValueError:
                self.found_whole = False
        return self.found_whole

    def add(self, text: str) -> None:
        self.pieces.append(text)
        end = text.rstrip()
        # Asked for each piece of some hosts, and reading all of the text takes longer the longer it is.
        if end:
            self.found_whole = None if end.endswith("}") and not self.is_free else False


class ToolCallFragments:
    """Takes the pieces of calls as they come, and gives each to the call that it is of.

    `names` are those of the functions that the model was given. A call is shown once it has its id and one of these
    names, or its arguments have begun; calls are shown in the order in which they begin.
    """

    def __init__(self, names: Collection[str], malformed: Callable[[str], Exception]) -> None:
        """Keep `malformed`, which makes the error for pieces that can't be told apart."""
        self._names = frozenset(names)
        self._malformed = malformed
        self._calls: list[_Call] = []
        self._current: dict[int, _Call] = {}
        self._last: _Call | None = None

    @property
    def ids(self) -> list[str]:
        """The ids of the calls that have been shown."""
        return [call.own_id for call in self._calls if call.shown]

    @property
    def number(self) -> int:
        """The number of the call that the last piece was of."""
        return -1 if self._last is None else self._last.number

    def take(
        self,
        index: int | None,
        call_id: str | None,
        name: str | None,
        arguments: Any,
        *,
        place: int | None = None,
        is_free: bool = False,
    ) -> Iterator[ToolCallDelta]:
        """Yield what a piece adds. `arguments` are JSON text, or what the text would say; with `is_free`, any text.

        `place` is where a piece stands among those that came with it: the index of a call that has none, and is new.
        """
        if index is None:
            index = self._index_of(call_id, place)
        call = self._current.get(index)
        if call_id and (call is None or call_id not in call.ids):
            call = next((other for other in self._calls if other.index == index and call_id in other.ids), call)
        if call is None or not self._continues(call, call_id, name or "", arguments_text(arguments)):
            call = self._begun(index, is_free=is_free)
        yield from self._add(call, call_id, name, arguments)

    def begin(
        self, index: int | None, call_id: str | None, name: str | None, arguments: Any
    ) -> Iterator[ToolCallDelta]:
        """Yield what a piece makes of which the wire format says that it is the first of a call."""
        call = self._begun(len(self._calls) if index is None else index)
        yield from self._add(call, call_id, name, arguments)

    def _begun(self, index: int, *, is_free: bool = False) -> _Call:
        call = _Call(len(self._calls), index, is_free=is_free)
        self._calls.append(call)
        return call

    def _add(self, call: _Call, call_id: str | None, name: str | None, arguments: Any) -> Iterator[ToolCallDelta]:
        text = arguments_text(arguments)
        self._current[call.index] = self._last = call
        if call_id:
            call.ids.add(call_id)
            call.own_id = call.own_id or call_id
        if name and not (call.pieces and call.name) and name != call.name:
            if call.shown:
                raise self._malformed(f"the name of tool call {call.name!r} goes on with {name!r} after it was whole")
            call.name += name
        if isinstance(arguments, Mapping) and call.pieces:
            raise self._malformed(f"an object in the middle of the arguments of {call.name!r}: {text[:200]}")
        if text:
            call.add(text)
        if call.shown:
            yield ToolCallDelta(call.number, None, None, text)
        yield from self._ready()

    def _index_of(self, call_id: str | None, place: int | None) -> int:
        """Return the index of a piece that came without: of the call with its id, else its place, else the last call's."""
        known = next((call for call in reversed(self._calls) if call_id and call_id in call.ids), None)
        if known is not None:
            return known.index
        if place is not None:
            return place
        return 0 if self._last is None else self._last.index

    def _continues(self, call: _Call, call_id: str | None, name: str, text: str) -> bool:
        """Whether a piece with the same index as `call` is of that call, and not the first of another."""
        other_id = bool(call_id and call.ids and call_id not in call.ids)
        if not name:
            # A host that makes up an id for each piece sends the name but once.
            return not (other_id and call.is_whole and text.strip())
        if not call.name:
            return not (other_id and call.is_whole)
        if call.pieces:
            if call.is_whole:
                # A last piece may repeat the name, and say nothing.
                return not other_id and name == call.name and not text.strip()
            if name != call.name and other_id:
                return False
            if name != call.name:
                raise self._malformed(f"a piece of tool call {call.name!r} names {name!r}: they can't be told apart")
            return True
        if not other_id:
            return name == call.name or self._continues_name(call.name, name)
        if name == call.name or not {name, call.name} <= self._names:
            if call.name + name in self._names:
                return True
            raise self._malformed(
                f"{call.name!r} and {name!r} under two ids may be one call or two: they can't be told apart"
            )
        return False

    def _continues_name(self, first: str, second: str) -> bool:
        if not self._names:
            return True
        return any(known.startswith(first + second) for known in self._names) or not {first, second} <= self._names

    def _ready(self, *, ended: bool = False) -> Iterator[ToolCallDelta]:
        for call in self._calls:
            if call.shown:
                continue
            begun = bool(call.pieces) or ended or call is not self._last
            named = bool(call.name) and (begun or call.name in self._names)
            if not named or not (call.ids or begun):
                # Those after it wait, so that their order stands.
                return
            call.shown = True
            call.own_id = free_id(call.number, {other.own_id for other in self._calls[: call.number]}, call.own_id)
            yield ToolCallDelta(call.number, call.own_id, call.name, call.arguments)

    def end(self) -> Iterator[ToolCallDelta]:
        """Yield the calls that have waited. Raises what `malformed` makes where one is none."""
        for call in self._calls:
            if not call.name:
                raise self._malformed(f"tool call {call.number} has no name")
            if fault := fault_of(call.name, call.pieces, is_free=call.is_free):
                raise self._malformed(fault)
        yield from self._ready(ended=True)


def fault_of(name: str, pieces: Sequence[str], *, is_free: bool = False) -> str | None:
    """Return what is wrong with arguments whose pieces are of several calls; with `is_free`, they are any text."""
    arguments = "".join(pieces)
    if not is_free and _holds_two(arguments):
        return f"the arguments of {name!r} are two objects: {arguments[:200]}"
    return f"each piece of the arguments of {name!r} says all of those before it again" if _repeats(pieces) else None


def _repeats(pieces: Sequence[str]) -> bool:
    """Whether each piece of a text begins with the one before it, and the last is a JSON object: they are no pieces."""
    texts = [piece for piece in pieces if piece]
    if len(texts) < 2 or not all(later.startswith(earlier) for earlier, later in pairwise(texts)):
        return False
    try:
        return isinstance(json.loads(texts[-1]), dict)
    except ValueError:
        return False


def arguments_text(arguments: Any) -> str:
    """Return the JSON text of arguments: of an object, of a text that is JSON already, or of nothing. Raises ValueError."""
    if not isinstance(arguments, Mapping):
        return as_text(arguments)
    return json.dumps(arguments, ensure_ascii=False, allow_nan=False)


def whole_arguments(arguments: Any) -> str:
    """Return the JSON text of arguments that come at once, which are an object. Raises ValueError."""
    text = arguments_text(arguments) or "{}"
    if not isinstance(json.loads(text), dict):
        raise ValueError(f"arguments that are no object: {text[:200]}")
    return text


def _holds_two(arguments: str) -> bool:
    """Whether a text is a JSON object, and more behind it."""
    try:
        first, end = _JSON.raw_decode(arguments.lstrip())
    except ValueError:
        return False
    return isinstance(first, dict) and bool(arguments.lstrip()[end:].strip())
