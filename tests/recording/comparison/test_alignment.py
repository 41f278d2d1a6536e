"""Claims about which frame of one timeline is which of another; `compare_stored` is what it must agree with."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from harness.recording.comparison.alignment import aligned_frames
from harness.recording.comparison.compare import compare_stored
from tests.recording.support.remade import SHIPPED

Frames = list[dict[str, Any]]


def story() -> Frames:
    lines = (SHIPPED / "openai" / "two_step_flow" / "frames.jsonl").read_bytes().splitlines()[1:]
    return [orjson.loads(line) for line in lines]


def changed(frames: Frames) -> None:
    frames[5]["data"]["chunk"] = "other"


def missing(frames: Frames) -> None:
    del frames[5]


def added(frames: Frames) -> None:
    frames.insert(5, copy.deepcopy(frames[4]) | {"id": "f900"})
    frames[5]["data"]["chunk"] = "more"


def moved(frames: Frames) -> None:
    frames[4]["seq"], frames[6]["seq"] = frames[6]["seq"], frames[4]["seq"]
    frames[4], frames[6] = frames[6], frames[4]


def changed_end(frames: Frames) -> None:
    frames[-1]["data"]["result"] = "another end"


CASES: list[tuple[Callable[[Frames], None], set[str], tuple[int, int]]] = [
    (lambda frames: None, {"equal"}, (0, 0)),
    (changed, {"equal", "changed"}, (0, 0)),
    (changed_end, {"equal", "changed"}, (0, 0)),
    (missing, {"equal"}, (1, 0)),
    (added, {"equal"}, (0, 1)),
    (moved, {"equal", "moved"}, (0, 0)),
]


@pytest.mark.parametrize(
    ("change", "kinds", "alone"), CASES, ids=["equal", "changed", "end", "missing", "added", "moved"]
)
def test_each_frame_has_its_own_in_the_other_timeline(
    change: Callable[[Frames], None], kinds: set[str], alone: tuple[int, int]
) -> None:
    ones, others = story(), story()
    change(others)
    pairs = aligned_frames(ones, others)

    assert {pair.kind for pair in pairs} == kinds
    assert (len(ones) - len(pairs), len(others) - len(pairs)) == alone
    assert [pair.first for pair in pairs] == sorted({pair.first for pair in pairs})
    assert len({pair.second for pair in pairs}) == len(pairs)
    assert all(ones[pair.first]["type"] == others[pair.second]["type"] for pair in pairs)
    told = [(found.kind, found.seqs) for found in compare_stored(ones, others) if None not in found.seqs]
    shown = [
        (pair.kind, (ones[pair.first]["seq"], others[pair.second]["seq"])) for pair in pairs if pair.kind != "equal"
    ]
    assert sorted(shown) == sorted(told)
