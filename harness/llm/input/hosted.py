"""Tools that a provider runs itself, such as web search: what asks for one, and what stands for its use later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

from pydantic import ConfigDict

from harness.llm.input.value import Given

F = TypeVar("F")


class HostedTool(Given):
    """A tool that the provider runs itself. Its settings are the provider's own, and any are taken."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    #: The provider's name for it, such as `web_search`; never `function`.
    type: str


class HostedItem(Given):
    """What a provider's own tool did in an earlier answer; it is given back as it came."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    type: Literal[
        "code_interpreter_call",
        "compaction",
        "computer_call",
        "computer_call_output",
        "file_search_call",
        "image_generation_call",
        "item_reference",
        "local_shell_call",
        "local_shell_call_output",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "web_search_call",
    ]


def hosted_tools(tools: Sequence[Any] | None) -> dict[int, HostedTool]:
    """Return the hosted tools among `tools`, by their place."""
    return {place: HostedTool.model_validate(tool) for place, tool in enumerate(tools or ()) if is_hosted(tool)}


def is_hosted(tool: Any) -> bool:
    """Whether this asks for a tool that the provider runs: it has a type, and that is not `function`."""
    if isinstance(tool, Mapping):
        return isinstance(tool.get("type"), str) and tool["type"] != "function"
    return isinstance(tool, HostedTool)


def custom_name(tool: HostedTool) -> str | None:
    """Return the name of a tool of the caller's that is given any text; None for all others."""
    settings = tool.model_extra or {}
    # Anthropic's tools of this type are functions.
    if tool.type != "custom" or "input_schema" in settings:
        return None
    custom = settings.get("custom", settings)
    name = custom.get("name") if isinstance(custom, Mapping) else None
    return name if isinstance(name, str) else None


def in_order(functions: Sequence[F], hosted: Mapping[int, HostedTool]) -> list[F | HostedTool]:
    """Return functions and hosted tools together, each hosted one in its place."""
    remaining = iter(functions)
    count = len(functions) + len(hosted)
    return [hosted[place] if place in hosted else next(remaining) for place in range(count)]
