"""One use of a tool, whoever asks for it: the step that frames show, and how it ends."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from harness import events
from harness.bus.scope import numbered
from harness.bus.step import Step, StepEnds
from harness.errors import UsageError
from harness.events.sources import sources


# Late, as all events: their models are made when the first tool is used.
@functools.cache
def _ends() -> StepEnds:
    return StepEnds(completed=events.ToolUsageFinishedEvent, failed=events.ToolUsageErrorEvent)


class ToolInputError(UsageError):
    """The arguments of a tool do not fit; it has not been run."""


class ToolUse:
    """One use of a tool. `owner` are the fields by which its events name whose it is."""

    def __init__(self, name: str, arguments: Any, owner: Mapping[str, Any]) -> None:
        #: What every event of this use says.
        self.common: dict[str, Any] = {"tool_name": name, "tool_args": arguments, **owner}
        self._started_at: datetime = sources.now()

    def step(self, number: int = 1) -> Step:
        """Return the step that this use is, not yet opened: of several of one tool, the one of that number."""
        label = numbered(self.common["tool_name"], number)
        return Step(self, events.ToolUsageStartedEvent(**self.common), _ends(), label=label)

    def complete(self, step: Step, output: Any, **more: Any) -> None:
        """Have the step end with what the tool returned."""
        step.complete(output=output, started_at=self._started_at, finished_at=sources.now(), **more)
