"""What one kickoff asks for, as one value behind all the ways to start a run."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from harness.errors import UsageError
from harness.flow.state import AnyState, with_inputs


class Kickoff(Struct, frozen=True):
    """The options of a kickoff as they were given (clause `entry.kwargs`)."""

    inputs: dict[str, Any] | None = None
    input_files: dict[str, Any] | None = None
    from_checkpoint: Any = None
    restore_from_state_id: str | None = None
    #: Whether to go on where the last run of the flow has stopped, as its checkpoints say.
    resume: bool = False
    #: The branch to which a run that is a fork of a checkpoint writes its own.
    branch: str | None = None
    #: The state of a flow that was made at the checkpoint: the run goes on with it, unless the flow has another one by then.
    state: AnyState | None = None

    def check(self, flow_name: str, state: AnyState) -> None:
        """Refuse what can be told at the call: options that exclude each other, inputs that do not fit the state.

        Raises:
            UsageError: the message names the flow and what is wrong.
        """
        if self.from_checkpoint is not None and self.restore_from_state_id is not None:
            raise UsageError(
                "Cannot combine `from_checkpoint` and `restore_from_state_id`: each says where the run begins"
            )
        if self.resume and self.restore_from_state_id is not None:
            raise UsageError("resume and restore_from_state_id can't be combined: each says where the run begins")
        inputs: Any = self.inputs
        if inputs is not None and not (isinstance(inputs, dict) and all(isinstance(name, str) for name in inputs)):
            raise UsageError(f"the inputs of {flow_name} are a dict with names of its state's fields, not {inputs!r}")
        if inputs:
            with_inputs(state, inputs, flow_name)
