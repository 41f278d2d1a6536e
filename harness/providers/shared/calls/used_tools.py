"""The tools that a conversation tells of, for APIs that take no calls and results of tools where no tools are defined."""

from __future__ import annotations

from collections.abc import Iterable

from harness.llm.input.blocks import ToolUsePart
from harness.llm.input.messages import FunctionDefinition, Message, ToolCall, ToolDefinition


def used_tools(messages: Iterable[Message]) -> list[ToolDefinition]:
    """Return the tools whose calls are among messages, each once, by their names alone.

    Without any, Converse says: "The toolConfig field must be defined when using toolUse and toolResult content blocks",
    and Anthropic's API: "Requests which include `tool_use` or `tool_result` blocks must define tools"
    (https://github.com/BerriAI/litellm/issues/5388), though by now it takes some of them.
    """
    names: dict[str, None] = {}
    for message in messages:
        parts = message.content if isinstance(message.content, list) else ()
        names |= dict.fromkeys(part.name for part in parts if isinstance(part, ToolUsePart))
        names |= dict.fromkeys(call.function.name for call in message.tool_calls or () if isinstance(call, ToolCall))
    return [ToolDefinition(function=FunctionDefinition(name=name)) for name in names]
