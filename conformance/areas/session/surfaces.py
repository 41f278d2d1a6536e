"""What a session offers before anybody reads it, and what it refuses."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from conformance.areas.observations import ChannelsAsked, LazyStart, Surface, Used
from conformance.areas.session.settings import SETTINGS, VIEWS, Setting, names_of, rows
from conformance.stage.consumer import Consumer, attempt
from conformance.stage.points import DEADLINE_S, StageError
from conformance.stage.reading import read_result
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import Performance
from conformance.timeline.evidence import Evidence


def _unused(setting: Setting, consumer: Consumer, performance: Performance) -> Evidence:
    # What a runtime starts once, when the first flow or LLM is made, is not this session's.
    consumer.open(setting.program)
    threads, tasks = set(threading.enumerate()), consumer.tasks()
    session = consumer.open(setting.program)
    views = [getattr(session, name, None) for name in VIEWS]
    views.append(session.interleave(["llm", "flow"]))
    seen = LazyStart(
        reached=tuple(point for point in ("began", "held") if performance.stage.has_reached(point)),
        started_threads=tuple(sorted(thread.name for thread in set(threading.enumerate()) - threads)),
        started_tasks=consumer.tasks() - tasks,
    )
    frames = tuple(session.frames)
    consumer.close(session)
    return Evidence(frames, "closed", reads=(read_result(session, "after-close"),), observations=(seen,))


def _bad_channels(setting: Setting, consumer: Consumer, performance: Performance) -> Evidence:
    session = consumer.open(setting.program)
    asked: tuple[tuple[str, Callable[[], object]], ...] = (
        ("interleave(['tokens'])", lambda: session.interleave(["tokens"])),
        ("interleave(['llm', 'tokens'])", lambda: session.interleave(["llm", "tokens"])),
        ("interleave([])", lambda: session.interleave([])),
        ("interleave('llm')", lambda: session.interleave("llm")),
        ("subscribe(['tokens'])", lambda: session.subscribe(["tokens"])),
    )
    seen = tuple(ChannelsAsked(call, attempt(ask)) for call, ask in asked)
    consumer.close(session)
    return Evidence((), "closed", observations=seen)


def _surfaces(setting: Setting, consumer: Consumer, performance: Performance) -> Evidence:
    """Look at both kinds; use an async session outside of a loop, and close it from another thread."""
    performance.stage.release("held")
    kinds: tuple[tuple[Any, Any], ...] = (("sync", consumer.sync_twin), ("async", consumer.open))
    observations: list[Any] = []
    for kind, make in kinds:
        session = make(setting.program)
        observations.append(Surface(kind, names_of(session)))
        consumer.close(session)
    observations.append(_made_outside(setting, consumer))
    read = consumer.open(setting.program)
    taken = consumer.read(read)
    for kind, make in kinds:
        session = make(setting.program)
        raised = _in_thread(partial(_close, session))
        observations.append(_used(f"close() of a {kind} session by another thread", raised, session, cancelled=True))
    return Evidence(taken.frames, "exhausted" if taken.raised is None else "failed", observations=tuple(observations))


def _made_outside(setting: Setting, consumer: Consumer) -> Used:
    """Make an async session where no loop runs; the consumer's is then the loop of its first iteration."""
    what = "an async session made outside of a loop"
    try:
        session = consumer.open_outside(setting.program)
    except StageError as stopped:
        return Used(what, stopped.__cause__, is_completed=False, is_cancelled=False, cancelled=False)
    taken = consumer.read(session)
    return _used(what, taken.raised, session, cancelled=False)


def _close(session: Any) -> None:
    session.close()  # looked up in the thread, since it may be missing


def _used(what: str, raised: BaseException | None, session: Any, *, cancelled: bool) -> Used:
    return Used(what, raised, bool(session.is_completed), bool(session.is_cancelled), cancelled)


def _in_thread(action: Callable[[], object]) -> BaseException | None:
    raised: list[BaseException | None] = []
    thread = threading.Thread(target=lambda: raised.append(attempt(action)), name="closer", daemon=True)
    thread.start()
    thread.join(DEADLINE_S)
    return raised[0] if raised else StageError("it did not come back")


def _scenarios(setting: Setting) -> tuple[Scenario, ...]:
    surfaces = rows(setting, "both-kinds", {"session.same-surface", "session.projections"}, _surfaces)
    return (
        *rows(setting, "unused", {"session.lazy", "result.after-close"}, _unused),
        *rows(setting, "bad-channels", {"session.bad-channels"}, _bad_channels),
        *(one for one in surfaces if one.id.endswith("/async")),
    )


SCENARIOS: tuple[Scenario, ...] = tuple(one for setting in SETTINGS for one in _scenarios(setting))
