"""Saboteurs of the clauses `error.*`."""

from __future__ import annotations

from typing import Any, Final

from conformance.proof.frames import ACCEPT, unshown
from conformance.proof.saboteur import Saboteur, instead

_FAILED: Final = "harness.session.production:Production.failed"


@instead
def _exit_is_an_end(failed: Any, production: Any, error: BaseException) -> None:
    if isinstance(error, SystemExit):
        production.timeline.returned(None)
    else:
        failed(production, error)


@instead
def _cause_lost(failed: Any, production: Any, error: BaseException) -> None:
    if isinstance(error, StopIteration | StopAsyncIteration):
        error = RuntimeError("the run raised what no iterator can pass on")
    failed(production, error)


@instead
def _raised_to_the_run(report: Any, *args: object) -> None:
    """Do in place of logging what a listener raised: raise it."""
    raise  # noqa: PLE0704 - called where an exception is being handled


SABOTEURS: tuple[Saboteur, ...] = (
    Saboteur(
        "failure-untold",
        ("error.frames-first",),
        ACCEPT,
        unshown("flow_failed"),
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
