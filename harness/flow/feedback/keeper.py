"""How a run that waits for a human is kept, and how it is taken up again."""

from __future__ import annotations

from typing import Any

from harness.flow.engine.run import FlowRun
from harness.flow.feedback.pending import HumanFeedbackPending, PendingFeedbackContext
from harness.flow.persistence.persist import place_of
from harness.flow.persistence.protocol import FlowPersistence, StorageFailures
from harness.flow.state import saved_state
from harness.flow.value_codec import decode_value, encode_value


def keep(run: FlowRun, pending: HumanFeedbackPending) -> None:
    """Keep a run in its flow's persistence, or in the default one, and on its flow: nothing of it runs any more.

    Raises:
        StatePersistenceError: it could not be saved.
    """
    flow, context = run.flow, pending.context
    saved = run.plan.saved()
    context.plan = {**saved, "values": encode_value(saved["values"])}
    context.history = list(flow.human_feedback_history)
    with StorageFailures():
        state = saved_state(run.state)
        place_of(flow).save_pending_feedback(flow_uuid=context.flow_id, context=context, state_data=state)
    flow._flow_pending = context
    flow._flow_kept_ids.add(context.flow_id)


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
        run.plan.restore({**context.plan, "values": decode_value(context.plan["values"])})
