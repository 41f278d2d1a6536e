"""Direct calls to a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.stage.programs.flow import GREET, Ask


@dataclass(frozen=True)
class CallProgram:
    """A direct call to a model, streamed."""

    ask: Ask = GREET
    prompt: str = "Say hello."


@dataclass(frozen=True)
class RecordedProgram:
    """A direct call that comes with the project, streamed by the subject's integration of its provider."""

    #: As in `anthropic/thinking`; see `conformance.stage.shipped_calls`.
    name: str
    #: Name → what the function returns; None gives the model its tools and no functions.
    functions: Mapping[str, Any] | None = None
