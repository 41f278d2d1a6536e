"""Characters that come in two halves, as from hosts that cut text by UTF-16, where one beyond its 16 bits is a pair."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from harness.llm.output.parts import Finish, Part, TextDelta, ThinkingDelta, ToolCallDelta

#: The parts that hold text, and the field in which they do.
_TEXTS: Final = {TextDelta: "text", ThinkingDelta: "text", ToolCallDelta: "arguments"}


class WholeCharacters:
    """Takes the parts of one answer, and gives them with the halves of each character together; a half alone comes last."""

    def __init__(self) -> None:
        self._halves: dict[tuple[type, int | None], str] = {}

    def take(self, part: Part) -> Iterable[Part]:
        """Return what the part makes."""
        field = _TEXTS.get(type(part))
        if field is None:
            return (*self._rest(), part) if self._halves and isinstance(part, Finish) else (part,)
        text = getattr(part, field)
        if not self._halves and not _ends_in_half(text):
            return (part,)
        place = type(part), getattr(part, "index", None)
        text = (self._halves.pop(place, "") + text).encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        if _ends_in_half(text):
            self._halves[place], text = text[-1], text[:-1]
        return (replace(part, **{field: text}),) if text or isinstance(part, ToolCallDelta) else ()

    def _rest(self) -> Iterable[Part]:
        for (kind, index), half in self._halves.items():
            yield kind(half) if index is None else ToolCallDelta(index, None, None, half)


def _ends_in_half(text: str) -> bool:
    return type(text) is str and "\ud800" <= text[-1:] <= "\udbff"
