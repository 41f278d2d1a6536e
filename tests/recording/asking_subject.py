"""A flow that asks a person, twice the same and once about what it has made."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from harness import Flow, listen, start
from harness.flow import HumanFeedbackResult, human_feedback
from harness.recording import Target, record

TARGET = "tests.recording.asking_subject:Interview"


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


def record_interview(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Record a run at whose terminal somebody sits, who answers all but the last question."""
    answers, never = iter(["Ann", "Bo"]), threading.Event()

    def typed(prompt: str = "") -> str:
        if prompt != "> ":
            return "Yes, it is"
        told = next(answers, None)
        if told is None:
            never.wait(10)
        return told or ""

    with monkeypatch.context() as patched:
        patched.setattr("builtins.input", typed)
        record(Target(TARGET), out)
        never.set()
