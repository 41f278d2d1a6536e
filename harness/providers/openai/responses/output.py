"""What has come of the items of a Responses answer, so that each is described once, whether in deltas, at its end, or at the answer's.

Hosts that speak this API leave deltas out, or the ends. Where both come they must agree: what does not is malformed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from harness.llm.output.assembly import free_id
from harness.llm.output.parts import Part, TextDelta, ThinkingDelta, ToolCallDelta
from harness.providers.shared.calls.tool_calls import arguments_text, fault_of
from harness.providers.shared.shapes import as_id, as_list, as_number, as_text, kind_of, rest_of

#: A message's text, the summary of reasoning, and the reasoning itself.
TextKind = Literal["text", "summary", "reasoning"]


class ItemPlace(NamedTuple):
    """Where a text stands: its item among the answer's, what of that it is, and which part of this."""

    item: int
    kind: TextKind
    part: int

    @classmethod
    def of(cls, event: Mapping[str, Any], kind: TextKind) -> ItemPlace:
        """Return the place that an event names; hosts leave numbers out."""
        item, part = event.get("output_index"), event.get("summary_index" if kind == "summary" else "content_index")
        if type(item) is int and type(part) is int:
            return cls(item, kind, part)
        return cls(as_number(item) or 0, kind, as_number(part) or 0)


class _Call(Struct):
    """One call as far as it has come. It is shown once its name is known."""

    number: int
    place: int | None
    item_id: str | None
    call_id: str | None = None
    name: str = ""
    arguments: str = ""
    #: The id under which it is shown, which no other call has.
    own_id: str | None = None
    #: Whether its item has come whole.
    is_whole: bool = False
    #: Whether its arguments are any text, as those of the caller's custom tools are.
    is_free: bool = False


class ResponseOutput:
    """Takes what comes of an answer's items, and gives what is new of it."""

    def __init__(self, malformed: Callable[[str], Exception]) -> None:
        """Keep `malformed`, which makes the error for what does not fit together."""
        self._malformed = malformed
        self._texts: defaultdict[ItemPlace, list[str]] = defaultdict(list)
        self._calls: list[_Call] = []

    @property
    def call_ids(self) -> list[str]:
        return [call.own_id for call in self._calls if call.own_id]

    @property
    def is_empty(self) -> bool:
        return not (self._texts or self._calls)

    def delta(self, place: ItemPlace, text: Any) -> Part:
        if not isinstance(text, str):
            raise self._malformed(f"a delta of text that is {text!r:.200}")
        self._texts[place].append(text)
        return TextDelta(text) if place.kind == "text" else ThinkingDelta(text)

    def whole_text(self, place: ItemPlace, text: Any) -> Iterator[Part]:
        """Yield what has not come yet of a text that is whole."""
        if rest := rest_of(as_text(text), "".join(self._texts[place])):
            yield self.delta(place, rest)

    def item(self, place: int | None, item: Mapping[str, Any]) -> Iterator[Part]:
        """Yield what has not come yet of an item that is whole."""
        match kind_of(item):
            case "message":
                yield from self._texts_of(place or 0, "text", _parts(item.get("content")))
            case "reasoning":
                yield from self._texts_of(place or 0, "summary", _parts(item.get("summary")))
                yield from self._texts_of(place or 0, "reasoning", _parts(item.get("content")))
            case _ if (call := requested_call(item)) is not None:
                yield from self.call(place, call, whole=True)

    def _texts_of(self, number: int, kind: TextKind, parts: Sequence[Any]) -> Iterator[Part]:
        for index, part in enumerate(parts):
            yield from self.whole_text(ItemPlace(number, kind, index), self._text_of(part))

    def _text_of(self, part: Any) -> Any:
        if isinstance(part, str):
            return part
        if not isinstance(part, Mapping):
            raise self._malformed(f"a part that is {part!r:.200}")
        return part.get("text") if part.get("text") is not None else part.get("refusal")

    def call(self, place: int | None, item: Mapping[str, Any], *, whole: bool = False) -> Iterator[Part]:
        """Yield what is new of a call by its item, which tells its id and name; and its arguments, if it is whole."""
        described = self._described(place, item, is_whole=whole)
        others = [call for call in self._calls[::-1] if not _is_another(call, described)]
        yield from self._add(
            self._found(described, others, item.get("arguments")) or self._begun(described), described, item
        )

    def _described(self, place: int | None, item: Mapping[str, Any], *, is_whole: bool) -> _Call:
        item_id, call_id, name = as_id(item.get("id")), as_id(item.get("call_id")), as_text(item.get("name"))
        return _Call(len(self._calls), place, item_id, call_id, name, is_whole=is_whole)

    def _add(self, call: _Call, described: _Call, item: Mapping[str, Any]) -> Iterator[Part]:
        call.call_id = call.call_id or described.call_id
        call.name = call.name or described.name
        call.is_whole = call.is_whole or described.is_whole
        call.is_free = call.is_free or "input" in item
        if call.name and (described.is_whole or call.call_id):
            yield from self._shown(call)
        arguments = item.get("arguments")
        if described.is_whole or arguments:
            yield from self._whole_arguments(call, arguments)

    def arguments(self, event: Mapping[str, Any], text: Any, *, whole: bool) -> Iterator[Part]:
        """Yield what an event tells of a call's arguments: a piece of them, or all."""
        place, item_id = as_number(event.get("output_index")), as_id(event.get("item_id"))
        described = _Call(len(self._calls), place, item_id)
        call = self._found(described, self._calls[::-1]) or self._begun(described)
        if whole:
            yield from self._whole_arguments(call, text)
        else:
            yield from self._more(call, arguments_text(text))

    def _found(self, described: _Call, calls: Sequence[_Call], arguments: Any = None) -> _Call | None:
        """Return the one of `calls` that is meant, of several the first.

        It is told by its id, its item's id, else its place. One id of two functions is two calls.
        """
        of_name = [call for call in calls if not (described.name and call.name) or described.name == call.name]
        # Hosts give all items one id, or all calls.
        nearest = sorted(of_name, key=lambda call: (call.place != described.place, call.item_id != described.item_id))
        named = next((call for call in nearest if described.call_id and call.call_id == described.call_id), None)
        by_item = next((call for call in nearest if described.item_id and call.item_id == described.item_id), None)
        if named is not None:
            return named
        if by_item is not None and (not described.call_id or arguments_text(arguments).startswith(by_item.arguments)):
            return by_item
        here = next((call for call in of_name if described.place is not None and call.place == described.place), None)
        is_placed = described.place is not None or described.item_id or described.call_id
        found = here or (of_name[0] if of_name and not is_placed else None)
        # Hosts give all items one number: another id is another call.
        is_other = found is not None and described.call_id and found.call_id not in (None, described.call_id)
        return None if is_other else found

    def _begun(self, described: _Call) -> _Call:
        self._calls.append(described)
        return described

    def _shown(self, call: _Call) -> Iterator[Part]:
        if call.own_id is None:
            call.own_id = free_id(call.number, self.call_ids, call.call_id, call.item_id)
            yield ToolCallDelta(call.number, call.own_id, call.name, call.arguments)

    def _more(self, call: _Call, text: str) -> Iterator[Part]:
        call.arguments += text
        if call.own_id and text:
            yield ToolCallDelta(call.number, None, None, text)

    def _whole_arguments(self, call: _Call, arguments: Any) -> Iterator[Part]:
        text = arguments_text(arguments)
        if text and not _is_equal(call.arguments, text):
            yield from self._more(call, rest_of(text, call.arguments))

    def all(self, items: Sequence[Mapping[str, Any]]) -> Iterator[Part]:
        """Yield what has not come yet of all items of an answer that is whole.

        Their places need not be those that events have named, so texts are compared as one.
        """
        if self.is_empty:
            for number, item in enumerate(items):
                yield from self.item(number, item)
        else:
            yield from self._rest_of_all(items)
        for call in self._calls:
            if call.own_id is None:
                raise self._malformed(f"arguments of a call without a name: {call.arguments!r:.200}")
            if fault := fault_of(call.name, [call.arguments], is_free=call.is_free):
                raise self._malformed(fault)

    def _rest_of_all(self, items: Sequence[Mapping[str, Any]]) -> Iterator[Part]:
        texts = [
            self._text_of(part) or ""
            for item in items
            if kind_of(item) == "message"
            for part in _parts(item.get("content"))
        ]
        places = sorted(place for place in self._texts if place.kind == "text")
        received = "".join(piece for place in places for piece in self._texts[place])
        if rest := rest_of("".join(texts), received):
            yield self.delta(ItemPlace(len(items), "text", 0), rest)
        if not any(place.kind != "text" for place in self._texts):
            for number, item in enumerate(items):
                if kind_of(item) == "reasoning":
                    yield from self.item(len(items) + number, item)
        left = list(self._calls)
        for item in filter(None, map(requested_call, items)):
            described = self._described(None, item, is_whole=True)
            call = self._found(described, left, item.get("arguments"))
            if call is not None:
                # Each item is a call of its own.
                left.remove(call)
            yield from self._add(call or self._begun(described), described, item)


def _is_another(call: _Call, described: _Call) -> bool:
    """Whether an item that names a call is of another than `call`, although ids are equal: of another item or place.

    Hosts that make up an item's id whenever they tell of it end but one item of each call.
    """
    if not (described.name or described.call_id) or not (call.name or call.call_id):
        return False
    ids, places = {call.item_id, described.item_id} - {None}, {call.place, described.place} - {None}
    return (len(ids) > 1 or len(places) > 1) and (call.is_whole or not described.is_whole)


def requested_call(item: Any) -> Mapping[str, Any] | None:
    """Return an item that is a call of the caller's tool, with its arguments as a function's; None for any other."""
    match kind_of(item):
        case "function_call":
            return item  # type: ignore[no-any-return]
        case "custom_tool_call":
            return {**item, "arguments": item.get("input")}
        case _:
            return None


def _parts(parts: Any) -> Sequence[Any]:
    return [parts] if isinstance(parts, str) else as_list(parts)


def _is_equal(received: str, whole: str) -> bool:
    try:
        return bool(json.loads(received) == json.loads(whole))
    except ValueError:
        return False
