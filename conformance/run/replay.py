"""`harness replay`: recordings give the evidence, the contract judges it, and here each becomes one result."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Generator, Iterable, Iterator, Mapping
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final, Literal

from msgspec import Struct, field, structs

from conformance.run.judge import judge
from conformance.run.scheduler import in_order, scheduled
from conformance.run.workers.certificates import late_certificates
from conformance.run.workers.replay_processes import side_by_side
from conformance.stage.reader import read_result
from conformance.timeline.check import Violation
from conformance.timeline.evidence import Evidence
from harness.errors import HarnessError, UnreadableRecordingError, UsageError, error_text
from harness.recording import (
    Replayed,
    Settings,
    Trust,
    counted,
    extended,
    line_in_user_code,
    link_problem,
    pack_of,
    recordings_below,
    replay_cassette,
    replay_recording,
    sdk_of,
)

FORMAT: Final = "harness.replay/1"
#: What of a result is for people alone: for the terminal, and for the viewer.
_FOR_PEOPLE: Final = frozenset({"consequences", "traceback", "frame_lines"})
ReplayStatus = Literal["passed", "failed", "error", "not-a-call"]
#: After so many results, of which the second keeps count, their garbage is collected, so that memory stays flat.
_COLLECTED_EVERY: Final = 250
_made: Final = count(1)


class ReplayResult(Struct, frozen=True):
    """What became of one recording, or of one interaction of a plain cassette."""

    path: str
    kind: Literal["recording", "cassette"]
    interaction: int | None
    provider: str | None
    streamed: bool | None
    #: `passed`, `failed`, `error` (the harness could not judge), `not-a-call`.
    status: ReplayStatus
    #: How many frames the run gave.
    frames: int = 0
    text: str = ""
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    #: Summed over the calls of the run; None where the wire told none.
    usage: dict[str, int] | None = None
    #: Of the last call.
    finish_reason: str | None = None
    violations: list[Violation] = field(default_factory=list)
    #: Where frames or results are not what was recorded.
    diff: list[str] = field(default_factory=list)
    #: Why it did not pass, or what must be known of one that did.
    message: str | None = None
    #: So many of `diff`, the last ones, follow from those before.
    consequences: int = 0
    #: Where the error of the run arose, in full; where it is not as recorded.
    traceback: str | None = None
    #: The frames of a run that fell short, as `harness.viewer.kept_lines` has them.
    frame_lines: bytes = b""


def found(paths: Iterable[Path]) -> list[Path]:
    """Return what there is to replay at `paths`, in a stable order. Raises UnreadableRecordingError: a path is none."""
    return list(dict.fromkeys(found for path in paths for found in recordings_below(path)))


def replay(
    path: Path,
    *,
    speed: float | None = None,
    update: bool = False,
    trust: Trust | None = None,
    whole: bool = False,
    settings: Settings | None = None,
    turn: int | None = None,
) -> list[ReplayResult]:
    """Replay one recording, or every interaction of one plain cassette; what can't be judged is an `error` result.

    With `turn`, that turn of a recorded conversation alone; whatever else lies at `path` is then an `error`. With
    `whole`, differences are told with all of each value. `settings` are for the comparison of requests, beside the
    project's.
    """
    results: list[ReplayResult] = []
    # What is played is never encrypted, and each client would read all certificates.
    with extended(settings), late_certificates():
        try:
            if path.is_symlink():
                raise UnreadableRecordingError(f"'{path}' {link_problem(path)}")
            if turn is not None and _kind(path) == "cassette":
                raise UsageError(f"'{path}' is no recording of a conversation, of which one turn could be replayed")
            runs = (
                [replay_recording(path, speed=speed, update=update, trust=trust, turn=turn)]
                if _kind(path) == "recording"
                else replay_cassette(path, speed=speed)
            )
            results.extend(_result(run, whole=whole) for run in runs)
        except HarnessError as error:
            results.append(_unjudged(path, str(error)))
        except Exception as error:
            # One file is not to be the end of the others, whatever we have overlooked in it.
            ours = f"stream-harness failed on it, which is a fault of its own: {type(error).__name__}: {error}"
            results.append(_unjudged(path, ours))
    # Replays leave cycles behind, which Python collects only once a quarter more than all modules of SDKs has gathered.
    if [number for _, number in zip(results, _made, strict=False) if number % _COLLECTED_EVERY == 0]:
        # What is older stays: most of it is modules. Twice, since what LLMs let go of, their clients, is in cycles too.
        gc.collect(0)
        gc.collect(1)
    return results


def _unjudged(path: Path, message: str) -> ReplayResult:
    return ReplayResult(str(path), _kind(path), None, None, None, "error", message=message)


def replay_all(
    subjects: list[Path],
    *,
    speed: float | None = None,
    update: bool = False,
    workers: int = 1,
    trust: Trust | None = None,
    whole: bool = False,
    settings: Settings | None = None,
    scheduler: str | None = None,
    turn: int | None = None,
) -> Generator[list[ReplayResult]]:
    """Replay every subject, in order, in as many processes as there are workers, or by those of a Dask scheduler.

    Interrupted, or thrown a KeyboardInterrupt, it gives what a scheduler's workers have made out of order, and raises it.
    """
    replay_path = partial(replay, speed=speed, update=update, trust=trust, whole=whole, settings=settings, turn=turn)
    if scheduler is not None:
        yield from in_order(scheduled(replay_path, subjects, scheduler, _lost))
        return
    if workers == 1 or len(subjects) < 2:
        yield from map(replay_path, subjects)
        return
    yield from side_by_side(replay_path, subjects, [sdk_of(path) for path in subjects], workers, _lost)


def _lost(path: Path, exit_code: int | None) -> list[ReplayResult]:
    message = f"the process that replayed it ended with exit code {exit_code}, and what it found is lost"
    return [_unjudged(path, message)]


def _kind(path: Path) -> Literal["recording", "cassette"]:
    if pack_of(path) is None:
        return "recording" if path.is_dir() else "cassette"
    # In a pack, a cassette is told by its name, as it was found.
    return "cassette" if path.name.endswith(_CASSETTES) and path != pack_of(path) else "recording"


#: How the names of plain cassettes end.
_CASSETTES: Final = (".yaml", ".yml", ".json", ".har", ".gz")


def summary(results: Iterable[ReplayResult], seconds: float) -> dict[str, float]:
    """Return the counts over `results`; `seconds` is the wall time."""
    every = list(results)
    statuses = [result.status for result in every]
    return {
        "files": len({result.path for result in every}),
        "interactions": sum(result.interaction is not None for result in every),
        "passed": statuses.count("passed"),
        "failed": statuses.count("failed"),
        "errors": statuses.count("error"),
        "not_a_call": statuses.count("not-a-call"),
        "seconds": round(seconds, 3),
    }


def exit_code(results: Iterable[ReplayResult]) -> int:
    """Return 2 where anything was unreadable or nothing was checked, else 1 where anything failed, else 0."""
    statuses = {result.status for result in results}
    if "error" in statuses or not statuses & {"passed", "failed"}:
        return 2
    return 1 if "failed" in statuses else 0


def report(results: Iterable[ReplayResult], seconds: float) -> dict[str, Any]:
    every = list(results)
    return {"format": FORMAT, "summary": summary(every, seconds), "results": list(map(_document, every))}


def _document(result: ReplayResult) -> dict[str, Any]:
    fields = structs.asdict(result) | {"violations": list(map(structs.asdict, result.violations))}
    return {name: value for name, value in fields.items() if name not in _FOR_PEOPLE}


def _result(run: Replayed, *, whole: bool = False) -> ReplayResult:
    common = (str(run.path), run.kind, run.interaction, run.provider, run.streamed)
    if run.not_a_call is not None:
        return ReplayResult(*common, "not-a-call", message=run.not_a_call)
    if run.unjudged is not None:
        return ReplayResult(*common, "error", message=run.unjudged)
    violations = [violation for session in _sessions(run) for violation in session]
    message = _message(run, violations)
    frame_lines = b""
    if message is not None and run.frames:
        # What the viewer is made of is loaded for a run that somebody is to look at.
        from harness.viewer import kept_lines

        frame_lines = kept_lines(run.frames)
    # Stable: what is no consequence stays in the order of the run.
    differences = sorted(run.differences, key=lambda difference: difference.is_consequence)
    completed = [frame.data for frame in run.frames if frame.type == "llm_call_completed"]
    return ReplayResult(
        *common,
        "failed" if message is not None else "passed",
        frames=len(run.frames),
        text=_text(run, completed),
        tool_calls=[
            call for payload in completed if payload["call_type"] == "tool_call" for call in payload["response"]
        ],
        usage=_usage(completed),
        finish_reason=completed[-1]["finish_reason"] if completed else None,
        violations=violations,
        diff=[str(difference.lengthened() if whole else difference) for difference in differences],
        message=message or "; ".join(run.notes) or None,
        consequences=sum(difference.is_consequence for difference in differences),
        traceback="".join(traceback.format_exception(run.error)) if run.error and run.is_new_error else None,
        frame_lines=frame_lines,
    )


def _sessions(run: Replayed) -> Iterator[tuple[Violation, ...]]:
    for session in run.sessions:
        frames: Any = session.frames
        if not frames:
            continue
        last = session is run.sessions[-1]
        ended = run.ended if last else "exhausted"
        closed = bool(getattr(session, "is_cancelled", False))
        when = "after-close" if closed else "after-exhaustion" if ended == "exhausted" else "after-failure"
        again = list(session.events) if when == "after-exhaustion" and hasattr(session, "events") else None
        evidence = Evidence(frames, "closed" if closed else ended, replayed=again, reads=(read_result(session, when),))
        yield judge(evidence).violations


def _message(run: Replayed, violations: list[Violation]) -> str | None:
    # What went wrong first comes first; what was then not done is its consequence.
    reasons = list(run.problems)
    if run.is_new_error and run.error is not None and not run.updated:
        line = line_in_user_code(run.error)
        where = f", at {line}" if line else ""
        failed = f"the run failed: {type(run.error).__name__}: {error_text(run.error)}{where}"
        reasons = [failed, *(problem for problem in reasons if problem not in str(run.error))]
    if run.unplayed and run.is_new_error:
        were = "was" if len(run.unplayed) == 1 else "were"
        reasons.append(f"{counted(len(run.unplayed), 'recorded request')} {were} not made any more")
    elif run.unplayed:
        reasons += [*run.unplayed, "the run has changed; record it again with --mode all if that is right"]
    if not run.problems and run.kind == "cassette":
        if run.error is not None and not run.is_recorded_error:
            reasons.append(f"the call failed with {type(run.error).__name__}: {run.error}")
        elif run.error is None and (run.status or 0) >= 400:
            reasons.append(f"the recorded HTTP error {run.status} did not come back as an error")
        elif not run.frames:
            reasons.append("the call gave no frames: there is nothing to check")
    if run.differences and not run.updated:
        advice = "" if reasons or violations else "; replay it with --update if that is right"
        reasons.append(f"the run is not what was recorded, in {counted(len(run.differences), 'place')}{advice}")
    if violations:
        first = violations[0]
        count = len(violations)
        reasons.append(
            f"{count} contract {'violations' if count > 1 else 'violation'}: {first.clause} at frame {first.seq}: {first.message}"
        )
    return "; ".join(reasons) or None


def _text(run: Replayed, completed: list[Mapping[str, Any]]) -> str:
    chunks = [
        frame.data["chunk"]
        for frame in run.frames
        if frame.type == "llm_stream_chunk" and frame.data["call_type"] == "llm_call"
    ]
    if any(frame.type == "llm_stream_chunk" for frame in run.frames):
        return "".join(chunks)
    return "".join(
        payload["response"] if payload["call_type"] == "llm_call" else payload.get("text") or ""
        for payload in completed
    )


def _usage(completed: list[Mapping[str, Any]]) -> dict[str, int] | None:
    counts = [payload["usage"] for payload in completed if payload["usage"]]
    names = dict.fromkeys(name for usage in counts for name in usage)
    return {name: sum(usage.get(name, 0) for usage in counts) for name in names} or None
