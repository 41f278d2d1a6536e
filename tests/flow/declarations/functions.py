"""What declared flows in the tests name."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

from pydantic import BaseModel

from harness import BaseTool
from harness.flow import FlowPersistence, PendingFeedbackContext
from harness.tools import ToolFailure, ToolFailurePolicy


class Report(BaseModel):
    id: str = ""
    topic: str = "tides"
    depth: int = 1


def shout(text: str, times: int = 1) -> str:
    return f"{text.upper()}{'!' * times}"


async def whisper(text: str) -> str:
    return text.lower()


def both(**named: Any) -> dict[str, Any]:
    return named


def remember(flow: Any, text: str) -> str:
    flow.state["text"] = text
    return f"remembered {text}"


def recall(flow: Any, value: str) -> tuple[str, str]:
    return flow.state["text"], value


def fail() -> None:
    raise LookupError("no such thing")


class Doubler:
    def run(self, number: int) -> int:
        return number * 2


class Unsure(BaseTool):
    """Says that it has failed, under a policy that each subclass has."""

    name: str = "Unsure"
    description: str = "Fails"

    def _run(self, text: str) -> ToolFailure:
        return ToolFailure(message=f"no {text}")


class Ignored(Unsure):
    tool_failure_policy: ToolFailurePolicy | None = ToolFailurePolicy.IGNORE


class Warned(Unsure):
    tool_failure_policy: ToolFailurePolicy | None = ToolFailurePolicy.WARN


class Raised(Unsure):
    tool_failure_policy: ToolFailurePolicy | None = ToolFailurePolicy.RAISE


class Once(BaseTool):
    name: str = "Once"
    description: str = "May be used once"
    max_usage_count: int | None = 1

    def _run(self, text: str) -> str:
        return text


class Together(BaseTool):
    """Works when two runs use it at once."""

    name: str = "Together"
    description: str = "May be used twice"
    max_usage_count: int | None = 2
    both: ClassVar = threading.Barrier(2, timeout=30)

    def _run(self, text: str) -> str:
        self.both.wait()
        return text


class Agrees:
    def request_feedback(self, context: PendingFeedbackContext, flow: Any) -> str:
        return f"yes to {context.method_output}"


class Shelf(FlowPersistence):
    """A place with a field; all of one label are one place."""

    label: str = "none"
    saved: ClassVar[list[tuple[str, str]]] = []

    def init_db(self) -> None: ...

    def save_state(self, flow_uuid: str, method_name: str, state_data: Any) -> None:
        self.saved.append((self.label, method_name))

    def load_state(self, flow_uuid: str) -> dict[str, Any] | None:
        return None


class Silent:
    def request_feedback(self, context: PendingFeedbackContext, flow: Any) -> str:
        return ""


class Needs:
    """Can't be made of nothing."""

    def __init__(self, channel: str) -> None:
        self.channel = channel

    def request_feedback(self, context: PendingFeedbackContext, flow: Any) -> str:
        return self.channel


NUMBER = 7
