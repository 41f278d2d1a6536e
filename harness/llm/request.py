"""One request to a model, in the form that an integration gets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from harness.llm.messages import Message, ToolDefinition


@dataclass(frozen=True)
class LLMRequest:
    """What one call asks for. `stream` and `stop` are decided: overrides and the session around are accounted for."""

    messages: list[Message]
    tools: list[ToolDefinition] = field(default_factory=list)
    #: Whether the answer is to come in pieces. None means that nobody said anything, and it does not.
    stream: bool | None = None
    stop: list[str] | None = None
    #: The model that the answer must validate as, or the provider's own form of response format.
    response_format: type[BaseModel] | Mapping[str, Any] | None = None
