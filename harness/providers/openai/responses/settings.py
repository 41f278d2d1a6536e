"""The settings of OpenAI's Responses API that others do not have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from harness.errors import UsageError
from harness.providers.openai.model import OpenAIModel

#: The provider's own tools by the names that callers know, where they need more than a type.
_BUILTIN: Final[Mapping[str, Mapping[str, Any]]] = {
    "code_interpreter": {"type": "code_interpreter", "container": {"type": "auto"}},
    "computer_use": {"type": "computer_use_preview"},
}


def _wire_builtin(tool: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return one of the provider's own tools, given by its name or with its settings, on the wire."""
    return dict(_BUILTIN.get(tool, {"type": tool}) if isinstance(tool, str) else tool)


class ResponsesSettings(OpenAIModel):
    """What each call of `OpenAIResponses` is made with."""

    def __init__(
        self,
        *args: Any,
        instructions: str | None = None,
        store: bool | None = None,
        previous_response_id: str | None = None,
        include: Sequence[str] | None = None,
        builtin_tools: Sequence[str | Mapping[str, Any]] | None = None,
        parse_tool_outputs: bool = False,
        auto_chain: bool = False,
        auto_chain_reasoning: bool = False,
        **settings: Any,
    ) -> None:
        super().__init__(*args, **settings)
        if parse_tool_outputs:
            raise UsageError(
                "parse_tool_outputs: a call here returns its text; what the provider's own tools did is not taken apart. "
                "Leave it out"
            )
        #: What the model is told before the system messages of each call.
        self.instructions = instructions
        self.store = store
        #: The answer that the first call goes on from.
        self.previous_response_id = previous_response_id
        self.include = list(include or ())
        #: The provider's own tools that each call may use, by name or with their settings.
        self.builtin_tools = [_wire_builtin(tool) for tool in builtin_tools or ()]
        self.auto_chain = auto_chain
        #: Whether the reasoning of each answer goes back with the next call, for a provider that keeps nothing.
        self.auto_chain_reasoning = auto_chain_reasoning
