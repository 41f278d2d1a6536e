"""Who takes part in a run because of what its kickoff asks for, and of what its flow is told to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.flow.checkpoints.checkpointed import config_of
from harness.flow.engine.hooks import FlowHook
from harness.flow.kickoff import Kickoff
from harness.flow.persistence.final import FinalState
from harness.flow.persistence.persist import persistence_of, saving_of
from harness.flow.persistence.restore import StateRestore

if TYPE_CHECKING:
    from harness.flow.checkpoints.config import CheckpointConfig


def checkpoint_config(flow: Any, kickoff: Kickoff) -> CheckpointConfig | None:
    """Return the config of the checkpoints of a run.

    Raises:
        UsageError: an option can't be used, or not with another.
    """
    own = config_of(flow.checkpoint, f"checkpoint of {type(flow).__name__}")
    config = config_of(kickoff.from_checkpoint, "from_checkpoint")
    config = own if kickoff.from_checkpoint is None else config
    if kickoff.resume:
        if config is None:
            raise UsageError("resume goes on from a checkpoint: give the flow checkpoint=True or a CheckpointConfig")
        if config.restore_from is not None and kickoff.branch is None:
            raise UsageError("resume and restore_from can't be combined: each says where the run begins")
    return config


def participants(flow: Any, kickoff: Kickoff) -> tuple[FlowHook, ...]:
    """Return the hooks of one run, made for it."""
    config = checkpoint_config(flow, kickoff)
    # What keeps checkpoints is loaded by runs that have some.
    hooks = _state_restore(flow, kickoff) if config is None else _checkpoint_hooks(flow, kickoff, config)
    return (*_final_state(flow), *hooks)


def _checkpoint_hooks(flow: Any, kickoff: Kickoff, config: CheckpointConfig) -> tuple[FlowHook, ...]:
    from harness.flow.checkpoints.restore import CheckpointRestore, Resume
    from harness.flow.checkpoints.writer import CheckpointWriter, Lineage

    lineage = Lineage() if kickoff.branch is None else Lineage(kickoff.branch)
    writer = CheckpointWriter(config, lineage, must=kickoff.resume)
    # Outside of the hook before it: where it finds a run to go on with, nothing else is to be loaded.
    resume = (Resume(config, lineage),) if kickoff.resume else ()
    if config.restore_from is not None:
        return (writer, CheckpointRestore(config, lineage, kickoff.branch), *resume)
    return (writer, *_state_restore(flow, kickoff), *resume)


def _state_restore(flow: Any, kickoff: Kickoff) -> tuple[FlowHook, ...]:
    if kickoff.restore_from_state_id is not None or "id" in (kickoff.inputs or ()):
        persistence = persistence_of(flow)
        if persistence is not None:
            return (StateRestore(persistence),)
    return ()


def _final_state(flow: Any) -> tuple[FlowHook, ...]:
    if (flow.persistence is None and not flow._flow_kept_ids) or saving_of(flow) is not None:
        return ()
    # A turn saves its own, with the reply in it.
    return (FinalState(),) if flow._flow_dialogue.turn is None else ()
