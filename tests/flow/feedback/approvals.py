"""A flow that waits for an approval while something else goes on beside it, kept in a file; and a process that resumes it."""

from __future__ import annotations

from pydantic import BaseModel

from harness.flow import Flow, HumanFeedbackResult, SQLiteFlowPersistence, human_feedback, listen, start
from tests.flow.feedback.people import Chooser, Later, in_json


class Draft(BaseModel):
    text: str


class Paper(BaseModel):
    id: str = ""
    topic: str = ""
    #: What was run, in any process.
    ran: list[str] = []


class Approval(Flow[Paper]):
    """Drafts, waits for a human, and publishes or drops."""

    llm = Chooser()

    @start()
    def outline(self) -> Draft:
        self.state.ran.append("outline")
        return Draft(text=f"of {self.state.topic}")

    @listen(outline)
    @human_feedback(message="May it go out?", emit=["yes", "no"], llm=llm, provider=Later())
    def draft(self, outline: Draft) -> Draft:
        self.state.ran.append("draft")
        return Draft(text=f"the draft {outline.text}")

    @start()
    async def beside(self) -> str:
        self.state.ran.append("beside")
        return "beside"

    @listen("yes")
    def publish(self, answer: HumanFeedbackResult) -> str:
        self.state.ran.append("publish")
        assert isinstance(answer.output, Draft)
        return f"{answer.output.text}: {answer.feedback}"

    @listen("no")
    def drop(self) -> None:
        self.state.ran.append("drop")


def main(path: str, flow_id: str, feedback: str) -> None:
    """Resume the flow, and print its frames, its result and what was run."""
    Approval.llm._answers = [in_json("yes")]
    flow = Approval.from_pending(flow_id, SQLiteFlowPersistence(path))
    flow.stream = True
    session = flow.resume(feedback)
    for frame in session:
        print(frame.type, frame.data.get("method_name", ""))
    print(session.result)
    print(*flow.state.ran)
