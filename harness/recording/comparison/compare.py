"""Comparing two timelines: equal scope trees, whatever ran side by side in whichever order.

Each frame belongs to the scope that it was emitted in; a closing frame belongs to the scope that it closes. Within a
scope the order of frames holds. Two scopes, or a frame and a scope, may stand in another order as long as neither
timeline has the one wholly before the other and the other one the reverse (clause `replay.equal`).
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any, Final, Literal

import orjson
from msgspec import Struct
from msgspec.structs import replace

from harness.frames.stored import FrameLike
from harness.recording.comparison.json_diff import contrast, differences
from harness.recording.comparison.normal import normalised
from harness.recording.comparison.scope_tree import RUN_TIME, ScopeNode, content, masked, scope_tree
from harness.recording.words.counts import counted

#: A time of the run as a JSON string that is no key.
_LINE_TIME: Final = re.compile(rb'(?<!\\)"' + RUN_TIME.pattern.encode() + rb'"(?!:)')
#: So many places of one frame are said; the others are counted.
_PLACES: Final = 3


class Difference(Struct, frozen=True):
    """One place where two timelines differ."""

    kind: Literal["changed", "missing", "added", "moved"]
    #: The scopes around, outermost first, and the frame, as in `flow PlanFlow / method outline / llm_stream_chunk`.
    where: str
    #: The frames' numbers in the first and the second timeline.
    seqs: tuple[int | None, int | None]
    message: str
    #: The message with each place and all of each value, where that is more.
    whole: str = ""
    #: Whether it is the end of a scope, or of the run, in which something else differs: what differs there is the cause.
    is_consequence: bool = False

    def lengthened(self) -> Difference:
        """Return this difference with all of what it says as its message."""
        return replace(self, message=self.whole, whole="") if self.whole else self

    def __str__(self) -> str:
        first, second = (f"#{seq}" if seq else "–" for seq in self.seqs)
        return f"{self.kind} {first} → {second}  {self.where}: {self.message}"


def compare_frames(recorded: Iterable[FrameLike], replayed: Iterable[FrameLike]) -> list[Difference]:
    """Return all differences between two timelines, in the order of the first; none where their scope trees are equal."""
    return compare_stored(normalised(recorded), normalised(replayed))


class LineComparison:
    """Holds the lines of a run against recorded ones while they come, and keeps none that is as recorded."""

    def __init__(self, recorded: Sequence[bytes]) -> None:
        self._recorded = recorded
        #: So many lines from the first on are as recorded, times aside.
        self._equal = 0
        #: The lines from there on.
        self._different: list[bytes] = []

    def add(self, lines: bytes) -> None:
        """Take the next lines of the run, each with its newline; or none."""
        for line in lines.split(b"\n")[:-1]:
            self._take(line)

    def continues(self, lines: Sequence[bytes]) -> bool:
        """Whether these lines, each with its newline, are what is recorded next, times aside."""
        recorded = self._recorded[self._equal : self._equal + len(lines)]
        return (
            not self._different
            and len(recorded) == len(lines)
            and all(_same_line(mine, line[:-1]) for mine, line in zip(recorded, lines, strict=True))
        )

    def _take(self, line: bytes) -> None:
        at = self._equal
        if not self._different and at < len(self._recorded) and _same_line(self._recorded[at], line):
            self._equal += 1
        else:
            self._different.append(line)

    @property
    def lines(self) -> list[bytes]:
        """The lines of the run, without newlines; those that are as recorded have the recorded times."""
        return [*self._recorded[: self._equal], *self._different]

    def differences(self) -> list[Difference]:
        """Return what differs, when all lines have come."""
        if not self._different and self._equal == len(self._recorded):
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
    return list(_compare(scope_tree(recorded), scope_tree(replayed), ()))


def compare_values(recorded: Any, replayed: Any, where: str) -> list[Difference]:
    """Return the places where two JSON values differ, volatile ids and times aside."""
    return [
        Difference("changed", where, (None, None), *_texts([(path or "it", mine, theirs)]))
        for path, mine, theirs in differences(masked(recorded), masked(replayed), "")
    ]


def _same_line(recorded: bytes, replayed: bytes) -> bool:
    return recorded == replayed or _untimed(recorded) == _untimed(replayed)


def _untimed(line: bytes) -> bytes:
    """Return a canonical line without the times of its run: its frame's own, and those that stand for themselves in it."""
    return _LINE_TIME.sub(b'""', line)


def _compare(recorded: ScopeNode, replayed: ScopeNode, around: tuple[str, ...]) -> Iterator[Difference]:
    if recorded.frame["type"]:
        around = (*around, recorded.label)
        yield from _changed(recorded, replayed, recorded.frame, replayed.frame, around)
    inside = list(_compare_inside(recorded, replayed, around))
    yield from inside
    if recorded.frame["type"]:
        # Last, as it comes last: what differs inside has had it differ.
        for closing in _closings(recorded, replayed, around):
            yield replace(closing, is_consequence=bool(inside))


def _compare_inside(recorded: ScopeNode, replayed: ScopeNode, around: tuple[str, ...]) -> Iterator[Difference]:
    pairs, left, right = _matched(recorded.children, replayed.children)
    yield from _moved(pairs, around)
    yield from _moved_past_end(pairs, recorded.closing, replayed.closing, around)
    for mine, theirs in pairs:
        if mine.children and mine.digest == theirs.digest:
            yield from _compare(mine, theirs, around)
    kind_before: str | None = None
    for mine_or_none, theirs_or_none in _aligned(left, right):
        if mine_or_none is not None and theirs_or_none is not None:
            yield from _compare(mine_or_none, theirs_or_none, around)
            kind_before = None
        elif (lone := mine_or_none or theirs_or_none) is not None:
            kind: Literal["missing", "added"] = "missing" if lone is mine_or_none else "added"
            # Where several in a row are missing, or new, the first says it.
            yield replace(_lone(kind, lone, around), is_consequence=kind == kind_before)
            kind_before = kind


def _changed(
    recorded: ScopeNode, replayed: ScopeNode, mine: dict[str, Any], theirs: dict[str, Any], around: tuple[str, ...]
) -> Iterator[Difference]:
    """Report what differs in a frame of each of two scopes."""
    found = list(differences(content(mine, {}, recorded.ids), content(theirs, {}, replayed.ids), ""))
    if found:
        yield Difference("changed", " / ".join(around), (mine["seq"], theirs["seq"]), *_texts(found))


def _texts(found: Sequence[tuple[str, Any, Any]]) -> tuple[str, str]:
    """Return what is said of places that differ: shortened, and whole."""
    message = "; ".join(f"{path}: {contrast(mine, theirs, 'now')}" for path, mine, theirs in found[:_PLACES])
    left = len(found) - _PLACES
    more = f"; and {counted(left, 'more place')}" if left > 0 else ""
    return message + more, "; ".join(
        f"{path}: {contrast(mine, theirs, 'now', whole=True)}" for path, mine, theirs in found
    )


def _closings(recorded: ScopeNode, replayed: ScopeNode, around: tuple[str, ...]) -> Iterator[Difference]:
    mine, theirs = recorded.closing, replayed.closing
    if mine is not None and theirs is not None:
        yield from _changed(recorded, replayed, mine, theirs, (*around, mine["type"]))
    elif mine is not None:
        yield Difference("missing", " / ".join(around), (mine["seq"], None), f"{mine['type']} did not come")
    elif theirs is not None:
        yield Difference("added", " / ".join(around), (None, theirs["seq"]), f"{theirs['type']} was not there before")


def _matched(
    recorded: list[ScopeNode], replayed: list[ScopeNode]
) -> tuple[list[tuple[ScopeNode, ScopeNode]], list[ScopeNode], list[ScopeNode]]:
    """Pair nodes of equal content, the first with the first; return the pairs and what is left on either side."""
    waiting: defaultdict[bytes, deque[ScopeNode]] = defaultdict(deque)
    for node in replayed:
        waiting[node.digest].append(node)
    pairs, left = [], []
    for node in recorded:
        if waiting[node.digest]:
            pairs.append((node, waiting[node.digest].popleft()))
        else:
            left.append(node)
    remaining = {id(node) for queue in waiting.values() for node in queue}
    return pairs, left, [node for node in replayed if id(node) in remaining]


def _moved(pairs: list[tuple[ScopeNode, ScopeNode]], around: tuple[str, ...]) -> Iterator[Difference]:
    """Report each pair that stands wholly after a sibling in one timeline, and wholly before it in the other."""
    by_end = sorted(pairs, key=lambda pair: pair[0].last)
    latest: tuple[ScopeNode, ScopeNode] | None = None
    ended = 0
    for mine, theirs in sorted(pairs, key=lambda pair: pair[0].first):
        while ended < len(by_end) and by_end[ended][0].last < mine.first:
            if latest is None or by_end[ended][1].first > latest[1].first:
                latest = by_end[ended]
            ended += 1
        if latest is not None and theirs.last < latest[1].first:
            yield _moved_pair(
                mine, theirs, around, f"came after {latest[0].label} (#{latest[0].first}), and now before it"
            )


def _moved_past_end(
    pairs: list[tuple[ScopeNode, ScopeNode]],
    recorded: dict[str, Any] | None,
    replayed: dict[str, Any] | None,
    around: tuple[str, ...],
) -> Iterator[Difference]:
    """Report each pair that stands wholly before the end of its scope in one timeline, and wholly after it in the other."""
    if recorded is None or replayed is None:
        return
    for mine, theirs in pairs:
        was_late, is_late = mine.first > recorded["seq"], theirs.first > replayed["seq"]
        was_early, is_early = mine.last < recorded["seq"], theirs.last < replayed["seq"]
        if (was_early and is_late) or (was_late and is_early):
            before, now = ("before", "after") if was_early else ("after", "before")
            message = f"came {before} {recorded['type']} (#{recorded['seq']}), and now {now} it"
            yield _moved_pair(mine, theirs, around, message)


def _moved_pair(mine: ScopeNode, theirs: ScopeNode, around: tuple[str, ...], message: str) -> Difference:
    seqs = (mine.frame["seq"], theirs.frame["seq"])
    return Difference("moved", " / ".join((*around, mine.label)), seqs, message)


def _aligned(
    recorded: list[ScopeNode], replayed: list[ScopeNode]
) -> Iterator[tuple[ScopeNode | None, ScopeNode | None]]:
    """Pair what has no equal by its label, in order; what has no partner comes alone."""
    matcher = SequenceMatcher(
        None, [node.label for node in recorded], [node.label for node in replayed], autojunk=False
    )
    for kind, low, high, replayed_low, replayed_high in matcher.get_opcodes():
        if kind == "equal":
            yield from zip(recorded[low:high], replayed[replayed_low:replayed_high], strict=True)
        else:
            yield from ((node, None) for node in recorded[low:high])
            yield from ((None, node) for node in replayed[replayed_low:replayed_high])


def _lone(kind: Literal["missing", "added"], node: ScopeNode, around: tuple[str, ...]) -> Difference:
    seq = node.frame["seq"]
    count = node.last - node.first
    inside = f", and {counted(count, 'frame')} inside it" if count else ""
    message = f"did not come{inside}" if kind == "missing" else f"was not there before{inside}"
    return Difference(
        kind, " / ".join((*around, node.label)), (seq, None) if kind == "missing" else (None, seq), message
    )
