"""The state with which a run begins, where another run has saved it."""

from __future__ import annotations

import logging

from harness.flow.engine.hooks import FlowHook
from harness.flow.engine.run import FlowRun
from harness.flow.persistence.protocol import FlowPersistence, StorageFailures
from harness.flow.state import new_id, with_saved
from harness.workers import outcome_in_thread

logger = logging.getLogger("harness")


class StateRestore(FlowHook):
    """Loads the state that the kickoff names: of `inputs["id"]`, to go on with it, or of another id, to fork it.

    A fork has an id of its own, `inputs["id"]` or a new one, and what it saves leaves the other as it is. Where nothing was
    saved under the id, the run begins with the flow's own state, and the log says so.
    """

    works_without_loop = True

    def __init__(self, persistence: FlowPersistence) -> None:
        self._persistence = persistence

    async def before_flow(self, run: FlowRun) -> None:
        forked, inputs = run.kickoff.restore_from_state_id, run.kickoff.inputs or {}
        wanted = inputs.get("id") if forked is None else forked
        if wanted is None or run.has_inputs:
            return
        flow_uuid = str(wanted)
        with StorageFailures("Loading a state"):
            loading = await outcome_in_thread(lambda: self._persistence.load_state(flow_uuid), run.threads)
            loaded = loading.unwrap()
            # A place of somebody's own may give the model that it was given as one.
            saved = None if loaded is None else dict(loaded)
        if saved is None:
            logger.warning("%s: no state is kept under the id %r; the run begins with a new one", run.name, wanted)
            return
        # One that is among the inputs goes into the state with these, and a fork has one of its own.
        own = {} if "id" in inputs else {"id": new_id()}
        run.state = with_saved(run.state, {**saved, **own}, run.name)
        if forked is None and run.flow._flow_dialogue.turn is not None:
            # What is said from here on belongs to what was kept.
            run.flow._flow_kept_ids.add(flow_uuid)
