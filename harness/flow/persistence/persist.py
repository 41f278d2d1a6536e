"""`@persist`: the state is saved after each method of a flow, or after one."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from harness.flow.engine.hooks import FlowHook, own_hooks, with_hook
from harness.flow.engine.run import FlowRun
from harness.flow.graph.decorators import refuse_bare
from harness.flow.options import check_persistence
from harness.flow.persistence.default import default_flow_persistence
from harness.flow.persistence.protocol import (
    FlowPersistence,
    StatePersistenceError,
    StateWithoutIdError,
    StorageFailures,
)
from harness.flow.plan.calls import MethodCall, MethodResult
from harness.flow.state import AnyState, id_of, saved_state
from harness.workers import outcome_in_thread

D = TypeVar("D", bound=Callable[..., Any])
logger = logging.getLogger("harness")


def persist(persistence: FlowPersistence | None = None, verbose: bool = False) -> Callable[[D], D]:
    """Return a decorator: the state is saved after each method of the flow class, or after each call of the method.

    It is saved before the method's end is published, under the state's id. `kickoff(inputs={"id": …})` goes on from it.
    Where nothing is given, states go to the SQLite file of `default_flow_persistence()`; a `persistence` given to the
    flow's constructor comes before both. `verbose` says so on the terminal and in the log.

    Raises:
        UsageError: `persistence` keeps no states; it may be what was to be decorated, where parentheses are missing.
    """
    if not hasattr(persistence, "save_state"):
        refuse_bare(persist, persistence)
    check_persistence("persistence of @persist", persistence)
    return with_hook(Persist(persistence, verbose=verbose))


class Persist(FlowHook):
    """Saves the state of a flow after its methods."""

    works_without_loop = True

    def __init__(self, persistence: FlowPersistence | None, *, verbose: bool) -> None:
        #: Where it saves; None is the default place.
        self.own = persistence
        self.verbose = verbose

    def persistence(self) -> FlowPersistence:
        """Return where it saves, but for what a flow's constructor was given."""
        return default_flow_persistence() if self.own is None else self.own

    async def method_done(self, run: FlowRun, call: MethodCall, result: MethodResult) -> None:
        # What a method itself says comes before what its class says, and that before what the class above it says.
        levels = (call.method.role.hooks, *map(own_hooks, type(run.flow).__mro__), run.flow._flow_hooks)
        if self not in next(hooks for hooks in levels if any(isinstance(hook, Persist) for hook in hooks)):
            return
        own: FlowPersistence | None = run.flow.persistence
        if self.verbose:
            line = f"Saving flow state to memory for ID: {_id(run.state)}"
            logger.info(line)
            sys.stdout.write(f"{line}\n")
        await save(run, call.method.name, self.persistence() if own is None else own)


async def save(run: FlowRun, method_name: str, persistence: FlowPersistence) -> None:
    """Save the state of a run as it is now; the loop goes on meanwhile.

    Raises:
        StatePersistenceError: it can't be saved.
    """
    state = run.state
    flow_uuid = _id(state)
    with StorageFailures():
        data = saved_state(state)
        saving = await outcome_in_thread(
            lambda: persistence.save_state(flow_uuid=flow_uuid, method_name=method_name, state_data=data), run.threads
        )
        saving.unwrap()


async def save_ended(run: FlowRun, method_name: str) -> None:
    """Save the state with which a run ends: where its flow saves as it runs, or over one that it has kept in the middle.

    The second nobody has asked for: where it can't be saved, the log says so.

    Raises:
        StatePersistenceError: the flow saves as it runs, and this can't be saved.
    """
    saving = saving_of(run.flow)
    if saving is not None:
        await save(run, method_name, saving)
    elif id_of(run.state) in run.flow._flow_kept_ids:
        try:
            await save(run, method_name, place_of(run.flow))
        except StatePersistenceError as error:
            logger.warning("%s: what is kept of its state is older than the end of the run: %s", run.name, error)


def persistence_of(flow: Any) -> FlowPersistence | None:
    """Return where the states of a flow are kept: what it was given, else what its class or a method says; None: nowhere."""
    own: FlowPersistence | None = flow.persistence
    return own if own is not None else next((hook.persistence() for hook in _persists(flow)), None)


def place_of(flow: Any) -> FlowPersistence:
    """Return the persistence in which runs of a flow that wait are kept: its own, or else the default one."""
    place = persistence_of(flow)
    return default_flow_persistence() if place is None else place


def saving_of(flow: Any) -> FlowPersistence | None:
    """Return where a flow saves its state as it runs; None for one that nothing has it save."""
    return persistence_of(flow) if any(_persists(flow)) else None


def _persists(flow: Any) -> Iterator[Persist]:
    return (hook for hook in (*flow._flow_hooks, *flow._flow_graph.hooks) if isinstance(hook, Persist))


def _id(state: AnyState) -> str:
    try:
        return id_of(state)
    except (KeyError, AttributeError):
        raise StateWithoutIdError("Flow state must have an 'id' field for persistence") from None
