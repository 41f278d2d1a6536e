"""Saboteurs of the clauses `channel.*`: rows of the table that say another channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from conformance.proof.saboteur import Saboteurs

SABOTEURS: Final = Saboteurs()

_TABLE: Final = "harness.frames.channels:CHANNEL_OF"
Table = Mapping[str, str]


def _row(event_type: str, channel: str) -> Callable[[Table], Table]:
    return lambda table: {**table, event_type: channel}


class _ByName(dict[str, str]):
    """Routes what the table does not know by how its name begins, or by a part of that."""

    def get(self, event_type: str, default: Any = None) -> Any:
        first = "failed" if "failed" in event_type else event_type.partition("_")[0]
        channels = {"failed": "lifecycle", "flow": "flow", "llm": "llm", "conversation": "messages"}
        return super().get(event_type, channels.get(first, default))


SABOTEURS.add(
    "a-seventh-channel",
    "channel.closed-set",
    _TABLE,
    _row("crew_kickoff_completed", "crew"),
    {
        "channel.lifecycle": "the type has left its own channel",
        "envelope.data-json": "a frame on a channel that its model refuses can't be loaded",
    },
)
SABOTEURS.add("chunks-on-lifecycle", "channel.llm", _TABLE, _row("llm_stream_chunk", "lifecycle"))
SABOTEURS.add("methods-on-lifecycle", "channel.flow", _TABLE, _row("method_execution_started", "lifecycle"))
SABOTEURS.add("tools-on-lifecycle", "channel.tools", _TABLE, _row("tool_usage_started", "lifecycle"))
SABOTEURS.add("messages-on-flow", "channel.messages", _TABLE, _row("conversation_message_added", "flow"))
SABOTEURS.add("crews-on-custom", "channel.lifecycle", _TABLE, _row("crew_kickoff_started", "custom"))
SABOTEURS.add(
    "unknown-types-by-name",
    "channel.custom channel.by-table",
    _TABLE,
    _ByName,
    at="flow/unknown-event/* vocabulary/every-channel/*",
)
SABOTEURS.add(
    "derived-types-as-their-base",
    "channel.custom",
    _TABLE,
    _row("own_drawing", "flow"),
    at="flow/unknown-event/*",
)
SABOTEURS.add(
    "rare-tools-on-custom", "channel.tools", _TABLE, _row("tool_selection_error", "custom"), at="vocabulary/rare/sync"
)
SABOTEURS.add(
    "failed-restores-on-custom",
    "channel.lifecycle",
    _TABLE,
    _row("checkpoint_restore_failed", "custom"),
    at="vocabulary/rare/sync",
)
