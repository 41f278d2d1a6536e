"""Timelines written by hand: one row per frame, scopes by name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from harness.frames.channels import CHANNEL_OF
from harness.frames.frame import StreamFrame

#: A name, a type, the name of the scope around, and the payload. A name that comes again closes what it opened.
Row = tuple[str, str, str | None, Mapping[str, Any]]
BEGAN = datetime(2026, 1, 5, 12, tzinfo=UTC)


def frames_of(*rows: Row, run: str = "x", began: datetime = BEGAN) -> list[StreamFrame]:
    """Return the frames of a run; ids and times are those of `run` and `began`, as no two runs share them."""
    frames: list[StreamFrame] = []
    ids: dict[str, str] = {}
    for seq, (name, type_, around, payload) in enumerate(rows, start=1):
        opened = {"started_event_id": ids[name]} if name in ids else {}
        id_ = f"{run}-{seq}"
        ids.setdefault(name, id_)
        frames.append(
            StreamFrame.model_validate(
                {
                    "id": id_,
                    "seq": seq,
                    "type": type_,
                    "channel": CHANNEL_OF.get(type_, "custom"),
                    "namespace": (CHANNEL_OF.get(type_, "custom"),),
                    "timestamp": began + timedelta(milliseconds=seq),
                    "parent_id": ids[around] if around else None,
                    "previous_id": frames[-1].id if frames else None,
                    "data": {**opened, **payload},
                }
            )
        )
    return frames


def flow(name: str = "Plan") -> Row:
    return ("flow", "flow_started", None, {"flow_name": name, "inputs": None})


def flow_end(result: Any = None) -> Row:
    return ("flow", "flow_finished", None, {"flow_name": "Plan", "result": result})


def method(name: str) -> Row:
    return (name, "method_execution_started", "flow", {"flow_name": "Plan", "method_name": name})


def method_end(name: str, result: Any = None) -> Row:
    return (name, "method_execution_finished", "flow", {"flow_name": "Plan", "method_name": name, "result": result})


def chunk(around: str, text: str, number: int = 1) -> Row:
    return (f"{around}.{text}.{number}", "llm_stream_chunk", around, {"chunk": text, "call_type": "llm_call"})
