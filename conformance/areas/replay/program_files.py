"""Programs that lie beside a project, or are one: written to a folder, recorded, replayed, and looked at afterwards."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from msgspec import Struct

from conformance.stage.consumer import Consumer
from conformance.stage.programs import Ask, CallProgram, Script
from conformance.stage.reader import attempt
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import Expected, Raised
from harness import recording
from harness.errors import RecordingError
from harness.recording import CASSETTE, FRAMES, Recording, Target, Trust, load_recording, replay_recording

#: It leaves a mark where it is imported, and one where it is called; it ends as the variable says.
_SOURCE: Final = """
import os, socket
from pathlib import Path
from harness import Flow, start

marks = Path(__file__).with_suffix(".marks")
marks.open("a").write("imported,")

class Planted(Flow):
    @start()
    def work(self):
        marks.open("a").write("called,")
        end = os.environ.get("PLANTED_END")
        if end == "failed":
            raise ValueError("of its own")
        if end == "interrupted":
            raise KeyboardInterrupt
        if end == "reaching":
            try:
                with socket.socket(type=socket.SOCK_DGRAM) as sending:
                    sending.sendto(b"x", ("127.0.0.1", 9))
            except BaseException:
                pass
        return "kept"
"""
_NAME: Final = "conformance_planted"
#: What the subject does meanwhile, since every scenario shows a run of it.
_CALL: Final = CallProgram(Ask(Script(("One", ", two"))))


class _Place(Struct, frozen=True):
    """A folder with a program in it, that can be imported, and that is no project."""

    root: Path

    @property
    def recording(self) -> Path:
        return self.root / "recording"

    @property
    def marks(self) -> str:
        """What the program has done so far."""
        marks = self.root / f"{_NAME}.marks"
        return marks.read_text() if marks.exists() else ""

    def write(self, target: str) -> None:
        """Write a recording that names `target`; of its frames nobody asks before its program has run."""
        about = Recording(
            target=target,
            runtime={"name": "harness", "version": "0"},
            recorded_at="2026-01-01T00:00:00Z",
            origin="authored",
        )
        self.recording.mkdir(exist_ok=True)
        (self.recording / "recording.json").write_bytes(about.dump())
        (self.recording / CASSETTE).write_text("interactions: []\nversion: 1\n")
        (self.recording / FRAMES).write_text('{"format":"harness.frames/1"}\n{}\n')

    def files(self) -> dict[str, bytes]:
        """What stands in the recording."""
        return {path.name: path.read_bytes() for path in sorted(self.recording.iterdir())}


@contextmanager
def _place() -> Iterator[_Place]:
    with TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        (root / f"{_NAME}.py").write_text(_SOURCE)
        sys.path.insert(0, str(root))
        try:
            yield _Place(root)
        finally:
            sys.path.remove(str(root))
            sys.modules.pop(_NAME, None)
            os.environ.pop("PLANTED_END", None)


def replay_untrusted(consumer: Consumer) -> Evidence:
    """Whose program a recording may have run."""
    read = consumer.read_session(_CALL)
    with _place() as place:

        def replayed(target: str, *names: str) -> BaseException | None:
            place.write(target)
            return attempt(lambda: replay_recording(place.recording, trust=Trust.here(names)))

        beside = replayed(f"{_NAME}:Planted")
        done_beside = place.marks
        foreign = replayed("os:system")
        replayed(f"{_NAME}:Planted", _NAME)
        done_by_name = place.marks
        inner = replayed(f"{_NAME}:os.system", _NAME)
    refused = Raised(RecordingError, ("was not imported",))
    clause = "replay.trusted"
    return read.evidence(
        Expected(clause, "replaying a recording whose program lies beside it", refused, beside),
        Expected(clause, "what that program has done", "", done_beside),
        Expected(clause, "replaying a recording that names a function of Python's", refused, foreign),
        Expected(clause, "what the program has done once it is trusted by name", "imported,called,", done_by_name),
        Expected(clause, "replaying what leads out of a trusted program", Raised(RecordingError), inner),
    )


def record_worse(consumer: Consumer) -> Evidence:
    """What is lost of a recording by what comes after it."""
    read = consumer.read_session(_CALL)
    clause = "replay.kept"
    expected: list[Expected] = []
    with _place() as place:

        def recorded(end: str) -> Any:
            os.environ["PLANTED_END"] = end
            return recording.record(Target(f"{_NAME}:Planted"), place.recording, mode="all")

        expected.append(Expected(clause, "whether a first recording stands", True, recorded("").written))
        before = place.files()
        for end, status in (("failed", "failed"), ("interrupted", "cancelled")):
            after = recorded(end)
            expected += [
                Expected(clause, f"what stands after a run that {end}", sorted(before), sorted(place.files())),
                Expected(clause, f"whether it is what stood before a run that {end}", True, place.files() == before),
                Expected(clause, f"how the run that {end} ended, as it is kept aside", status, _status(after.aside)),
            ]
    return read.evidence(*expected)


def _status(aside: Path | None) -> str | None:
    """Return how the run ended of which a recording is kept at `aside`; None where none is."""
    if aside is None or attempt(lambda: load_recording(aside)) is not None:
        return None
    outcome = load_recording(aside).outcome
    return None if outcome is None else outcome.status


def reach_network(consumer: Consumer) -> Evidence:
    """What is said of a run that reached for the network and was content to be stopped."""
    read = consumer.read_session(_CALL)
    with _place() as place:
        recording.record(Target(f"{_NAME}:Planted"), place.recording, mode="all")
        replay = partial(replay_recording, place.recording, trust=Trust.here((_NAME,)))
        sound = replay().problems
        os.environ["PLANTED_END"] = "reaching"
        reaching = replay()
    clause = "replay.offline"
    return read.evidence(
        Expected(clause, "what is wrong with a run that stays at home", [], sound),
        Expected(clause, "what a run raised that swallowed being stopped", None, reaching.error),
        Expected(clause, "whether that run has failed all the same", True, bool(reaching.problems)),
    )
