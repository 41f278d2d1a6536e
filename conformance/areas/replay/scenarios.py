"""A run recorded from the provider, and made again from its tape alone."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from conformance.areas.observations import MadeAgain
from conformance.stage.programs import Ask, CallProgram, FlowProgram, Method, Program, Script, Text
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import Performance, Subject
from conformance.timeline.evidence import Ended, Evidence
from harness.recording import compare_frames, network_guard, open_tape

_OUTLINE = Ask(Script((Text("One"), Text(", two"))))
_EXPAND = Ask(Script((Text("Three"),)))
_REFUSED = Ask(Script((Text("Nobody reads this"),), status=429))
_STRANGER = Ask(Script((Text("Nobody recorded this"),)))
#: Two methods at once, and one that waits for both: what may interleave, and what may not.
_SIDE_BY_SIDE = FlowProgram(
    (
        Method("left", (_OUTLINE,)),
        Method("right", (_EXPAND,)),
        Method("joined", (_OUTLINE,), after=("left", "right"), joins="all"),
    )
)


def _observe(program: Program) -> Any:
    def observe(subject: Subject, performance: Performance) -> Evidence:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "cassette.yaml"
            with open_tape(path, "all"):
                recorded, first_error = _read(subject.session(program, performance))
            asked = len(performance.provider.log.requests)
            with network_guard(), open_tape(path, "none") as tape:
                replayed, error = _read(subject.session(program, performance))
                left = len(tape.unplayed)
            with network_guard(), open_tape(path, "none") as tape:
                _, miss = _read(subject.session(CallProgram(_STRANGER), performance))
                observation = MadeAgain(
                    differences=tuple(map(str, compare_frames(recorded, replayed))),
                    raised_first=first_error,
                    raised=error,
                    requests_recorded=asked,
                    requests_sent=len(performance.provider.log.requests) - asked,
                    left_unplayed=left,
                    miss=miss,
                    misses=len(tape.misses),
                    unplayed_then=len(tape.unplayed),
                    unreadable=_unreadable(path),
                )
        ended: Ended = "exhausted" if error is None else "failed"
        return Evidence(frames=tuple(replayed), ended=ended, observations=(observation,))

    return observe


def _read(session: Any) -> tuple[list[Any], BaseException | None]:
    frames: list[Any] = []
    try:
        for frame in session:
            frames.append(frame)
    except BaseException as error:
        return frames, error
    return frames, None


def _unreadable(path: Path) -> BaseException | None:
    path.write_text("version: 1\ninteractions:\n- request: {", encoding="utf-8")
    try:
        with open_tape(path, "none"):
            return None
    except Exception as error:
        return error


_CLAUSES = frozenset({"replay.equal", "replay.offline", "replay.complete"})

SCENARIOS: tuple[Scenario, ...] = (
    Scenario("replay/call", _CLAUSES, _observe(CallProgram(_OUTLINE)), frozenset({"llm"})),
    Scenario("replay/refused", _CLAUSES, _observe(CallProgram(_REFUSED)), frozenset({"llm"})),
    Scenario("replay/side-by-side", _CLAUSES, _observe(_SIDE_BY_SIDE), frozenset({"flow", "llm"})),
)
