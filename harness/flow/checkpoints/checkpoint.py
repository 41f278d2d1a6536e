"""A checkpoint as a value, and as the JSON that is kept of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec
import orjson
from msgspec import structs

from harness.flow.plan.story import Story
from harness.flow.storage import StorageError

#: The version of the form. Another one is not read.
_VERSION: Final = 1


class CheckpointError(StorageError):
    """A checkpoint can't be written, found or read."""


@dataclass(slots=True)
class Checkpoint:
    """A run as it was at one moment. Everything in it is JSON; in one that is to be written, parts are encoded already."""

    checkpoint_id: str
    #: The checkpoint before this one, of the same run or of the one that it goes on from.
    parent_id: str | None
    branch: str
    #: The type of the event for which it was written.
    trigger: str
    #: The class of the flow as `module:qualified name`, and the id of its state.
    flow_class: str
    flow_id: str
    state: dict[str, Any]
    #: A plan in its saved form, its values as `harness.flow.value_codec` has them.
    plan: Any
    #: What has happened in the runs up to here, the one that wrote this last.
    runs: list[Story] = field(default_factory=list)
    version: Literal[1] = _VERSION

    def to_json(self) -> bytes:
        """Return it as JSON, in one line."""
        return orjson.dumps(self, default=structs.asdict)

    @classmethod
    def from_json(cls, text: bytes | str, location: str) -> Checkpoint:
        """Return the checkpoint that was kept.

        Raises:
            CheckpointError: it is none, or of another version; the message says where.
        """
        try:
            return msgspec.json.decode(text, type=cls)
        # The last two: a row of SQLite may hold anything.
        except (msgspec.DecodeError, RecursionError, TypeError, UnicodeError) as error:
            raise CheckpointError(f"{location} is no checkpoint that can be read: {error}") from error
