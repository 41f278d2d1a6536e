"""Signed and hidden reasoning, which a provider wants back with the tool calls that it led to.

Callers give tool calls back in a form that has no place for it, so it is kept with the LLM that was answered. Sources:
https://platform.claude.com/docs/en/build-with-claude/extended-thinking#preserving-thinking-blocks,
https://platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items (2026-11).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from harness.llm.input.blocks import RedactedThinkingPart, ThinkingPart
from harness.llm.input.items import ReasoningItem
from harness.llm.input.messages import Message, TextPart
from harness.llm.request import LLMRequest

Thought = ThinkingPart | RedactedThinkingPart | ReasoningItem

#: Calls whose reasoning is kept; conversations with more calls than that must say their own.
_KEPT: Final = 1000


class Thoughts:
    """The reasoning behind the last tool calls that one LLM was answered, by call id. From any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Thought, ...]] = OrderedDict()

    def keep(self, call_ids: Iterable[str], thoughts: Sequence[Thought]) -> None:
        """Keep what led to these calls; nothing where there is none."""
        if not thoughts:
            return
        with self._lock:
            for call_id in call_ids:
                self._kept[call_id] = tuple(thoughts)
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)

    def given_back(self, request: LLMRequest) -> LLMRequest:
        """Return the request with the reasoning in front of the calls that it led to, unchanged.

        Messages that hold reasoning of their own are left as they are.
        """
        with self._lock:
            if not self._kept:
                return request
            return replace(request, messages=[self._with_thoughts(message) for message in request.messages])

    def _with_thoughts(self, message: Message) -> Message:
        thoughts = self._kept.get(message.tool_calls[0].id) if message.tool_calls else None
        content = message.content
        if thoughts is None or message.role != "assistant":
            return message
        if isinstance(content, str):
            said = [TextPart(type="text", text=content)] if content else []
            return message.model_copy(update={"content": [*thoughts, *said]})
        if any(isinstance(part, Thought) for part in content or ()):
            return message
        return message.model_copy(update={"content": [*thoughts, *(content or ())]})
