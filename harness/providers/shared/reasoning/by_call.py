"""What is kept of an LLM's answers by the ids of their tool calls.

Callers give tool calls back in a form that has no place for what providers tie to them, so it is kept with the LLM that was
answered.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final, Generic, NamedTuple, TypeVar

from msgspec.structs import replace

from harness.fork import freed_by_fork
from harness.llm.input.messages import Message
from harness.llm.request import LLMRequest
from harness.providers.shared.requests.turns import SYSTEM_ROLES

T = TypeVar("T")

#: Calls of which something is kept; conversations with more calls than that must say it themselves.
_KEPT: Final = 1000
#: Keeping is short; a lock of each LLM's own could not be copied with it.
_keeping: Final = freed_by_fork(threading.Lock())


class Outline(NamedTuple):
    """What stands before a message, in hashes, from what tells most of conversations apart to what tells least."""

    everything: int = 0
    #: Without the system messages, which may tell the time.
    conversation: int = 0
    #: The last thing that the user said.
    question: int = 0


class KeptByCall(Generic[T]):
    """What belongs to the last tool calls that one LLM was answered. From any thread.

    Hosts give calls of several conversations the same id, or none. So what is kept of a call goes back where the same stands
    before it; or, where that has changed, where the user asks the same and only one conversation may be meant.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, Outline], T] = OrderedDict()
        #: What stood before the calls of each id.
        self._origins: dict[str, set[Outline]] = {}

    def __bool__(self) -> bool:
        return bool(self._kept)

    def keep(self, before: Outline, values: Mapping[str, T]) -> None:
        """Keep these, by the ids of calls that were asked for after the messages `before`."""
        with _keeping:
            for call_id, value in values.items():
                self._kept[call_id, before] = value
                self._origins.setdefault(call_id, set()).add(before)
            while len(self._kept) > _KEPT:
                (call_id, origin), _ = self._kept.popitem(last=False)
                self._origins[call_id].remove(origin)
                if not self._origins[call_id]:
                    del self._origins[call_id]

    def of(self, call_id: str, before: Outline) -> T | None:
        """Return what is kept of a call that stands behind the messages `before`."""
        with _keeping:
            found = [(origin, self._kept[call_id, origin]) for origin in self._origins.get(call_id, ())]
        for level, hashed in enumerate(before):
            fitting = [value for origin, value in found if origin[level] == hashed]
            if fitting:
                return fitting[0] if len(fitting) == 1 else None
        return None

    def behind(self, message: Message, before: Outline) -> T | None:
        """Return what is kept of the calls of an assistant's message, by the first of them."""
        return self.of(message.tool_calls[0].id, before) if message.tool_calls and message.role == "assistant" else None


class GivenBack(ABC, Generic[T]):
    """What is kept of the reasoning behind the last tool calls that one LLM was answered. From any thread."""

    def __init__(self) -> None:
        self._kept = KeptByCall[T]()

    def restored(self, request: LLMRequest) -> LLMRequest:
        """Return the request with what led to its calls beside them; messages with reasoning of their own are left."""
        if not self._keeps_any():
            return request
        placed = zip(request.messages, outlines(request.messages), strict=False)
        return replace(request, messages=[self._with_kept(message, before) for message, before in placed])

    def _keeps_any(self) -> bool:
        return bool(self._kept)

    @abstractmethod
    def _with_kept(self, message: Message, before: Outline) -> Message:
        """Return a message that stands behind `before` with what is kept of its calls."""


def outlines(messages: Iterable[Message]) -> list[Outline]:
    """Return what stands before each message, and before one that would come last."""
    found = [Outline()]
    for message in messages:
        words, last = _words(message), found[-1]
        found.append(
            Outline(
                hash((last.everything, words)),
                last.conversation if message.role in SYSTEM_ROLES else hash((last.conversation, words)),
                hash(words) if message.role == "user" else last.question,
            )
        )
    return found


def _words(message: Message) -> tuple[str | None, ...]:
    content = message.content
    texts = [content] if isinstance(content, str) else [str(getattr(part, "text", "")) for part in content or ()]
    return (message.role, message.tool_call_id, *texts, *(call.id for call in message.tool_calls or ()))
