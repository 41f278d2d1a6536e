"""What declared flows in the tests name."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from harness.flow import PendingFeedbackContext


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
    """A tool."""

    def run(self, number: int) -> int:
        return number * 2


class Agrees:
    def request_feedback(self, context: PendingFeedbackContext, flow: Any) -> str:
        return f"yes to {context.method_output}"


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
