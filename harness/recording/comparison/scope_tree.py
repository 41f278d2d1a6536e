"""Frames as a tree of scopes, each with what of it must be equal: no ids, numbers and times."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any, Final

import orjson
from msgspec import Struct, field

#: Links that the tree itself expresses.
_LINKS: Final = frozenset({"started_event_id"})
#: Ids as a normaliser numbers them, in the order of the run: they name, but their numbers mean nothing here.
_NUMBERED: Final = re.compile(r"(f|call-|flow-|request-|checkpoint-|task-|agent-|source-|state-)\d+")
#: A time of the run, as recordings hold it.
RUN_TIME: Final = re.compile(r"(?:1970-01-01|1969-12-31)T\d\d:\d\d:\d\d\.\d{6}Z")
#: What tells sibling frames of one type apart for a reader.
_LABELS: Final = ("flow_name", "method_name", "tool_name", "task_name", "agent_role", "role", "model")


class ScopeNode(Struct):
    """A frame with all that happened in the scope it opened, if it opened one."""

    frame: dict[str, Any]
    children: list[ScopeNode] = field(default_factory=list)
    closing: dict[str, Any] | None = None
    #: The span of seqs from the first to the last frame of the scope.
    first: int = 0
    last: int = 0
    digest: bytes = b""

    @property
    def label(self) -> str:
        payload = self.frame["data"]
        names = [payload[key] for key in _LABELS if isinstance(payload.get(key), str) and payload[key]]
        kind = self.frame["type"].removesuffix("_started") if self.children or self.closing else self.frame["type"]
        return " ".join([kind, *names[-1:]])


def scope_tree(frames: Sequence[dict[str, Any]]) -> ScopeNode:
    """Return the root of normalised frames: a node without a frame of its own, around all others."""
    root = ScopeNode({"type": "", "data": {}, "channel": "", "namespace": []})
    nodes: dict[str, ScopeNode] = {}
    for frame in frames:
        closes = frame["data"].get("started_event_id")
        opened = nodes.get(closes) if isinstance(closes, str) else None
        if opened is not None and opened.closing is None:
            opened.closing = frame
            continue
        # Before it is a node itself: what says that it is in itself is in nothing.
        around = nodes.get(frame["parent_id"] or "", root)
        node = nodes[frame["id"]] = ScopeNode(frame)
        around.children.append(node)
    _measure(root, {frame["id"]: frame for frame in frames})
    return root


def _measure(node: ScopeNode, frames: dict[str, dict[str, Any]]) -> None:
    for child in node.children:
        _measure(child, frames)
    ends = [frame["seq"] for frame in (node.frame, node.closing) if frame and "seq" in frame]
    node.first = min(ends, default=0)
    node.last = max([*ends, *(child.last for child in node.children)], default=0)
    own = [content(frame, frames) for frame in (node.frame, node.closing) if frame is not None]
    # Sorted: what may stand in another order must not make another digest; what must not is found by _moved.
    inner = sorted(child.digest for child in node.children)
    node.digest = orjson.dumps([own, [digest.hex() for digest in inner]]) if not inner else _hash(own, inner)


def _hash(own: list[Any], inner: list[bytes]) -> bytes:
    digest = hashlib.blake2b(orjson.dumps(own), digest_size=16)
    for part in inner:
        digest.update(hashlib.blake2b(part, digest_size=16).digest())
    return digest.digest()


def content(frame: dict[str, Any], frames: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what of a frame must be equal: all but ids, numbers, times and the links that the tree expresses."""
    payload = {}
    for key, value in frame["data"].items():
        if key in _LINKS:
            continue
        if key == "triggered_by_event_id" and isinstance(value, str) and value in frames:
            payload[key] = ScopeNode(frames[value]).label
        else:
            payload[key] = masked(value)
    return {
        "type": frame["type"],
        "channel": frame["channel"],
        "namespace": [masked(name) for name in frame["namespace"]],
        "data": payload,
    }


def masked(value: Any) -> Any:
    """Return a JSON value in which numbered ids and times of the run are all the same."""
    if isinstance(value, str):
        if _NUMBERED.fullmatch(value):
            return value.rstrip("0123456789")
        return "<time>" if RUN_TIME.fullmatch(value) else value
    if isinstance(value, dict):
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    return value
