"""What replaying gives: evidence of one run made again, and what can be said of it without judging it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct, field

from harness.errors import ProviderStatusError
from harness.frames.stored import FrameLike
from harness.recording.comparison.compare import Difference
from harness.recording.record import host_of
from harness.recording.tape.tape import Tape
from harness.recording.target import Session


class Replayed(Struct):
    """One run made again: what a recording, or one interaction of a plain cassette, gave."""

    path: Path
    kind: Literal["recording", "cassette"]
    #: The number of the interaction in its cassette, from 1; None for a whole recording.
    interaction: int | None = None
    provider: str | None = None
    streamed: bool | None = None
    #: Each session that the run read to its end: one, or one for each turn.
    sessions: list[Session] = field(default_factory=list)
    frames: list[FrameLike] = field(default_factory=list)
    #: What the run raised.
    error: BaseException | None = None
    #: Whether that is not how the recorded run ended.
    is_new_error: bool = False
    #: Where the frames, or the results, are not what was recorded.
    differences: list[Difference] = field(default_factory=list)
    #: Whether the recording was given the frames and results of this run, so that the differences are gone.
    updated: bool = False
    #: What else makes this replay a failure: requests that match nothing which was recorded, and what reached for the network.
    problems: list[str] = field(default_factory=list)
    #: Recorded requests that were never made.
    unplayed: list[str] = field(default_factory=list)
    #: What must be known of it, although it makes no failure.
    notes: list[str] = field(default_factory=list)
    #: Why this is no call to a model, for an interaction that is none.
    not_a_call: str | None = None
    #: Why the harness can't judge a call: it can't be read, or made again. Nothing is said of who recorded it.
    unjudged: str | None = None
    #: The recorded HTTP status, for an interaction.
    status: int | None = None

    @property
    def ended(self) -> Literal["exhausted", "failed", "closed"]:
        """How reading the run ended."""
        return "exhausted" if self.error is None else "failed"

    @property
    def is_recorded_error(self) -> bool:
        """Whether the run failed with the very HTTP error that was recorded, as it should."""
        return isinstance(self.error, ProviderStatusError) and self.error.status == self.status


def note_tape(tape: Tape, replayed: Replayed, *, in_part: bool = False) -> None:
    """Note requests that matched nothing, whatever became of their errors, and recorded ones that were never made.

    Of a run that was made again `in_part`, the latter are of no account.
    """
    replayed.problems.extend(str(miss) for miss in tape.misses)
    if in_part:
        return
    # By identity: equal requests may have been recorded more than once.
    numbers = {id(interaction): number for number, interaction in enumerate(tape.interactions, start=1)}
    for interaction in tape.unplayed:
        replayed.unplayed.append(
            f"recorded request {numbers[id(interaction)]} ({interaction.request.method} {host_of(interaction.request.url)}) was never made"
        )
