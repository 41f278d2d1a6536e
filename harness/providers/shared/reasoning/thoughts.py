"""Signed and hidden reasoning, which a provider wants back with the tool calls that it led to.

Sources:
https://platform.claude.com/docs/en/build-with-claude/extended-thinking#preserving-thinking-blocks,
https://platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items (2026-11).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from harness.llm.input.blocks import RedactedThinkingPart, ThinkingPart
from harness.llm.input.items import ReasoningItem
from harness.llm.input.messages import Message, TextPart
from harness.llm.request import LLMRequest
from harness.providers.shared.reasoning.by_call import GivenBack, Outline, outlines

Thought = ThinkingPart | RedactedThinkingPart | ReasoningItem
#: Keeps what led to calls of one answer.
Keep = Callable[[Iterable[str], Iterable[Thought | None]], None]


class GrowingThought(Struct):
    """One block of reasoning as far as it has come."""

    text: str = ""
    signature: str = ""
    #: What only the provider can read.
    hidden: str = ""

    def thought(self) -> Thought | None:
        """Return what is to be given back, or None where nothing is signed."""
        if self.hidden:
            return RedactedThinkingPart(type="redacted_thinking", data=self.hidden)
        if self.signature:
            return ThinkingPart(type="thinking", thinking=self.text, signature=self.signature)
        return None


class Thoughts(GivenBack[tuple[Thought, ...]]):
    """Reasoning that goes back, unchanged, in front of the calls that it led to."""

    def keep(self, request: LLMRequest, call_ids: Iterable[str], thoughts: Iterable[Thought | None]) -> None:
        """Keep what led from a request to these calls; nothing where there is none."""
        kept = tuple(thought for thought in thoughts if thought is not None)
        if kept:
            self._kept.keep(outlines(request.messages)[-1], dict.fromkeys(call_ids, kept))

    def _with_kept(self, message: Message, before: Outline) -> Message:
        thoughts, content = self._kept.behind(message, before), message.content or []
        if thoughts is None:
            return message
        if isinstance(content, str):
            content = [TextPart(type="text", text=content)]
        if any(isinstance(part, Thought) for part in content):
            return message
        return message.model_copy(update={"content": [*thoughts, *content]})
