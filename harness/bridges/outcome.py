"""How a run ended, what it used, and what it waits for, gathered frame by frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from harness.bridges.scopes import Ending, FrameStep, PlacedFrame, PlacedScope
from harness.bridges.texts import encodable, name_in, text_of

Verdict = Literal["finished", "failed", "paused", "cancelled"]

#: The counts of a call's usage, under the names that all providers share (clause `llm.usage`).
COUNTS: Final = (
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "reasoning_tokens",
    "cached_prompt_tokens",
    "cache_creation_tokens",
)
#: JSON numbers survive a round trip through JavaScript up to this.
LARGEST_COUNT: Final = 2**53 - 1
_RESULTS: Final = ("result", "output", "response")


@dataclass(frozen=True)
class OpenQuestion:
    """What a run asked a person."""

    id: str
    message: str
    #: What there is to judge, and the answers that are offered.
    details: dict[str, Any]


class RunOutcome:
    """Takes the steps of one run, or of several that one stream tells of: how it ends is how the last of them does."""

    def __init__(self) -> None:
        #: What stands open at the top of the timeline.
        self._open: set[PlacedScope] = set()
        self._ending: Ending | None = None
        self._paused = False
        self._questions: dict[str, OpenQuestion] = {}
        #: By model, in the order in which they were first used.
        self.usage: dict[str, dict[str, int]] = {}
        #: Of the last call that told one.
        self.finish_reason: str | None = None
        self.result: Any = None
        self.error = ""
        self.error_type: str | None = None

    def take(self, step: FrameStep) -> None:
        """Note what a frame tells of the run."""
        frame = step.frame
        payload = frame.payload
        if frame.begins:
            self._open.clear()
        if step.opened is not None and step.opened.is_run:
            self._begin(step.opened)
        match frame.type:
            case "llm_call_completed":
                self.finish_reason = name_in(payload.get("finish_reason")) or self.finish_reason
                self._add(name_in(payload.get("model")) or "", counts_of(payload.get("usage")))
            case "human_feedback_requested":
                self._add_question(payload.get("request_id"), frame)
            case "human_feedback_received":
                self._questions.pop(name_in(payload.get("request_id")) or "", None)
            case "flow_paused" | "method_execution_paused":
                self._paused = True
                if not self._questions:
                    self._add_question(payload.get("flow_id"), frame)
                if (flow := name_in(payload.get("flow_id"))) is not None:
                    # By this the run is found where it waits, also by another process.
                    for question in self._questions.values():
                        question.details["flow_id"] = flow
            case _:
                pass
        if step.closed is not None and step.closed.is_run:
            self._open.discard(step.closed)
            self._ending = step.ending
            self.result = next((payload[name] for name in _RESULTS if payload.get(name) is not None), None)
            self.error = text_of(payload.get("error"))
            self.error_type = name_in(payload.get("error_type"))

    def fail(self, error: str, error_type: str | None) -> None:
        """Note an error that no frame told of."""
        if self._ending != "failed":
            self._ending, self.error, self.error_type = "failed", encodable(error), error_type

    @property
    def has_ended(self) -> bool:
        """Whether the run has ended, and nothing of it is open."""
        return self._ending is not None and not self._open

    def verdict(self) -> Verdict:
        """Return how the run ended, if this was all of it; one that was left before its end is cancelled."""
        if self._ending is not None and (self.has_ended or self._ending == "failed"):
            return self._ending
        return "paused" if self._paused and self._questions else "cancelled"

    def questions(self) -> list[OpenQuestion]:
        """Return what has been asked and not answered."""
        return list(self._questions.values())

    def totals(self) -> dict[str, int]:
        """Return the usage of all models together."""
        counted = [name for name in COUNTS if any(name in counts for counts in self.usage.values())]
        return {name: sum(counts.get(name, 0) for counts in self.usage.values()) for name in counted}

    def _begin(self, run: PlacedScope) -> None:
        if not self._open:
            self._paused = False
            self._questions.clear()
        self._open.add(run)
        self._ending = self.result = self.error_type = None
        self.error = ""

    def _add(self, model: str, counts: Mapping[str, int]) -> None:
        if counts:
            total = self.usage.setdefault(model, {})
            for name, count in counts.items():
                total[name] = min(total.get(name, 0) + count, LARGEST_COUNT)

    def _add_question(self, request_id: Any, frame: PlacedFrame) -> None:
        details = {name: frame.payload[name] for name in ("output", "emit") if frame.payload.get(name) is not None}
        question = name_in(request_id) or frame.unique_id
        self._questions[question] = OpenQuestion(question, text_of(frame.payload.get("message")), details)


def counts_of(usage: Any) -> dict[str, int]:
    """Return the token counts of a usage; none for what is no usage."""
    if not isinstance(usage, Mapping):
        return {}
    return {name: usage[name] for name in COUNTS if _is_count(usage.get(name))}


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_COUNT
