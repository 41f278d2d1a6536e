"""Saboteurs of the clause `flow.checkpoint`, and of restore options that get lost on their way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from conformance.proof.saboteur import Saboteur

_STEP: Final = "harness.flow.checkpoints.restore:Step"


def _from_the_start(put_into: Callable[..., Any]) -> Callable[..., Any]:
    def broken(run: Any, checkpoint: Any) -> list[Any]:
        return []

    return broken


def _quietly(step: Any) -> Any:
    return lambda source, started, ends: step(source, started, ends, quiet=True)


def _begun_twice(step: Any) -> Any:
    def broken(source: Any, started: Any, ends: Any) -> Any:
        step(source, type(started)(location=started.location), ends).open()
        return step(source, started, ends)

    return broken


def _elsewhere(step: Any) -> Any:
    return lambda source, started, ends: step(source, type(started)(location="elsewhere"), ends)


def _plainly(kickoff: Callable[..., Any]) -> Callable[..., Any]:
    def broken(flow: Any, inputs: Any = None, **options: Any) -> Any:
        if options.get("from_checkpoint") is not None:
            flow.stream = False
        return kickoff(flow, inputs, **options)

    return broken


def _awaited_plainly(kickoff_async: Callable[..., Any]) -> Callable[..., Any]:
    async def broken(flow: Any, inputs: Any = None, **options: Any) -> Any:
        if options.get("from_checkpoint") is not None:
            flow.stream = False
        return await kickoff_async(flow, inputs, **options)

    return broken


def _unread(run: Callable[..., Any]) -> Callable[..., Any]:
    async def broken(flow: Any, kickoff: Any, *args: Any) -> Any:
        if kickoff.from_checkpoint is not None:
            return flow._session(kickoff)
        return await run(flow, kickoff, *args)

    return broken


def _forgotten(before_flow: Callable[..., Any]) -> Callable[..., Any]:
    return lambda hook, run: None


SABOTEURS: tuple[Saboteur, ...] = (
    Saboteur("all-run-again", ("flow.checkpoint",), "harness.flow.checkpoints.restore:put_into", _from_the_start),
    Saboteur("restored-quietly", ("flow.checkpoint",), _STEP, _quietly),
    Saboteur(
        "restore-left-open",
        ("flow.checkpoint",),
        _STEP,
        _begun_twice,
        {"order.scope-nesting": "the restore that was begun first is never closed"},
    ),
    Saboteur("restored-plainly", ("flow.checkpoint",), "harness.flow.flow:Flow.kickoff", _plainly),
    Saboteur(
        "restored-plainly-in-a-loop", ("flow.checkpoint",), "harness.flow.flow:Flow.kickoff_async", _awaited_plainly
    ),
    Saboteur("restored-and-unread", ("flow.checkpoint",), "harness.flow.flow:Flow._run", _unread),
    Saboteur("restored-from-elsewhere", ("entry.kwargs",), _STEP, _elsewhere),
    Saboteur(
        "state-forgotten", ("entry.kwargs",), "harness.flow.persistence.restore:StateRestore.before_flow", _forgotten
    ),
)
