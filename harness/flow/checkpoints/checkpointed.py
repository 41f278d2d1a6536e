"""What a flow class has to begin flows at checkpoints, and what its option `checkpoint` means.

Configs, and what keeps checkpoints, are loaded by the first flow that has some.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from harness.errors import UsageError
from harness.flow.state import AnyState, with_saved

if TYPE_CHECKING:
    from harness.flow.checkpoints.config import CheckpointConfig

#: What `checkpoint=True` means to a flow: it is made of methods, and has no tasks of its own.
DEFAULT: Final[tuple[Literal["task_completed"], Literal["method_execution_finished"]]] = (
    "task_completed",
    "method_execution_finished",
)


class CheckpointedFlow:
    """The part of `Flow` that is about checkpoints."""

    #: Whether and where its runs write checkpoints; True is the default config, with one after each method.
    checkpoint: CheckpointConfig | bool | None = None
    #: What the next run begins from, the branch to which it writes, and the state of the checkpoint; None where a run has
    #: had that since.
    _flow_begins_from: tuple[CheckpointConfig, str | None, AnyState | None] | None = None
    #: Of a fork, until another run has begun: what it began from, None for its own option, and the branch where it goes on.
    _flow_fork: tuple[CheckpointConfig | None, str | None] = (None, None)

    if TYPE_CHECKING:
        _state: AnyState

        @classmethod
        def _flow_declared(cls, contents: Any) -> type[Self]: ...
        @property
        def _flow_name(self) -> str: ...

    @classmethod
    def from_checkpoint(cls, config: CheckpointConfig, definition: Any = None, **options: Any) -> Self:
        """Return a flow with the state of the checkpoint that `config.restore_from` names, at which its next run begins.

        `definition` is what a declared flow was made from.

        Raises:
            UsageError: it names none, or the state does not fit.
            CheckpointError: it can't be read.
        """
        return cls._flow_class(definition)._flow_beginning(config, None, options)

    @classmethod
    def fork(cls, config: CheckpointConfig, branch: str | None = None, definition: Any = None, **options: Any) -> Self:
        """Do as `from_checkpoint`, for a flow whose next run writes its own to a branch, by default a new one.

        A kickoff with `resume` goes on with the last run on that branch, and begins at the checkpoint where there is none.

        `definition` is what a declared flow was made from.

        Raises:
            UsageError: the config names no checkpoint, the state does not fit, or the branch might lead out of the location.
            CheckpointError: it can't be read.
        """
        from harness.flow.checkpoints.provider import checked_branch

        branch = checked_branch(branch or f"fork-{uuid.uuid4().hex[:8]}")
        return cls._flow_class(definition)._flow_beginning(config, branch, options)

    @classmethod
    def _flow_class(cls, definition: Any) -> type[Self]:
        return cls if definition is None else cls._flow_declared(definition)

    @classmethod
    def _flow_beginning(cls, config: CheckpointConfig, branch: str | None, options: dict[str, Any]) -> Self:
        if (given := config_of(config, f"what {cls.__name__} begins at")) is None or given.restore_from is None:
            raise UsageError(f"{cls.__name__} begins at a checkpoint: give a CheckpointConfig with restore_from")
        flow = cls(**options)
        checkpoint = given.provider.read(given.restore_from)
        flow._state = with_saved(flow._state, checkpoint.state, flow._flow_name)
        flow._flow_begins_from = (given, branch, flow._state)
        if branch is not None:
            flow._flow_fork = (given, branch)
        return flow


def config_of(option: Any, where: str) -> CheckpointConfig | None:
    """Return the config that an option means: True is the default one, None and False none.

    Raises:
        UsageError: it is something else.
    """
    if option is None or option is False:
        return None
    from harness.flow.checkpoints.config import CheckpointConfig

    if option is True:
        return CheckpointConfig(on_events=list(DEFAULT))
    if isinstance(option, CheckpointConfig):
        return option
    raise UsageError(f"{where} is a CheckpointConfig, True or False, not {option!r}")
