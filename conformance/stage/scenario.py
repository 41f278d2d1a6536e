"""One situation in which a subject is put, and the clauses that what it does there can decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

from conformance.subjects.subject import Performance
from conformance.timeline.evidence import Evidence


@dataclass(frozen=True)
class Scenario:
    """A program, a consumer, and what they are for."""

    #: Unique; as in `close/user-code/sync`.
    id: str
    #: The clauses that this scenario must be able to decide: one that it leaves undecided is not testable.
    clauses: frozenset[str]
    #: Puts the subject there and tells what was seen, of one run or of several. What the subject raises is part of the
    #: evidence, not of this call.
    observe: Callable[[Any, Performance], Iterable[Evidence]]
    #: Capabilities without which a subject can't be put there.
    needs: frozenset[str] = frozenset()
    _: KW_ONLY
    #: A part that a subject may have or not, and without which it can't be put there.
    part: str | None = None
    #: The provider that the subject must speak to in its own format, where it takes more than OpenAI's chat.
    provider: str | None = None
    #: What is tested: a runtime, or an integration of a provider by its recordings.
    tests: Literal["runtime", "integration"] = "runtime"
    #: How long it may take, in seconds; a sound subject takes milliseconds.
    deadline_s: float = 30.0
    #: Where a clause that it leaves undecided may be decided by another: what to say of one that none decides.
    unshown: Callable[[str], str] | None = None

    def fits(self, subject: Any) -> bool:
        """Whether the subject is of the kind that is tested, and declares all that it takes to be put there."""
        if self.tests != getattr(subject, "tests", "runtime") or not self.needs <= subject.capabilities:
            return False
        if self.part is not None and not hasattr(subject, self.part):
            return False
        return self.provider is None or self.provider in getattr(subject, "providers", ())
