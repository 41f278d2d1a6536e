"""A text that a human sends back until it may go out: `python -m examples.approval_flow`."""

from __future__ import annotations

from typing import Any

from examples.offline import show
from harness import LLM, Flow, human_feedback, listen, or_, start
from harness.flow import ConsoleProvider, HumanFeedbackResult, PendingFeedbackContext

MODEL = "openai/gpt-4o-mini"


class Editor:
    """Answers from the state as long as there are answers in it, so that a run can be repeated; then asks the terminal."""

    def request_feedback(self, context: PendingFeedbackContext, flow: Any) -> str:
        """Return the next answer."""
        answers: list[str] = flow.state["answers"]
        return answers.pop(0) if answers else ConsoleProvider().request_feedback(context, flow)


class ApprovalFlow(Flow):
    """Drafts an announcement, and drafts it again until the editor has approved of it."""

    initial_state = {"answers": ["Make it shorter.", "Good, send it."]}

    @start()
    def begin(self) -> None:
        """Nothing to do but to set the first draft going."""

    @listen(or_(begin, "revise"))
    @human_feedback(message="May this go out?", emit=["approved", "revise"], llm=MODEL, provider=Editor())
    def draft(self) -> str:
        """Ask for the text; what the human has said so far goes with it."""
        wishes = " ".join(answer.feedback for answer in self.human_feedback_history)
        question = "Announce that the lighthouse is lit again."
        return str(LLM(MODEL).call(f"{question} Keep in mind: {wishes}" if wishes else question))

    @listen("approved")
    def send(self, answer: HumanFeedbackResult) -> str:
        """Give the text that was approved of."""
        return f"sent: {answer.output}"


if __name__ == "__main__":
    show(ApprovalFlow(), "approval")
