"""A flow that asks a person, twice the same and once about what it has made."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from harness import Flow, listen, start
from harness.flow import HumanFeedbackResult, human_feedback
from harness.recording import Target, record

TARGET = "tests.recording.support.asking_subject:Interview"
YES = "Yes, it is"
#: Set once all that is asked for before has been answered, or given up.
looked_at = threading.Event()


class Interview(Flow[dict[str, str]]):
    @start()
    def who(self) -> list[str | None]:
        return [self.ask("And?"), self.ask("And?"), self.ask("Still there?", timeout=0.01)]

    @listen(who)
    @human_feedback("Is it good?")
    def told(self, names: list[str | None]) -> str:
        looked_at.set()
        return f"{names}"

    @listen(told)
    def done(self, result: HumanFeedbackResult) -> str:
        return f"{result.output}: {result.feedback}"


def record_interview(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Record a run at whose terminal somebody sits, who does not answer the third question, and the fourth."""
    answers = iter(["Ann", "Bo"])
    looked_at.clear()

    def typed(prompt: str = "") -> str:
        told = next(answers, None) if prompt == "> " else YES
        if told is None:
            # Nobody waits for this line any more, but for who asks by then.
            assert looked_at.wait(10)
        return told or YES

    with monkeypatch.context() as patched:
        patched.setattr("builtins.input", typed)
        record(Target(TARGET), out)
