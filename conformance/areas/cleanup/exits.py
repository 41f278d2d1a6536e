"""The interpreter's exit while a run is blocked."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

from conformance.stage.points import StageError
from conformance.stage.reader import KINDS, SessionKind
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import Performance, Subject, address_of
from conformance.timeline.evidence import Evidence, beside_frames
from conformance.timeline.expected import Expected

#: How long an interpreter may take to start and to block, and, once blocked, to exit, in seconds.
_START_S: Final = 20.0
_EXIT_S: Final = 5.0


def _exit(kind: SessionKind, place: str) -> Scenario:
    aspect = f"{'a sync' if kind == 'sync' else 'an async'} session blocked in its {place.replace('-', ' ')}"

    def observe(subject: Subject, performance: Performance) -> list[Evidence]:
        command = [sys.executable, "-m", "conformance.stage.exit", address_of(subject), kind, place]
        # Its import path is this one's, wherever the suite and the subject were found.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
        with subprocess.Popen(  # noqa: S603 - this very interpreter
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        ) as process:
            guard = threading.Timer(_START_S, process.kill)
            guard.start()
            assert process.stdout is not None
            # What the subject writes comes before it.
            blocked = any(line.strip() == "blocked" for line in process.stdout)
            guard.cancel()
            try:
                _, wrote = process.communicate(timeout=_EXIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                _, wrote = process.communicate()
                return [_exited(aspect, wrote, exited=False)]
        if not blocked:
            raise StageError(f"the program with {aspect} did not come to block: {wrote[-500:]}")
        return [_exited(aspect, wrote, exited=process.returncode == 0)]

    needs = frozenset({"flow"}) | ({"async"} if kind == "async" else frozenset())
    return Scenario(f"exit/{place}/{kind}", frozenset({"cleanup.close-prompt"}), observe, needs)


def _exited(aspect: str, error: str, *, exited: bool) -> Evidence:
    wrote = f", which wrote {error[-500:]!r}" if error else ""
    looked_at = f"whether the interpreter exited, with {aspect}{wrote}"
    return beside_frames([Expected("cleanup.close-prompt", looked_at, True, exited)])


SCENARIOS: tuple[Scenario, ...] = tuple(
    _exit(kind, place) for kind in KINDS for place in ("sync-method", "async-method")
)
