"""Which execution the code that asks is a part of: one kickoff, with all flows that its methods run."""

from __future__ import annotations

from harness.flow.engine.run import current_flow_run


def get_execution_uuid() -> str | None:
    """Return the UUID of the outermost kickoff that this context works for, another for each; None outside of any."""
    run = current_flow_run()
    return None if run is None else run.execution_uuid
