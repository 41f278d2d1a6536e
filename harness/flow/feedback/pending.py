"""What a run that waits for a human is kept as, and what it ends with."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from harness.errors import RunPaused, UsageError
from harness.flow.feedback.result import HumanFeedbackResult, now
from harness.flow.value_codec import decode_value, encode_value


@dataclass(slots=True)
class PendingFeedbackContext:
    """What a human is asked, and all that it takes to go on once there is an answer."""

    #: The id of the flow's state, by which the run is found again.
    flow_id: str
    #: `module.Class` of the flow.
    flow_class: str
    method_name: str
    method_output: Any
    message: str
    #: The outcomes that the answer may come to; None where it is taken as it is.
    emit: list[str] | None = None
    default_outcome: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    #: What chooses the outcome, as `provider/model`.
    llm: dict[str, Any] | str | None = None
    requested_at: datetime = field(default_factory=now)
    #: What the frames of asking and of the answer have in common.
    request_id: str | None = None
    #: Which call of the plan waits; None is whichever of the method does.
    call_id: int | None = None
    #: The branch to which the run writes its checkpoints, where it is a fork.
    branch: str | None = None
    #: The plan of the run, saved when nothing of it ran any more; without one, nothing but this method is known to have run.
    plan: dict[str, Any] | None = None
    #: What the methods of the run had returned, in the process in which it paused; elsewhere what the plan has kept of that.
    values: list[Any] | None = field(default=None, repr=False, compare=False)
    #: The answers that the run has had before.
    history: list[HumanFeedbackResult] = field(default_factory=list)
    #: How many who are asked about the method have answered already; what they said is in its output.
    answered: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON. Values that JSON can't hold take the forms of `harness.flow.value_codec`."""
        fields = {name.name: getattr(self, name.name) for name in dataclasses.fields(self) if name.name != "values"}
        return {name: encode_value(value) for name, value in fields.items()} | {
            "requested_at": self.requested_at.isoformat()
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return what `to_dict` was called on. Keys that are unknown, as of a later version, are left out.

        Raises:
            UsageError: a field is missing, or the time can't be read.
        """
        known = {name.name for name in dataclasses.fields(cls)}
        fields = {name: decode_value(value) for name, value in data.items() if name in known}
        try:
            requested_at = fields.get("requested_at")
            if isinstance(requested_at, str):
                moment = datetime.fromisoformat(requested_at)
                fields["requested_at"] = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
            return cls(**fields)
        except (TypeError, ValueError) as error:
            raise UsageError(f"what was kept of a flow that waits for a human can't be read: {error}") from error


class HumanFeedbackPending(RunPaused):
    """Raised by a feedback provider whose answer comes later, and what the run then ends with.

    The run is kept under `context.flow_id`; `Flow.from_pending` takes it up again, in any process.
    """

    context: PendingFeedbackContext
    #: Whatever the provider wants the caller to know, as where the answer is expected.
    callback_info: dict[str, Any]

    def __init__(
        self,
        context: PendingFeedbackContext,
        callback_info: dict[str, Any] | None = None,
        message: str | None = None,
    ) -> None:
        super().__init__(context.message, emit=context.emit)
        self.context = context
        self.callback_info = callback_info or {}
        #: Which hook keeps the run.
        self.keeper: object = None
        self._text = message

    def __str__(self) -> str:
        waits = f"flow {self.context.flow_id!r} waits for feedback on its method {self.context.method_name!r}"
        return self._text or waits
