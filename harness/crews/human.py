"""Somebody at the terminal, or on the page of a served run, who looks at a task's answer."""

from __future__ import annotations

from typing import Any

from harness.agents.driver import Driver
from harness.crews.output import TaskOutput
from harness.crews.task_settings import TaskSettings
from harness.events import HumanFeedbackReceivedEvent, HumanFeedbackRequestedEvent
from harness.events.sources import sources
from harness.respondent import HumanQuestion, respondent_answer
from harness.terminal import write
from harness.typed_line import read_line

_QUESTION = "Press Enter to accept this answer, or say what is to be changed."


async def requested_change(driver: Driver, requester: str, task: TaskSettings, output: TaskOutput) -> str:
    """Return what somebody wants to be changed; blank where the answer is accepted. Frames tell of both."""
    request_id = sources.new_id()
    names: dict[str, Any] = {
        "flow_name": requester,
        "method_name": task.label,
        "request_id": request_id,
        "task_id": task.id,
        "task_name": task.label,
        "agent_role": output.agent,
    }
    await driver.emit(task, HumanFeedbackRequestedEvent(output=output.raw, message=_QUESTION, **names))
    feedback = str(await driver.call(_answer, output))
    await driver.emit(task, HumanFeedbackReceivedEvent(feedback=feedback, **names))
    return feedback.strip()


def _answer(output: TaskOutput) -> str:
    elsewhere = respondent_answer(HumanQuestion(_QUESTION, output.raw, output.agent))
    if elsewhere is not None:
        return elsewhere
    write(f"\n{output.agent} answers:\n{output.raw}\n\n{_QUESTION}\n")
    return read_line("Your feedback: ")
