"""A place in this process where states and waiting flows are kept."""

from __future__ import annotations

from typing import Any

from harness.flow import FlowPersistence
from harness.flow.state import saved_state


class Memory(FlowPersistence):
    """Keeps what it is given, in the order in which it comes. It is empty, and so falsy, to begin with."""

    def __init__(self) -> None:
        self.saved: list[tuple[str, str, Any]] = []
        self.waiting: dict[str, Any] = {}

    def __len__(self) -> int:
        return len(self.saved)

    def init_db(self) -> None: ...

    def save_state(self, flow_uuid: str, method_name: str, state_data: Any) -> None:
        self.saved.append((flow_uuid, method_name, state_data))

    def load_state(self, flow_uuid: str) -> dict[str, Any] | None:
        return next((dict(state) for uuid, _, state in reversed(self.saved) if uuid == flow_uuid), None)

    def save_pending_feedback(self, flow_uuid: str, context: Any, state_data: Any) -> None:
        self.waiting[flow_uuid] = (saved_state(state_data), context)

    def load_pending_feedback(self, flow_uuid: str) -> Any:
        return self.waiting.get(flow_uuid)

    def clear_pending_feedback(self, flow_uuid: str) -> None:
        self.waiting.pop(flow_uuid, None)

    @property
    def methods(self) -> list[str]:
        return [method for _, method, _ in self.saved]
