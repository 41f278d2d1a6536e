"""What OpenAI's Responses API says of a conversation beyond messages: reasoning, and facts of the items it keeps.

Every entry of its `input` is an item; each becomes one message, which carries here what no other provider has.
"""

from __future__ import annotations

from typing import Literal

from harness.llm.input.value import Given


class ReasoningText(Given):
    type: Literal["summary_text", "reasoning_text"]
    text: str


class ReasoningItem(Given):
    """Reasoning of an earlier answer, to be given back with the answer that it led to."""

    type: Literal["reasoning"]
    id: str | None = None
    summary: list[ReasoningText]
    content: list[ReasoningText] | None = None
    #: Reasoning that only the provider can read.
    encrypted_content: str | None = None
    status: str | None = None


class ItemFacts(Given):
    """What an item says beside the message that it holds."""

    #: Given where a message names its type, which it need not, and where a result is that of a custom tool.
    type: Literal["message", "custom_tool_call_output"] | None = None
    id: str | None = None
    status: str | None = None
    #: Whether the text is `commentary` or the `final_answer`.
    phase: str | None = None
    #: Whether this text is the whole input, as a string and not as a list of items.
    bare: bool = False
