"""What a run was answered by a person while it was recorded, for when it is replayed and nobody is there to ask."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import orjson

from harness.events.run_clock import clock_at
from harness.recording.files.folder import FRAMES, RECORDING, load_recording
from harness.recording.files.frames_file import read_lines
from harness.respondent import HumanQuestion, respondent

#: What the lines of such frames have in them; most lines are not worth to be read.
_TYPES = (b'"human_feedback_requested"', b'"human_feedback_received"', b'"flow_input_received"')


class RecordedAnswers:
    """Stands in for the terminal with the answers that recorded frames tell of, each once, in their order."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        """`lines` are those of a frames file."""
        self._lock = threading.Lock()
        self._left = list(_answers(lines))

    def ask(self, question: HumanQuestion, until: float | None = None) -> str:
        """Return the next answer to this question; see `Respondent.ask`.

        Raises:
            TimeoutError: nobody answered in time when it was recorded.
            EOFError: it was not asked then, or not so often.
        """
        with self._lock:
            place = next((place for place, (message, _) in enumerate(self._left) if message == question.message), None)
            if place is None:
                raise EOFError(f"the recording has no answer to {question.message!r}; record it again")
            _, answer = self._left.pop(place)
        if answer is None:
            raise TimeoutError("nobody has answered in time")
        return answer


@contextmanager
def answered_as_recorded(lines: Iterable[bytes]) -> Iterator[None]:
    """Have runs that begin in this block ask the recording what they would ask at the terminal."""
    token = respondent.set(RecordedAnswers(lines))
    try:
        yield
    finally:
        respondent.reset(token)


@contextmanager
def played_beside(cassette: Path) -> Iterator[None]:
    """Have runs be answered, and told the time, as they were in the recording that `cassette` is of, where that is known.

    Raises:
        UnreadableRecordingError: what lies beside the cassette can't be read.
    """
    folder = cassette.parent
    with ExitStack() as stack:
        if (folder / FRAMES).is_file():
            stack.enter_context(answered_as_recorded(read_lines(folder / FRAMES)))
        if (folder / RECORDING).is_file():
            stack.enter_context(clock_at(load_recording(folder).moment))
        yield


def _answers(lines: Iterable[bytes]) -> Iterator[tuple[str, str | None]]:
    """Yield each question with its answer; None where there was none."""
    questions: dict[str, str] = {}
    for line in lines:
        if not any(kind in line for kind in _TYPES):
            continue
        frame = orjson.loads(line)
        kind, data = frame["type"], frame["data"]
        if kind == "human_feedback_requested":
            questions[data["request_id"]] = data["message"]
        elif kind == "human_feedback_received" and data["request_id"] in questions:
            yield questions[data["request_id"]], data["feedback"]
        elif kind == "flow_input_received":
            yield data["message"], data["response"]
