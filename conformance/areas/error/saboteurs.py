"""Saboteurs of the clauses `error.*`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from conformance.proof.saboteur import Saboteur

_FAILED: Final = "harness.session.production:Production.failed"


def _failure_untold(accept: Callable[..., None]) -> Callable[..., None]:
    def broken(timeline: Any, source: Any, event: Any, scope: Any) -> None:
        if event.type != "flow_failed":
            accept(timeline, source, event, scope)

    return broken


def _exit_is_an_end(failed: Callable[[Any, BaseException], None]) -> Callable[[Any, BaseException], None]:
    def broken(production: Any, error: BaseException) -> None:
        if isinstance(error, SystemExit):
            production.timeline.returned(None)
        else:
            failed(production, error)

    return broken


def _cause_lost(failed: Callable[[Any, BaseException], None]) -> Callable[[Any, BaseException], None]:
    def broken(production: Any, error: BaseException) -> None:
        if isinstance(error, StopIteration | StopAsyncIteration):
            error = RuntimeError("the run raised what no iterator can pass on")
        failed(production, error)

    return broken


def _raised_to_the_run(report: Callable[..., None]) -> Callable[..., None]:
    """Do in place of logging what a listener raised: raise it."""

    def broken(*args: object) -> None:
        raise  # noqa: PLE0704 - called where an exception is being handled

    return broken


SABOTEURS: tuple[Saboteur, ...] = (
    Saboteur(
        "failure-untold",
        ("error.frames-first",),
        "harness.frames.timeline:Timeline.accept",
        _failure_untold,
        {
            "order.scope-nesting": "the flow that failed is never closed",
            "order.previous-earlier": "the end of a turn that failed names it as the one before",
        },
    ),
    Saboteur(
        "exit-is-an-end",
        ("error.base-exception",),
        _FAILED,
        _exit_is_an_end,
        {
            "result.reraises": "there is nothing to raise again",
            "result.states": "a session that should have failed is exhausted",
        },
    ),
    Saboteur("cause-lost", ("error.original",), _FAILED, _cause_lost),
    Saboteur(
        "listeners-fail-the-run",
        ("error.observer-safe",),
        "harness.bus.listeners:logger.exception",
        _raised_to_the_run,
    ),
)
