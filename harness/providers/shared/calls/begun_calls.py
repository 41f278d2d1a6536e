"""The tool calls of an answer whose wire format begins each one: every beginning is a call of its own (clause `llm.tool-chunks`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.llm.output.assembly import free_id
from harness.llm.output.parts import ToolCallDelta
from harness.providers.shared.calls.tool_calls import arguments_text, fault_of
from harness.providers.shared.shapes import as_id, as_text


class BegunCalls:
    """Takes beginnings and pieces of calls. What a provider sends of another form is a ValueError."""

    def __init__(self) -> None:
        #: The ids, each unique, in the order of the calls.
        self.ids: list[str] = []
        self._names: list[str] = []
        self._defaults: list[str] = []
        self._pieces: list[list[str]] = []
        #: The number of the call that began last at an index.
        self._at: dict[int, int] = {}

    def __contains__(self, index: int) -> bool:
        return index in self._at

    def __len__(self) -> int:
        return len(self.ids)

    def begin(self, index: int, call_id: Any, name: Any, arguments: Any = "", *, default: str = "{}") -> ToolCallDelta:
        """Return a call's first piece; `arguments` are JSON text or what it says, `default` those of one without."""
        if not as_text(name):
            raise ValueError(f"tool call {len(self)} has no name")
        number = self._at[index] = len(self)
        self.ids.append(free_id(number, self.ids, as_id(call_id)))
        self._names.append(name)
        self._defaults.append(default)
        self._pieces.append([])
        return ToolCallDelta(number, self.ids[number], name, self._take(number, arguments))

    def more(self, index: int, arguments: Any) -> ToolCallDelta:
        """Return a further piece of the call that began last at `index`."""
        return ToolCallDelta(self._at[index], None, None, self._take(self._at[index], arguments))

    def close(self, index: int) -> Iterator[ToolCallDelta]:
        """Yield what the end of the block at `index` makes, where that is a call: the arguments of one that has none."""
        if index in self._at:
            yield from self._closed(self._at[index])

    def _closed(self, number: int) -> Iterator[ToolCallDelta]:
        if not any(self._pieces[number]):
            yield ToolCallDelta(number, None, None, self._take(number, self._defaults[number]))

    def _take(self, number: int, arguments: Any) -> str:
        text = arguments_text(arguments)
        if isinstance(arguments, Mapping) and any(self._pieces[number]):
            raise ValueError(f"an object in the middle of the arguments of {self._names[number]!r}: {text[:200]}")
        self._pieces[number].append(text)
        return text

    def end(self) -> Iterator[ToolCallDelta]:
        """Yield the arguments of calls whose blocks never ended, and that have none. Raises ValueError (`fault_of`)."""
        for number in range(len(self)):
            yield from self._closed(number)
        for name, pieces in zip(self._names, self._pieces, strict=True):
            if fault := fault_of(name, pieces):
                raise ValueError(fault)
