"""Who is asked: what a provider of feedback or of input is, the terminal, and the ones that all flows have in common."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

from harness.flow.feedback.pending import PendingFeedbackContext
from harness.respondent import HumanQuestion, respondent_answer
from harness.terminal import write
from harness.typed_line import read_line

P = TypeVar("P")


@runtime_checkable
class HumanFeedbackProvider(Protocol):
    """Asks a human what they think of a method's output."""

    def request_feedback(self, context: PendingFeedbackContext, flow: Any) -> str | Awaitable[str]:
        """Return what the human says; a plain method works in a thread of its own and may block.

        Raises:
            HumanFeedbackPending: the answer comes later; the run is kept, and ends.
        """


@dataclass
class InputResponse:
    """What a human has put in, and what the provider knows of it."""

    text: str
    metadata: dict[str, Any] | None = None


@runtime_checkable
class InputProvider(Protocol):
    """Asks somebody for input in the middle of a method."""

    def request_input(
        self, message: str, flow: Any, metadata: dict[str, Any] | None = None
    ) -> str | InputResponse | Awaitable[str | InputResponse | None] | None:
        """Return what was put in, or None for no answer. Works in a thread of its own and may block."""


class ConsoleProvider:
    """Asks on the terminal, for feedback and for input. What it shows is free of what a terminal obeys.

    A run that is served on a page asks there, and one that is replayed is answered as when it was recorded.
    """

    def request_feedback(self, context: PendingFeedbackContext, flow: Any) -> str:
        """Show what the method gave and the question, and return the line that is typed."""
        question = HumanQuestion(
            context.message, str(context.method_output), context.method_name, tuple(context.emit or ())
        )
        elsewhere = respondent_answer(question)
        if elsewhere is not None:
            return elsewhere
        write(f"\n{context.method_name} gave:\n{context.method_output}\n\n{context.message}\n")
        if context.emit:
            write(
                f"(outcomes: {', '.join(context.emit)}; Enter alone for {context.default_outcome or context.emit[0]})\n"
            )
        return read_line("Your feedback: ")

    def request_input(self, message: str, flow: Any, metadata: dict[str, Any] | None = None) -> str:
        """Show the message, and return the line that is typed."""
        elsewhere = respondent_answer(HumanQuestion(message))
        if elsewhere is not None:
            return elsewhere
        write(f"\n{message}\n")
        return read_line("> ")


@dataclass
class FlowConfig:
    """The providers of all flows that have none of their own."""

    input_provider: InputProvider | None = None
    hitl_provider: HumanFeedbackProvider | None = None


#: Set its attributes once, as when a program starts.
flow_config = FlowConfig()


def given_or_console(*providers: P | None) -> P | ConsoleProvider:
    """Return the first provider that was given, one that is false as an empty list included; else the terminal."""
    return next((provider for provider in providers if provider is not None), ConsoleProvider())
