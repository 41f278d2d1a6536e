"""The state with which a run ends, where an older one of it has been kept."""

from __future__ import annotations

from typing import Any, Final

from harness.flow.engine.hooks import FlowHook
from harness.flow.engine.run import FlowRun
from harness.flow.persistence.persist import save_ended

#: Under which name the state is saved.
_END: Final = "_flow_ended"


class FinalState(FlowHook):
    """Saves the state with which a run ends over the one that its flow has kept: to wait for a human, or to ask somebody.

    Who goes on with that id begins with this state, then. A flow that nothing else has save its state needs it.
    """

    works_without_loop = True

    async def flow_ended(self, run: FlowRun, result: Any, error: BaseException | None) -> None:
        """Save it, but for a run that waits, which is kept as a whole."""
        if run.pause is None:
            await save_ended(run, _END)
