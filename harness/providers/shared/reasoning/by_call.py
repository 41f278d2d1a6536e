"""What is kept of an LLM's answers by the ids of their tool calls.

Callers give tool calls back in a form that has no place for what providers tie to them, so it is kept with the LLM that was
answered.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, Generic, TypeVar

from harness.llm.input.messages import Message

T = TypeVar("T")

#: Calls of which something is kept; conversations with more calls than that must say it themselves.
_KEPT: Final = 1000


class KeptByCall(Generic[T]):
    """What belongs to the last tool calls that one LLM was answered. From any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, T] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._kept)

    def keep(self, values: Mapping[str, T]) -> None:
        """Keep these, by call id."""
        with self._lock:
            self._kept.update(values)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)

    def of(self, call_id: str) -> T | None:
        """Return what is kept of a call."""
        with self._lock:
            return self._kept.get(call_id)

    def behind(self, message: Message) -> T | None:
        """Return what is kept of the calls of an assistant's message, by the first of them."""
        return self.of(message.tool_calls[0].id) if message.tool_calls and message.role == "assistant" else None
