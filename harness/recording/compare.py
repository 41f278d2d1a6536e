"""Comparing two timelines: equal scope trees, whatever ran side by side in whichever order.

Each frame belongs to the scope that it was emitted in; a closing frame belongs to the scope that it closes. Within a
scope the order of frames holds. Two scopes, or a frame and a scope, may stand in another order as long as neither
timeline has the one wholly before the other and the other one the reverse (clause `replay.equal`).
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any, Final, Literal

import orjson

from harness.recording.json_diff import contrast, differences
from harness.recording.normal import FrameLike, Normalizer

#: Links that the tree itself expresses.
_LINKS: Final = frozenset({"started_event_id"})
#: Ids as a normaliser numbers them, in the order of the run: they name, but their numbers mean nothing here.
_NUMBERED: Final = re.compile(r"(f|call-|flow-|request-|checkpoint-|task-|agent-|source-|state-)\d+")
_TIME: Final = re.compile(r"(?:1970-01-01|1969-12-31)T\d\d:\d\d:\d\d\.\d{6}Z")
#: The same as a JSON string that is no key.
_LINE_TIME: Final = re.compile(rb'(?<!\\)"' + _TIME.pattern.encode() + rb'"(?!:)')
#: What tells sibling frames of one type apart for a reader.
_LABELS: Final = ("flow_name", "method_name", "tool_name", "task_name", "agent_role", "role", "model")


@dataclass(frozen=True)
class Difference:
    """One place where two timelines differ."""

    kind: Literal["changed", "missing", "added", "moved"]
    #: The scopes around, outermost first, and the frame, as in `flow PlanFlow / method outline / llm_stream_chunk`.
    where: str
    #: The frames' numbers in the first and the second timeline.
    seqs: tuple[int | None, int | None]
    message: str

    def __str__(self) -> str:
        first, second = (f"#{seq}" if seq else "–" for seq in self.seqs)
        return f"{self.kind} {first} → {second}  {self.where}: {self.message}"


def compare_frames(recorded: Iterable[FrameLike], replayed: Iterable[FrameLike]) -> list[Difference]:
    """Return all differences between two timelines, in the order of the first; none where their scope trees are equal."""
    return compare_stored(_stored(recorded), _stored(replayed))


class LineComparison:
    """Holds the lines of a run against recorded ones while they come, and keeps none that is as recorded."""

    def __init__(self, recorded: Sequence[bytes]) -> None:
        self._recorded = recorded
        #: So many lines from the first on are as recorded, times aside.
        self._equal = 0
        #: The lines from there on.
        self._others: list[bytes] = []

    def add(self, lines: bytes) -> None:
        """Take the next lines of the run, each with its newline; or none."""
        for line in lines.split(b"\n")[:-1]:
            self._take(line)

    def goes_on_with(self, lines: Sequence[bytes]) -> bool:
        """Whether these lines, each with its newline, are what is recorded next, times aside."""
        recorded = self._recorded[self._equal : self._equal + len(lines)]
        return (
            not self._others
            and len(recorded) == len(lines)
            and all(_same_line(mine, line[:-1]) for mine, line in zip(recorded, lines, strict=True))
        )

    def _take(self, line: bytes) -> None:
        at = self._equal
        if not self._others and at < len(self._recorded) and _same_line(self._recorded[at], line):
            self._equal += 1
        else:
            self._others.append(line)

    @property
    def lines(self) -> list[bytes]:
        """The lines of the run, without newlines; those that are as recorded have the recorded times."""
        return [*self._recorded[: self._equal], *self._others]

    def differences(self) -> list[Difference]:
        """Return what differs, when all lines have come."""
        if not self._others and self._equal == len(self._recorded):
            return []
        return compare_stored(list(map(orjson.loads, self._recorded)), list(map(orjson.loads, self.lines)))


def compare_lines(recorded: Sequence[bytes], replayed: Iterable[bytes]) -> list[Difference]:
    """Return the differences between the lines of two frames files; the usual case, equality, takes one pass."""
    comparison = LineComparison(recorded)
    for line in replayed:
        comparison._take(line)
    return comparison.differences()


def compare_stored(recorded: Sequence[dict[str, Any]], replayed: Sequence[dict[str, Any]]) -> list[Difference]:
    """Return the differences between two timelines of normalised frames."""
    return list(_compare(_tree(recorded), _tree(replayed), ()))


def compare_values(recorded: Any, replayed: Any, where: str) -> list[Difference]:
    """Return the places where two JSON values differ, volatile ids and times aside."""
    return [
        Difference("changed", where, (None, None), f"{path or 'it'}: {contrast(mine, theirs, 'now')}")
        for path, mine, theirs in differences(_masked(recorded), _masked(replayed), "")
    ]


def _stored(frames: Iterable[FrameLike]) -> list[dict[str, Any]]:
    normalizer = Normalizer()
    return [normalizer.frame(frame) for frame in frames]


def _same_line(one: bytes, other: bytes) -> bool:
    return one == other or _untimed(one) == _untimed(other)


def _untimed(line: bytes) -> bytes:
    """Return a canonical line without the times of its run: its frame's own, and those that stand for themselves in it."""
    return _LINE_TIME.sub(b'""', line)


@dataclass
class _Node:
    """A frame with all that happened in the scope it opened, if it opened one."""

    frame: dict[str, Any]
    children: list[_Node] = field(default_factory=list)
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


def _tree(frames: Sequence[dict[str, Any]]) -> _Node:
    root = _Node({"type": "", "data": {}, "channel": "", "namespace": []})
    nodes: dict[str, _Node] = {}
    for frame in frames:
        opened = nodes.get(frame["data"].get("started_event_id") or "")
        if opened is not None and opened.closing is None:
            opened.closing = frame
            continue
        node = nodes[frame["id"]] = _Node(frame)
        nodes.get(frame["parent_id"] or "", root).children.append(node)
    _measure(root, {frame["id"]: frame for frame in frames})
    return root


def _measure(node: _Node, frames: dict[str, dict[str, Any]]) -> None:
    for child in node.children:
        _measure(child, frames)
    ends = [frame["seq"] for frame in (node.frame, node.closing) if frame and "seq" in frame]
    node.first = min(ends, default=0)
    node.last = max([*ends, *(child.last for child in node.children)], default=0)
    own = [_content(frame, frames) for frame in (node.frame, node.closing) if frame is not None]
    # Sorted: what may stand in another order must not make another digest; what must not is found by _moved.
    inner = sorted(child.digest for child in node.children)
    node.digest = orjson.dumps([own, [digest.hex() for digest in inner]]) if not inner else _hash(own, inner)


def _hash(own: list[Any], inner: list[bytes]) -> bytes:
    digest = hashlib.blake2b(orjson.dumps(own), digest_size=16)
    for part in inner:
        digest.update(hashlib.blake2b(part, digest_size=16).digest())
    return digest.digest()


def _content(frame: dict[str, Any], frames: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what of a frame must be equal: all but ids, numbers, times and the links that the tree expresses."""
    payload = {}
    for key, value in frame["data"].items():
        if key in _LINKS:
            continue
        if key == "triggered_by_event_id" and value in frames:
            payload[key] = _Node(frames[value]).label
        else:
            payload[key] = _masked(value)
    return {
        "type": frame["type"],
        "channel": frame["channel"],
        "namespace": [_masked(name) for name in frame["namespace"]],
        "data": payload,
    }


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        if _NUMBERED.fullmatch(value):
            return value.rstrip("0123456789")
        return "<time>" if _TIME.fullmatch(value) else value
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return value


def _compare(one: _Node, other: _Node, around: tuple[str, ...]) -> Iterator[Difference]:
    if one.frame["type"]:
        around = (*around, one.label)
        yield from _changed(one.frame, other.frame, around)
        yield from _closings(one, other, around)
    pairs, left, right = _matched(one.children, other.children)
    yield from _moved(pairs, around)
    for mine, theirs in pairs:
        if mine.children and mine.digest == theirs.digest:
            yield from _compare(mine, theirs, around)
    for mine_or_none, theirs_or_none in _aligned(left, right):
        if mine_or_none is not None and theirs_or_none is not None:
            yield from _compare(mine_or_none, theirs_or_none, around)
        elif mine_or_none is not None:
            yield _lone("missing", mine_or_none, around)
        elif theirs_or_none is not None:
            yield _lone("added", theirs_or_none, around)


def _changed(one: dict[str, Any], other: dict[str, Any], around: tuple[str, ...]) -> Iterator[Difference]:
    found = list(differences(_content(one, {}), _content(other, {}), ""))
    if found:
        message = "; ".join(f"{path}: {contrast(mine, theirs, 'now')}" for path, mine, theirs in found[:3])
        more = f"; and {len(found) - 3} more places" if len(found) > 3 else ""
        yield Difference("changed", " / ".join(around), (one["seq"], other["seq"]), message + more)


def _closings(one: _Node, other: _Node, around: tuple[str, ...]) -> Iterator[Difference]:
    mine, theirs = one.closing, other.closing
    if mine is not None and theirs is not None:
        yield from _changed(mine, theirs, (*around, mine["type"]))
    elif mine is not None:
        yield Difference("missing", " / ".join(around), (mine["seq"], None), f"{mine['type']} did not come")
    elif theirs is not None:
        yield Difference("added", " / ".join(around), (None, theirs["seq"]), f"{theirs['type']} was not there before")


def _matched(ones: list[_Node], others: list[_Node]) -> tuple[list[tuple[_Node, _Node]], list[_Node], list[_Node]]:
    """Pair nodes of equal content, the first with the first; return the pairs and what is left on either side."""
    waiting: defaultdict[bytes, deque[_Node]] = defaultdict(deque)
    for node in others:
        waiting[node.digest].append(node)
    pairs, left = [], []
    for node in ones:
        if waiting[node.digest]:
            pairs.append((node, waiting[node.digest].popleft()))
        else:
            left.append(node)
    remaining = {id(node) for queue in waiting.values() for node in queue}
    return pairs, left, [node for node in others if id(node) in remaining]


def _moved(pairs: list[tuple[_Node, _Node]], around: tuple[str, ...]) -> Iterator[Difference]:
    """Report each pair that stands wholly after a sibling in one timeline, and wholly before it in the other."""
    by_end = sorted(pairs, key=lambda pair: pair[0].last)
    latest: tuple[_Node, _Node] | None = None
    ended = 0
    for mine, theirs in sorted(pairs, key=lambda pair: pair[0].first):
        while ended < len(by_end) and by_end[ended][0].last < mine.first:
            if latest is None or by_end[ended][1].first > latest[1].first:
                latest = by_end[ended]
            ended += 1
        if latest is not None and theirs.last < latest[1].first:
            where = " / ".join((*around, mine.label))
            seqs = (mine.frame["seq"], theirs.frame["seq"])
            yield Difference(
                "moved", where, seqs, f"came after {latest[0].label} (#{latest[0].first}), and now before it"
            )


def _aligned(ones: list[_Node], others: list[_Node]) -> Iterator[tuple[_Node | None, _Node | None]]:
    """Pair what has no equal by its label, in order; what has no partner comes alone."""
    matcher = SequenceMatcher(None, [node.label for node in ones], [node.label for node in others], autojunk=False)
    for kind, low, high, other_low, other_high in matcher.get_opcodes():
        if kind == "equal":
            yield from zip(ones[low:high], others[other_low:other_high], strict=True)
        else:
            yield from ((node, None) for node in ones[low:high])
            yield from ((None, node) for node in others[other_low:other_high])


def _lone(kind: Literal["missing", "added"], node: _Node, around: tuple[str, ...]) -> Difference:
    seq = node.frame["seq"]
    inside = f" with {node.last - node.first} frames in it" if node.last > node.first else ""
    message = f"did not come{inside}" if kind == "missing" else f"was not there before{inside}"
    return Difference(
        kind, " / ".join((*around, node.label)), (seq, None) if kind == "missing" else (None, seq), message
    )
