"""Writing checkpoints while a run goes on."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import os
import time
from dataclasses import dataclass, field
from typing import Any, Final, cast

from harness.bus import bus, scope as scopes
from harness.bus.scope import Scope
from harness.bus.step import Step, StepEnds
from harness.errors import RunCancelled, RunPaused
from harness.events import (
    BaseEvent,
    CheckpointCompletedEvent,
    CheckpointFailedEvent,
    CheckpointPrunedEvent,
    CheckpointStartedEvent,
)
from harness.flow.checkpoints.checkpoint import Checkpoint
from harness.flow.checkpoints.config import OF_FLOWS, CheckpointConfig
from harness.flow.checkpoints.pieces import Pieces
from harness.flow.checkpoints.provider import MAIN
from harness.flow.class_names import class_name
from harness.flow.engine.hooks import FlowHook
from harness.flow.engine.run import FlowRun
from harness.flow.plan.calls import MethodCall, MethodResult
from harness.flow.plan.story import Story
from harness.flow.state import id_of, saved_state
from harness.workers import outcome_in_thread, require_loop

logger = logging.getLogger("harness")
_WRITING: Final = StepEnds(completed=CheckpointCompletedEvent, failed=CheckpointFailedEvent)


@dataclass(slots=True)
class Lineage:
    """Where the checkpoints of one run belong."""

    branch: str = MAIN
    #: The checkpoint before the next one.
    parent_id: str | None = None
    #: The runs that this one goes on from, the first first.
    earlier: list[Story] = field(default_factory=list)


class CheckpointWriter(FlowHook):
    """Writes the checkpoints of one run.

    One for the end of a method, or of the flow, is on record before that end is published: who has seen it can rely on it.
    One for any other event is written soon after, beside the run; while one is being written, only the newest of those
    that are due is kept. What can't be written is published as failed, and the run goes on; with `must` it fails.
    """

    works_without_loop = True

    def __init__(self, config: CheckpointConfig, lineage: Lineage, *, must: bool = False) -> None:
        self._config = config
        self._lineage = lineage
        self._must = must
        self._write_lock = asyncio.Lock()
        self._beside: _Beside | None = None
        self._pieces: Pieces | None = None

    def before_flow(self, run: FlowRun) -> None:
        run.story = Story(run.name)

    async def flow_began(self, run: FlowRun) -> None:
        if any(event_type not in OF_FLOWS for event_type in self._config.on_events):
            await require_loop()
            self._beside = _Beside(self, run, self._config)
            self._beside.listen()
        await self._if_due(run, "flow_started")

    async def method_done(self, run: FlowRun, call: MethodCall, result: MethodResult) -> None:
        await self._if_due(run, "method_execution_finished")

    async def method_paused(self, run: FlowRun, call: MethodCall, pause: RunPaused) -> None:
        await self._if_due(run, "method_execution_paused")

    async def flow_ended(self, run: FlowRun, result: Any, error: BaseException | None) -> None:
        if self._beside is not None:
            await self._beside.finish()
        if error is not None:
            await self._if_due(run, "flow_failed")
        else:
            await self._if_due(run, "flow_finished" if run.pause is None else "flow_paused")

    async def _if_due(self, run: FlowRun, trigger: str) -> None:
        if self._config.writes_at(trigger) or (self._must and trigger.startswith("method_")):
            await self.write(run, trigger)

    async def write(self, run: FlowRun, trigger: str) -> None:
        """Write a checkpoint of the run as it is now, and publish how that went."""
        config, lineage = self._config, self._lineage
        async with self._write_lock:
            checkpoint_id = os.urandom(6).hex()
            named = {
                "location": config.location,
                "provider": config.provider.name,
                "trigger": trigger,
                "branch": lineage.branch,
                "checkpoint_id": checkpoint_id,
                "parent_id": lineage.parent_id,
            }
            began = time.perf_counter()
            step = None
            if bus.is_seen(scopes.current_scope()):
                step = Step(run.flow, bus.event_or_unseen(CheckpointStartedEvent, named), _WRITING)
            error: Exception | None = None
            async with contextlib.nullcontext() if step is None else step:
                try:
                    checkpoint = self._taken(run, checkpoint_id, trigger)
                    writing = await outcome_in_thread(
                        lambda: config.provider.write(config.location, checkpoint), run.threads
                    )
                    where = writing.unwrap()
                    lineage.parent_id = checkpoint_id
                    if step is not None:
                        step.complete(location=where, duration_ms=round((time.perf_counter() - began) * 1_000, 3))
                except Exception as raised:
                    if self._must:
                        raise
                    error = raised
                    if step is not None:
                        step.fail(raised)
            if error is not None:
                logger.warning("%s: a checkpoint could not be written: %s", run.name, error)
            elif config.max_checkpoints is not None:
                await self._prune(run, config.max_checkpoints)

    async def _prune(self, run: FlowRun, keep: int) -> None:
        config, branch = self._config, self._lineage.branch
        pruning = await outcome_in_thread(lambda: config.provider.prune(config.location, branch, keep), run.threads)
        if isinstance(pruning.error, Exception):
            logger.warning("%s: old checkpoints could not be removed: %s", run.name, pruning.error)
            return
        removed = pruning.unwrap()
        if removed:
            await bus.room()
            event = CheckpointPrunedEvent(
                location=config.location, provider=config.provider.name, branch=branch, removed=removed
            )
            bus.emit(run.flow, event)

    def _taken(self, run: FlowRun, checkpoint_id: str, trigger: str) -> Checkpoint:
        if self._pieces is None:
            # Not before: which runs this one goes on from is known once it has been restored.
            self._pieces = Pieces(self._lineage.earlier)
        state = run.state
        return Checkpoint(
            checkpoint_id=checkpoint_id,
            parent_id=self._lineage.parent_id,
            branch=self._lineage.branch,
            trigger=trigger,
            flow_class=class_name(type(run.flow)),
            flow_id=id_of(state),
            state=saved_state(state),
            plan=self._pieces.plan(run),
            runs=cast("list[Story]", self._pieces.runs(run)),
        )


class _Beside:
    """Has checkpoints written at events that are published anywhere in a run."""

    sees_all = True
    keeps_order = False

    def __init__(self, writer: CheckpointWriter, run: FlowRun, config: CheckpointConfig) -> None:
        self._writer = writer
        self._run = run
        self._config = config
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._due: str | None = None
        self._task: asyncio.Task[None] | None = None

    def listen(self) -> None:
        """Take part in every event of the flow's scope, which is the current one, and of those that open in it."""
        scope = scopes.current_scope()
        scope.sinks = (*scope.sinks, self)

    def accept(self, source: Any, event: BaseEvent, scope: Scope) -> None:
        """Note that a checkpoint is due. It can't be written here, where the event has not been let through."""
        kind = event.type
        own = source is self._run.flow and kind in OF_FLOWS
        if own or kind.startswith("checkpoint_") or not self._config.writes_at(kind):
            return
        self._due = kind
        with contextlib.suppress(RuntimeError):  # the run's loop is over
            self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        if self._task is None and self._due is not None:
            self._task = self._loop.create_task(self._work(), context=self._context)

    async def _work(self) -> None:
        try:
            while self._due is not None:
                trigger, self._due = self._due, None
                await self._writer.write(self._run, trigger)
        except RunCancelled:
            return
        finally:
            self._task = None

    async def finish(self) -> None:
        """Wait for what is being written, and write what is still due."""
        self._begin()
        if self._task is not None:
            await self._task
