"""States of flows in a SQLite file, each saved one a row of its own."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from pydantic import BaseModel

from harness.flow.database import BUSY_S, Database
from harness.flow.feedback.pending import PendingFeedbackContext
from harness.flow.persistence.place import default_path
from harness.flow.persistence.protocol import FlowPersistence, StatePersistenceError
from harness.flow.state import SavedState, saved_state
from harness.flow.value_codec import decode_value

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS flow_states (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    flow_uuid TEXT NOT NULL,
    method_name TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    state_json TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_flow_states_uuid ON flow_states(flow_uuid);
CREATE TABLE IF NOT EXISTS pending_feedback (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    flow_uuid TEXT NOT NULL UNIQUE,
    context_json TEXT NOT NULL,
    state_json TEXT NOT NULL,
    created_at TEXT NOT NULL
);
"""
_SAVE: Final = "INSERT INTO flow_states (flow_uuid, method_name, timestamp, state_json) VALUES (?, ?, ?, ?)"
_LOAD: Final = "SELECT state_json FROM flow_states WHERE flow_uuid = ? ORDER BY id DESC LIMIT 1"
_WAIT: Final = (
    "INSERT OR REPLACE INTO pending_feedback (flow_uuid, context_json, state_json, created_at) VALUES (?, ?, ?, ?)"
)
_WAITING: Final = "SELECT state_json, context_json FROM pending_feedback WHERE flow_uuid = ?"


class SQLiteFlowPersistence(FlowPersistence):
    """Keeps states in one file that threads and processes may share.

    Every save is a row: those before it stay, as the history of the state. What has been saved survives the process, however
    it ends. `busy_s` is how long a save waits for other processes before it fails.
    """

    def __init__(self, db_path: str | os.PathLike[str] | None = None, *, busy_s: float = BUSY_S) -> None:
        """Name the file; by default `flow_states.db` in the project's folder of the user, see `HARNESS_STORAGE_DIR`."""
        self.db_path = default_path() if db_path is None else os.fspath(db_path)
        self._database = Database(self.db_path, _SCHEMA, StatePersistenceError, busy_s=busy_s)

    def init_db(self) -> None:
        """Make the file and its tables where they are not there yet."""
        self._database.open()

    def save_state(self, flow_uuid: str, method_name: str, state_data: dict[str, Any] | BaseModel) -> None:
        """Save a state; it is on record when this returns. Raises StatePersistenceError."""
        self._database.write((_SAVE, (flow_uuid, method_name, _now(), _json(state_data))))

    def load_state(self, flow_uuid: str) -> dict[str, Any] | None:
        """Return the state saved last under this id, or None. Raises StatePersistenceError."""
        rows = self._database.rows(_LOAD, (flow_uuid,))
        return self._read(rows[0][0], flow_uuid) if rows else None

    def save_pending_feedback(self, flow_uuid: str, context: Any, state_data: dict[str, Any] | BaseModel) -> None:
        """Save a flow that waits, and its state, both or neither. Raises StatePersistenceError."""
        state, moment = _json(state_data), _now()
        waits = orjson.dumps(context.to_dict()).decode()
        self._database.write(
            (_SAVE, (flow_uuid, context.method_name, moment, state)), (_WAIT, (flow_uuid, waits, state, moment))
        )

    def load_pending_feedback(self, flow_uuid: str) -> tuple[dict[str, Any], PendingFeedbackContext] | None:
        """Return the state and the context of a flow that waits, or None. Raises StatePersistenceError."""
        rows = self._database.rows(_WAITING, (flow_uuid,))
        if not rows:
            return None
        state, context = (self._read(text, flow_uuid) for text in rows[0])
        return state, PendingFeedbackContext.from_dict(context)

    def clear_pending_feedback(self, flow_uuid: str) -> None:
        """Forget that this flow waits. Raises StatePersistenceError."""
        if self._database.is_there:
            self._database.write(("DELETE FROM pending_feedback WHERE flow_uuid = ?", (flow_uuid,)))

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._database.close()

    def _read(self, text: str, flow_uuid: str) -> dict[str, Any]:
        try:
            read = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise StatePersistenceError(
                f"{self.db_path}: what is kept for {flow_uuid!r} is no JSON: {error}"
            ) from error
        if not isinstance(read, dict):
            raise StatePersistenceError(f"{self.db_path}: what is kept for {flow_uuid!r} is no JSON object")
        # What it was given, forms of values included, which are not this one's to look into.
        return {key: decode_value(value) for key, value in read.items()}


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _json(state_data: dict[str, Any] | BaseModel) -> str:
    if isinstance(state_data, SavedState):
        text = orjson.dumps(state_data)
        # Nothing in it looks like a form.
        if b'"$' not in text:
            return text.decode()
    return orjson.dumps(saved_state(state_data)).decode()
