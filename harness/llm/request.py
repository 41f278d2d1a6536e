"""One request to a model, in the form that an integration gets it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field
from pydantic import BaseModel

from harness.llm import input as inputs


class LLMRequest(Struct, frozen=True):
    """What one call asks for. `stream` and `stop` are decided: overrides and the session around are accounted for."""

    messages: list[inputs.Message]
    #: The functions that the model may ask for.
    tools: list[inputs.ToolDefinition] = field(default_factory=list)
    #: The tools that the provider runs itself, by their place among all tools.
    hosted_tools: Mapping[int, inputs.HostedTool] = field(default_factory=dict)
    #: Whether the answer is to come in pieces. None means that nobody said anything, and it does not.
    stream: bool | None = None
    stop: list[str] | None = None
    #: The model that the answer must validate as, or the provider's own form of response format.
    response_format: type[BaseModel] | Mapping[str, Any] | None = None
    #: Settings of the LLM that this request goes without.
    without: frozenset[str] = frozenset()

    @property
    def custom_tools(self) -> frozenset[str]:
        """The names of the custom tools of OpenAI's, which are given text in place of arguments."""
        return frozenset(filter(None, map(inputs.custom_name, self.hosted_tools.values())))

    def all_tools(self) -> list[inputs.ToolDefinition | inputs.HostedTool]:
        """Return functions and hosted tools in the order in which they were given."""
        return inputs.in_order(self.tools, self.hosted_tools)
