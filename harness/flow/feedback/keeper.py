"""How a run that waits for a human is kept, and how it is taken up again."""

from __future__ import annotations

import logging
from typing import Any

from harness.errors import UsageError
from harness.flow.engine.run import FlowRun
from harness.flow.feedback.pending import HumanFeedbackPending, PendingFeedbackContext
from harness.flow.persistence.persist import place_of
from harness.flow.persistence.protocol import FlowPersistence, StorageFailures
from harness.flow.state import saved_state
from harness.flow.value_codec import decode_value, encode_exactly, encode_value

logger = logging.getLogger("harness")


def keep(run: FlowRun, pending: HumanFeedbackPending) -> None:
    """Keep a run in its flow's persistence, or in the default one, and on its flow: nothing of it runs any more.

    Raises:
        StatePersistenceError: it could not be saved.
    """
    flow, context = run.flow, pending.context
    saved = run.plan.saved()
    context.values = saved["values"]
    context.plan = {**saved, "values": [_form_of(value, run.name) for value in context.values]}
    context.history = list(flow.human_feedback_history)
    with StorageFailures():
        state = saved_state(run.state)
        place_of(flow).save_pending_feedback(flow_uuid=context.flow_id, context=context, state_data=state)
    flow._flow_pending = context
    flow._flow_kept_ids.add(context.flow_id)


def _form_of(value: Any, flow_name: str) -> Any:
    """Return what is kept of a value for other processes; of one that would not come back there, the log says so."""
    try:
        return encode_exactly(value, "what a method returned")
    except UsageError as error:
        logger.warning(
            "%s: %s; another process that goes on with the run is given a description of it", flow_name, error
        )
        return encode_value(value)


def kept(flow: Any, flow_id: str, place: FlowPersistence) -> tuple[dict[str, Any], PendingFeedbackContext] | None:
    """Return the state of a flow that waits in a place, and what it waits with; None where none does under that id.

    Where others have gone on with it meanwhile, the state is theirs.

    Raises:
        StatePersistenceError: what is kept there can't be loaded.
    """
    with StorageFailures("Loading a flow that waits"):
        loaded = place.load_pending_feedback(flow_id)
        if loaded is None:
            return None
        state, context = loaded
        return flow._flow_saved_since(flow_id, state, place) or dict(state), context


def let_go(flow: Any, flow_id: str) -> None:
    """Have a flow that waited be kept as one that does no more.

    Raises:
        StatePersistenceError: that could not be done.
    """
    with StorageFailures():
        place_of(flow).clear_pending_feedback(flow_id)


def restore(run: FlowRun, context: PendingFeedbackContext) -> None:
    """Put what was kept into a new run of the flow, in which the method that waits is due.

    Raises:
        UsageError: it is of another flow.
    """
    if context.plan is None:
        run.plan.restore_waiting(context.method_name, context.method_output)
    else:
        values = decode_value(context.plan["values"]) if context.values is None else context.values
        run.plan.restore({**context.plan, "values": values})
