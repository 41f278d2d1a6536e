"""Beginning a run where a checkpoint says that another has been."""

from __future__ import annotations

import logging
from typing import Any, Final

from harness.bus import bus
from harness.bus.step import Step, StepEnds
from harness.errors import UsageError
from harness.events import (
    CheckpointFailedEvent,
    CheckpointForkCompletedEvent,
    CheckpointForkStartedEvent,
    CheckpointRestoreCompletedEvent,
    CheckpointRestoreFailedEvent,
    CheckpointRestoreStartedEvent,
)
from harness.flow.checkpoints.checkpoint import Checkpoint
from harness.flow.checkpoints.config import CheckpointConfig
from harness.flow.checkpoints.earlier_runs import replay_to_handlers, republish
from harness.flow.checkpoints.writer import Lineage
from harness.flow.class_names import class_name
from harness.flow.engine.hooks import FlowHook
from harness.flow.engine.run import FlowRun
from harness.flow.state import with_saved
from harness.flow.value_codec import decode_value
from harness.workers import outcome_in_thread

logger = logging.getLogger("harness")
_RESTORING: Final = StepEnds(completed=CheckpointRestoreCompletedEvent, failed=CheckpointRestoreFailedEvent)
_FORKING: Final = StepEnds(completed=CheckpointForkCompletedEvent, failed=CheckpointFailedEvent)


class CheckpointRestore(FlowHook):
    """Puts the checkpoint that a config names into a run: what was done then is not run again.

    With `branch` the run is a fork: what it writes goes there. A run that goes on where it has waited begins there.
    """

    works_without_loop = True

    def __init__(self, config: CheckpointConfig, lineage: Lineage, branch: str | None = None) -> None:
        self._config = config
        self._lineage = lineage
        self._branch = branch

    async def before_flow(self, run: FlowRun) -> None:
        if run.plan.is_restored:
            return
        where, provider = self._config.restore_from or "", self._config.provider
        named: dict[str, Any] = {"location": where, "provider": provider.name, "branch": self._branch}
        # Not the flow's own step, whose end is the end of its session.
        async with Step(provider, CheckpointRestoreStartedEvent(**named), _RESTORING) as step:
            reading = await outcome_in_thread(lambda: provider.read(where), run.threads)
            checkpoint = reading.unwrap()
            values = put_into(run, checkpoint)
            if not run.is_quiet:
                replay_to_handlers(run.flow, checkpoint, values)
            self._lineage.parent_id = checkpoint.checkpoint_id
            self._lineage.earlier = checkpoint.runs
            self._lineage.branch = self._branch or checkpoint.branch
            known: dict[str, Any] = {"checkpoint_id": checkpoint.checkpoint_id, "parent_id": checkpoint.parent_id}
            if self._branch is not None:
                async with Step(provider, CheckpointForkStartedEvent(**named, **known), _FORKING):
                    pass
            step.complete(**known, branch=self._lineage.branch)


class Resume(FlowHook):
    """Has a run go on where the last one of this flow has stopped: killed, failed, waiting or at its end.

    The flow, or with `inputs["id"]` the flow with that state, is looked for among the checkpoints of its location. What
    happened in the runs before is shown first, inside the scope of the restore. Where there is none the run begins.
    """

    works_without_loop = True

    def __init__(self, config: CheckpointConfig, lineage: Lineage) -> None:
        self._config = config
        self._lineage = lineage

    async def before_flow(self, run: FlowRun) -> None:
        looking = await outcome_in_thread(lambda: self._last(run), run.threads)
        found = looking.unwrap()
        if found is None:
            return
        where, checkpoint = found
        started = CheckpointRestoreStartedEvent(
            location=where,
            provider=self._config.provider.name,
            trigger="resume",
            branch=checkpoint.branch,
            checkpoint_id=checkpoint.checkpoint_id,
            parent_id=checkpoint.parent_id,
        )
        async with Step(self._config.provider, started, _RESTORING):
            values = put_into(run, checkpoint)
            # They went into the state when the first run began.
            run.has_inputs = True
            self._lineage.parent_id = checkpoint.checkpoint_id
            self._lineage.earlier = checkpoint.runs
            if not run.is_quiet:
                await bus.room()
                await republish(run.flow, checkpoint, values)

    def _last(self, run: FlowRun) -> tuple[str, Checkpoint] | None:
        name = class_name(type(run.flow))
        named = (run.kickoff.inputs or {}).get("id")
        # As the id of a state is written, of whatever class it is.
        flow_id = None if named is None else str(named)
        other = None
        for where, checkpoint in self._config.provider.newest(self._config.location, self._lineage.branch):
            if flow_id in (None, checkpoint.flow_id):
                if checkpoint.flow_class == name:
                    return where, checkpoint
                other = other or checkpoint.flow_class
        if flow_id is not None and other is not None:
            logger.warning(
                "%s: what is kept of a run with the id %r is of %s, and not of %s: the run begins",
                *(run.name, named, other, name),
            )
        return None


def put_into(run: FlowRun, checkpoint: Checkpoint) -> list[Any]:
    """Make a run the one that a checkpoint tells of, and return the values of its plan.

    Raises:
        UsageError: it is a checkpoint of another flow, or its state does not fit.
    """
    kept = checkpoint.plan.get("values") if isinstance(checkpoint.plan, dict) else None
    values = [decode_value(value) for value in kept] if isinstance(kept, list) else []
    plan = {**checkpoint.plan, "values": values} if values else checkpoint.plan
    run.plan.restore(plan)
    for place in {call.output for story in checkpoint.runs for call in story.calls} - {None, *range(len(values))}:
        raise UsageError(
            f"a checkpoint does not fit its own plan: a method came to a value {place}, and it holds {len(values)}"
        )
    # A turn of another session has begun with a state of its own.
    if run.state is not run.kickoff.state:
        run.state = with_saved(run.state, checkpoint.state, run.name)
    return values
