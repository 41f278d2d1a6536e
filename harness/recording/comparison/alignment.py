"""Which frame of one timeline is which of another, as their comparison sees it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

from harness.recording.comparison.compare import _aligned, _matched, _moved, _moved_past_end
from harness.recording.comparison.scope_tree import ScopeNode, content, scope_tree


class AlignedPair(NamedTuple):
    """The places of two frames that are each other's; frames without a partner are in no pair."""

    first: int
    second: int
    kind: Literal["equal", "changed", "moved"]


def aligned_frames(first: Sequence[dict[str, Any]], second: Sequence[dict[str, Any]]) -> list[AlignedPair]:
    """Return the pairs of two timelines of normalised frames, in the order of the first (clause `replay.equal`)."""
    first_places, second_places = (
        {id(frame): place for place, frame in enumerate(frames)} for frames in (first, second)
    )
    pairs = [
        AlignedPair(first_places[id(mine)], second_places[id(theirs)], kind)
        for mine, theirs, kind in _inside(scope_tree(first), scope_tree(second))
    ]
    return sorted(pairs)


_Pair = tuple[dict[str, Any], dict[str, Any], Literal["equal", "changed", "moved"]]


def _inside(first: ScopeNode, second: ScopeNode) -> Iterator[_Pair]:
    matched, left, right = _matched(first.children, second.children)
    moved = {
        difference.seqs
        for difference in (*_moved(matched, ()), *_moved_past_end(matched, first.closing, second.closing, ()))
    }
    beside = [pair for pair in _aligned(left, right) if pair[0] is not None and pair[1] is not None]
    for mine, theirs in (*matched, *beside):
        assert mine is not None
        assert theirs is not None
        is_moved = (mine.frame["seq"], theirs.frame["seq"]) in moved
        yield mine.frame, theirs.frame, "moved" if is_moved else _kind(mine, theirs, mine.frame, theirs.frame)
        yield from _inside(mine, theirs)
        if mine.closing is not None and theirs.closing is not None:
            yield mine.closing, theirs.closing, _kind(mine, theirs, mine.closing, theirs.closing)


def _kind(
    first: ScopeNode, second: ScopeNode, mine: dict[str, Any], theirs: dict[str, Any]
) -> Literal["equal", "changed"]:
    return "equal" if content(mine, {}, first.ids) == content(theirs, {}, second.ids) else "changed"
