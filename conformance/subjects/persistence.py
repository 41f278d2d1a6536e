"""What runs are kept in, to be taken up again: a persistence in memory."""

from __future__ import annotations

from copy import deepcopy
from typing import Any


def memory(base: Any) -> Any:
    """Return a persistence, a subclass of `base`, that keeps everything in itself for as long as it lives."""
    states: dict[str, Any] = {}
    waiting: dict[str, tuple[Any, Any]] = {}

    # The base may have no room for attributes of a subclass: what is kept is not the object's.
    class Memory(base):  # type: ignore[misc]
        def init_db(self) -> None: ...

        def save_state(self, flow_uuid: str, method_name: str, state_data: Any) -> None:
            states[flow_uuid] = deepcopy(state_data) if isinstance(state_data, dict) else state_data.model_dump()

        def load_state(self, flow_uuid: str) -> Any:
            return deepcopy(states.get(flow_uuid))

        def save_pending_feedback(self, flow_uuid: str, context: Any, state_data: Any) -> None:
            self.save_state(flow_uuid, context.method_name, state_data)
            waiting[flow_uuid] = (states[flow_uuid], context)

        def load_pending_feedback(self, flow_uuid: str) -> Any:
            return waiting.get(flow_uuid)

        def clear_pending_feedback(self, flow_uuid: str) -> None:
            waiting.pop(flow_uuid, None)

    return Memory()
