"""Showing what happened in earlier runs, as frames inside the scope of a restore, and telling them from those of today."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from harness.bus import bus, event_bus, scope as scopes
from harness.bus.replay import replaying
from harness.bus.step import Step
from harness.events import FlowStartedEvent, MethodExecutionFinishedEvent, MethodExecutionStartedEvent
from harness.flow.checkpoints.checkpoint import Checkpoint
from harness.flow.engine.steps import flow_ends, method_ends
from harness.flow.plan.story import PastCall, Published, Story
from harness.frames.frame import StreamFrame

_CUT_OFF: Final = "the run had come this far when it was stopped, and goes on below"


async def republish(flow: Any, checkpoint: Checkpoint, values: Sequence[Any]) -> None:
    """Publish what happened in earlier runs again: the same ids and times, in the same order.

    What had not ended by the last checkpoint is shown as failed, and so is each run, since another goes on from it.
    """
    around = scopes.current_scope()
    with replaying():
        for story in checkpoint.runs:
            if story.started is None:
                continue
            await bus.room()
            started = FlowStartedEvent(flow_name=story.flow_name, **_as(story.started))
            step = Step(flow, started, flow_ends(), label=story.flow_name).open()
            await _calls(flow, checkpoint.flow_id, story, values)
            await bus.room()
            step.abandon(_CUT_OFF)
            scopes.enter(around)


def replay_to_handlers(flow: Any, checkpoint: Checkpoint, values: Sequence[Any]) -> None:
    """Give handlers the events of the methods that had finished, as they were: they are no frames of the run that goes on.

    Meanwhile `is_replaying()` is true.
    """
    for story in checkpoint.runs:
        for call in story.calls:
            if call.ended is None or call.how != "finished":
                continue
            event_bus.replay(flow, _started(story, call))
            ended = MethodExecutionFinishedEvent(
                flow_name=story.flow_name,
                method_name=call.method,
                result=_result(call, values),
                started_event_id=call.started.event_id,
                **_as(call.ended),
            )
            event_bus.replay(flow, ended)


async def _calls(flow: Any, flow_id: str, story: Story, values: Sequence[Any]) -> None:
    around = scopes.current_scope()
    steps: dict[int, Step] = {}
    for call, ended in _in_order(story.calls):
        await bus.room()
        if ended is None:
            steps[id(call)] = Step(flow, _started(story, call), method_ends(), label=call.method).open()
            scopes.enter(around)
            continue
        step = steps.pop(id(call))
        if call.how == "paused":
            step.pause(flow_id=flow_id, method_name=call.method, **_as(ended))
        else:
            step.complete(result=_result(call, values), **_as(ended))
        step.close()
    for step in steps.values():
        await bus.room()
        step.abandon(_CUT_OFF)


def _in_order(calls: Iterable[PastCall]) -> Iterator[tuple[PastCall, Published | None]]:
    """Yield each call as it began and, with its end, as it ended: before what began after that, or because of it.

    The clock may have been set back meanwhile; in which order calls began, their own order says.
    """
    running: list[tuple[Published, PastCall]] = []
    for call in calls:
        count = 0
        for place, (ended, _) in enumerate(running, start=1):
            if ended.timestamp <= call.started.timestamp or ended.event_id == call.triggered_by:
                count = place
        yield from ((other, ended) for ended, other in running[:count])
        del running[:count]
        yield call, None
        if call.ended is not None:
            running.append((call.ended, call))
            running.sort(key=lambda row: row[0].timestamp)
    yield from ((call, ended) for ended, call in running)


def _started(story: Story, call: PastCall) -> MethodExecutionStartedEvent:
    return MethodExecutionStartedEvent(
        flow_name=story.flow_name,
        method_name=call.method,
        triggered_by_event_id=call.triggered_by,
        **_as(call.started),
    )


def _result(call: PastCall, values: Sequence[Any]) -> Any:
    return None if call.output is None else values[call.output]


def _as(published: Published) -> dict[str, Any]:
    return {"event_id": published.event_id, "timestamp": published.timestamp}


def frames_by_run(frames: Iterable[StreamFrame]) -> list[list[StreamFrame]]:
    """Return the frames of a run apart from those of the runs that it goes on from: the first run's first, its own last.

    Those of an earlier run are inside the scope of the restore with which the timeline begins, each run in a flow of its
    own there; all others, the restore itself included, are of the run that was read.
    """
    frames = list(frames)
    earlier: list[list[StreamFrame]] = []
    own: list[StreamFrame] = []
    restores = {frame.id for frame in frames[:1] if frame.type == "checkpoint_restore_started"}
    inside: set[str] = set()
    for frame in frames:
        started = frame.data.get("started_event_id")
        if frame.type == "flow_started" and frame.parent_id in restores:
            earlier.append([])
            inside.add(frame.id)
        elif frame.parent_id in inside:
            inside.add(frame.id)
        (earlier[-1] if frame.id in inside or started in inside else own).append(frame)
    return [*earlier, own]
