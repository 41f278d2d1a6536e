"""A report in two steps, the second built on the first: `python -m examples.report_flow`."""

from __future__ import annotations

from examples.offline import show
from harness import LLM, Flow, listen, start


class ReportFlow(Flow):
    """Plans a report, and writes it."""

    initial_state = {"topic": "tides"}

    @start()
    def plan(self) -> str:
        """Ask for the parts."""
        return str(LLM("openai/gpt-4o-mini").call(f"Plan a report on {self.state['topic']} in three parts."))

    @listen(plan)
    def write(self, plan: str) -> str:
        """Ask for the text."""
        return str(
            LLM("openai/gpt-4o-mini").call(f"Write the report that this plan describes, in two sentences: {plan}")
        )


if __name__ == "__main__":
    show(ReportFlow(), "report")
