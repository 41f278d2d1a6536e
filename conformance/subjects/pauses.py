"""Flows that wait: methods that have a human asked, who answers, and what such flows and states are kept in meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

from conformance.stage.programs import Feedback
from conformance.subjects.names import Names


def asking(names: Names, feedback: Feedback, llm: Callable[[], Any], run: Callable[..., Any]) -> Any:
    """Return a method of a flow that has a human asked about what `run` gives; `llm()` chooses among outcomes."""

    def request_feedback(context: Any, flow: Any) -> str:
        """Answer at once, or say that the answer will come later."""
        if feedback.answer is None:
            raise names.HumanFeedbackPending(context=context)
        return feedback.answer

    provider = SimpleNamespace(request_feedback=request_feedback) if feedback.asker == "provider" else None
    routes: dict[str, Any] = {"emit": list(feedback.outcomes), "llm": llm()} if feedback.outcomes else {}
    return names.human_feedback(message=feedback.message, provider=provider, **routes)(run)


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
