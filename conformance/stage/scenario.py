"""One situation in which a runtime is put, and the clauses that what it does there can decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from conformance.subjects.subject import Performance, Subject
from conformance.timeline.evidence import Evidence


@dataclass(frozen=True)
class Scenario:
    """A program, a consumer, and what they are for."""

    #: Unique; as in `close/user-code/sync`.
    id: str
    #: The clauses that this scenario must be able to decide: one that it leaves undecided is not testable.
    clauses: frozenset[str]
    #: Performs it and tells what was seen. What the subject raises is part of the evidence, not of this call.
    observe: Callable[[Subject, Performance], Evidence]
    #: Capabilities without which a subject can't be put there.
    needs: frozenset[str] = frozenset()
    #: The provider that the subject must speak to in its own format, where it takes more than OpenAI's chat.
    provider: str | None = None

    def fits(self, subject: Subject) -> bool:
        """Whether the subject declares all that it takes to be put there."""
        speaks = self.provider is None or self.provider in getattr(subject, "providers", ())
        return speaks and self.needs <= subject.capabilities
