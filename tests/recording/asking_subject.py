"""A flow that asks a person, twice the same and once about what it has made."""

from __future__ import annotations

from harness import Flow, listen, start
from harness.flow import HumanFeedbackResult, human_feedback


class Interview(Flow[dict[str, str]]):
    @start()
    def who(self) -> list[str | None]:
        return [self.ask("And?"), self.ask("And?"), self.ask("Still there?", timeout=0.01)]

    @listen(who)
    @human_feedback("Is it good?")
    def told(self, names: list[str | None]) -> str:
        return f"{names}"

    @listen(told)
    def done(self, looked_at: HumanFeedbackResult) -> str:
        return f"{looked_at.output}: {looked_at.feedback}"
