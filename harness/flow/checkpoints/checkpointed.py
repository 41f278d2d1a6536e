"""What a flow class has to begin flows at checkpoints."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Self

from harness.errors import UsageError
from harness.flow.checkpoints.config import CheckpointConfig
from harness.flow.checkpoints.provider import checked_branch


class CheckpointedFlow:
    """The part of `Flow` that is about checkpoints."""

    #: Whether and where its runs write checkpoints; True is the default config, with one after each method.
    checkpoint: CheckpointConfig | bool | None = None
    #: What the next run begins from, and the branch to which it writes.
    _begins_from: tuple[CheckpointConfig, str | None] | None = None

    if TYPE_CHECKING:

        @classmethod
        def _declared(cls, contents: Any) -> type[Self]: ...

    @classmethod
    def from_checkpoint(cls, config: CheckpointConfig, definition: Any = None, **options: Any) -> Self:
        """Return a flow whose next run begins at the checkpoint that `config.restore_from` names.

        `definition` is what a declared flow was made from.

        Raises:
            UsageError: it names none.
        """
        return (cls if definition is None else cls._declared(definition))._beginning(config, None, options)

    @classmethod
    def fork(cls, config: CheckpointConfig, branch: str | None = None, **options: Any) -> Self:
        """Return a flow whose next run begins at that checkpoint and writes its own to a branch, by default a new one.

        Raises:
            UsageError: the config names no checkpoint, or the branch might lead out of the location.
        """
        return cls._beginning(config, checked_branch(branch or f"fork-{uuid.uuid4().hex[:8]}"), options)

    @classmethod
    def _beginning(cls, config: CheckpointConfig, branch: str | None, options: dict[str, Any]) -> Self:
        if config.restore_from is None:
            raise UsageError(f"{cls.__name__} begins at a checkpoint: give a CheckpointConfig with restore_from")
        flow = cls(**options)
        flow._begins_from = (config, branch)
        return flow
