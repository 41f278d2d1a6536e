"""What a place in which the states of flows are kept has to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from pydantic import BaseModel

from harness.errors import error_text
from harness.fields import take_fields
from harness.flow.storage import StorageError


class StatePersistenceError(StorageError):
    """The state of a flow could not be saved or loaded."""


class StateWithoutIdError(StatePersistenceError, ValueError):
    """The state of a flow has no id any more, under which it could be saved."""


class StorageFailures(AbstractContextManager[None, None]):
    """A with-block of which what a place raises, one of somebody's own as well, says what was being done.

    No generator: from one, a StopIteration comes out as it is.

    Raises:
        StatePersistenceError: it failed.
    """

    def __init__(self, doing: str = "State persistence") -> None:
        self._doing = doing

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            raise StatePersistenceError(f"{self._doing} failed: {error_text(error)}") from error


class FlowPersistence(ABC):
    """A place in which the states of flows are kept; subclass it for one of your own.

    Its methods are called by keyword, from threads, several at a time for runs side by side; they may block. What is
    saved last for an id is what is loaded for it. What the subclass annotates are fields, which its constructor takes by
    name.
    """

    def __init__(self, *others: Any, **fields: Any) -> None:
        """Make a place with the fields of its class; what are none go to the class after this one.

        Raises:
            UsageError: a value does not fit its annotation.
        """
        if isinstance(self, BaseModel):
            # Which sees to its fields, and to what comes after.
            super().__init__(*others, **fields)
            return
        super().__init__(*others, **take_fields(self, FlowPersistence, fields))
        self.model_post_init(None)

    def model_post_init(self, context: Any, /) -> None:  # noqa: B027 - most have nothing to do then
        """Called once a place has been made by this constructor, with nothing: for a subclass to override."""

    @abstractmethod
    def init_db(self) -> None:
        """Prepare the place. May be called more than once."""

    @abstractmethod
    def save_state(self, flow_uuid: str, method_name: str, state_data: dict[str, Any] | BaseModel) -> None:
        """Save a state under its id. `method_name` is the method that has just returned.

        The runtime gives a dict of JSON that nobody else holds.
        """

    @abstractmethod
    def load_state(self, flow_uuid: str) -> dict[str, Any] | None:
        """Return the state that was saved last under this id; None where none was."""

    # A place that keeps no waiting flows can still keep states.

    def save_pending_feedback(self, flow_uuid: str, context: Any, state_data: dict[str, Any] | BaseModel) -> None:
        """Save a flow that waits for a human: its state, and what it waits with, a `PendingFeedbackContext`."""
        raise StatePersistenceError(f"{type(self).__name__} does not keep flows that wait for a human")

    def load_pending_feedback(self, flow_uuid: str) -> tuple[dict[str, Any], Any] | None:
        """Return the state and the context of a flow that waits; None where none does under this id."""
        return None

    def clear_pending_feedback(self, flow_uuid: str) -> None:  # noqa: B027 - where none is kept, there is nothing to forget
        """Forget that this flow waits."""
