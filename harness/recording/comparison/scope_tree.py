"""Frames as a tree of scopes, each with what of it must be equal: no ids, numbers and times."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson
from msgspec import Struct, field

from harness.recording.comparison.normal import VOLATILE

#: Links that the tree itself expresses.
_LINKS: Final = frozenset({"started_event_id"})
#: Ids as a normaliser numbers them, in the order of the run: they name, but their numbers mean nothing here.
_NUMBERED: Final = re.compile(r"(f|call-|flow-|request-|checkpoint-|task-|agent-|source-|state-)\d+")
#: The fields under which an event's id stands. In any other text `f3` is a square of a chessboard.
_OF_EVENTS: Final = ("event_id", "event_ids")
#: A time of the run, as recordings hold it.
RUN_TIME: Final = re.compile(r"(?:1970-01-01|1969-12-31)T\d\d:\d\d:\d\d\.\d{6}Z")
#: What tells sibling frames of one type apart for a reader.
_LABELS: Final = ("flow_name", "method_name", "tool_name", "task_name", "agent_role", "role", "model")


class ScopeNode(Struct):
    """A frame with all that happened in the scope it opened, if it opened one."""

    frame: dict[str, Any]
    #: The numbered ids of the whole timeline.
    ids: frozenset[str]
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
    ids = frozenset(_numbered_ids(frames))
    root = ScopeNode({"type": "", "data": {}, "channel": "", "namespace": []}, ids)
    nodes: dict[str, ScopeNode] = {}
    for frame in frames:
        closes = frame["data"].get("started_event_id")
        opened = nodes.get(closes) if isinstance(closes, str) else None
        if opened is not None and opened.closing is None:
            opened.closing = frame
            continue
        # Before it is a node itself: what says that it is in itself is in nothing.
        around = nodes.get(frame["parent_id"] or "", root)
        node = nodes[frame["id"]] = ScopeNode(frame, ids)
        around.children.append(node)
    _measure(root, {frame["id"]: frame for frame in frames})
    return root


def _numbered_ids(frames: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield the ids that the normaliser has numbered: of frames, and what stands where a run names its parts."""
    for frame in frames:
        yield frame["id"]
        payload = frame["data"]
        state = payload.get("state")
        for value in (*map(payload.get, VOLATILE), state.get("id") if isinstance(state, dict) else None):
            if isinstance(value, str) and _NUMBERED.fullmatch(value):
                yield value


def _measure(node: ScopeNode, frames: dict[str, dict[str, Any]]) -> None:
    for child in node.children:
        _measure(child, frames)
    ends = [frame["seq"] for frame in (node.frame, node.closing) if frame and "seq" in frame]
    node.first = min(ends, default=0)
    node.last = max([*ends, *(child.last for child in node.children)], default=0)
    own = [content(frame, frames, node.ids) for frame in (node.frame, node.closing) if frame is not None]
    # Sorted: what may stand in another order must not make another digest; what must not is found by _moved.
    inner = sorted(child.digest for child in node.children)
    node.digest = orjson.dumps([own, [digest.hex() for digest in inner]]) if not inner else _hash(own, inner)


def _hash(own: list[Any], inner: list[bytes]) -> bytes:
    digest = hashlib.blake2b(orjson.dumps(own), digest_size=16)
    for part in inner:
        digest.update(hashlib.blake2b(part, digest_size=16).digest())
    return digest.digest()


def content(frame: dict[str, Any], frames: dict[str, dict[str, Any]], ids: frozenset[str]) -> dict[str, Any]:
    """Return what of a frame must be equal: all but ids, numbers, times and the links that the tree expresses.

    `ids` are the numbered ones of its timeline: a text of another that only looks like one is none.
    """
    payload = {}
    for key, value in frame["data"].items():
        if key in _LINKS:
            continue
        if key == "triggered_by_event_id" and isinstance(value, str) and value in frames:
            payload[key] = ScopeNode(frames[value], ids).label
        else:
            payload[key] = masked(value, ids, key)
    return {
        "type": frame["type"],
        "channel": frame["channel"],
        "namespace": [masked(name, ids) for name in frame["namespace"]],
        "data": payload,
    }


def masked(value: Any, ids: frozenset[str] | None = None, key: str = "") -> Any:
    """Return a JSON value, which stands under `key`, in which numbered ids and times of the run are all the same.

    Without `ids`, the numbered ones of its timeline, whatever looks like one is taken for one.
    """
    if isinstance(value, str):
        if (found := _NUMBERED.fullmatch(value)) and (ids is None or _is_id(value, found[1], ids, key)):
            return found[1]
        return "<time>" if RUN_TIME.fullmatch(value) else value
    if isinstance(value, dict):
        return {name: masked(item, ids, name) for name, item in value.items()}
    if isinstance(value, list):
        return [masked(item, ids, key) for item in value]
    return value


def _is_id(value: str, word: str, ids: frozenset[str], key: str) -> bool:
    return value in ids and (word != "f" or key.endswith(_OF_EVENTS))
