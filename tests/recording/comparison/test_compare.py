"""Two timelines are equal where their scope trees are; every edit is told with its kind, its place and a JSON path."""

from __future__ import annotations

from datetime import timedelta

import pytest

from harness.recording.comparison import compare
from harness.recording.comparison.compare import (
    Difference,
    LineComparison,
    compare_frames,
    compare_lines,
    compare_values,
)
from harness.recording.files.frames_file import dump_frames
from tests.recording.support.timelines import BEGAN, Row, chunk, flow, flow_end, frames_of, method, method_end

SEQUENTIAL: list[Row] = [
    flow(), method("a"), chunk("a", "x"), chunk("a", "y"), method_end("a", "xy"),
    method("b"), chunk("b", "z"), method_end("b", "z"), flow_end("z"),
]  # fmt: skip
#: a and b are open together.
PARALLEL: list[Row] = [
    flow(), method("a"), method("b"), chunk("a", "x"), chunk("b", "z"), chunk("a", "y"),
    method_end("a", "xy"), method_end("b", "z"), flow_end("z"),
]  # fmt: skip


def edited(rows: list[Row], *changes: tuple[int, Row | None]) -> list[Row]:
    """Return the rows with some replaced, by position, and those without a replacement left out."""
    new = {position: row for position, row in changes}
    return [row for position, old in enumerate(rows) if (row := new.get(position, old)) is not None]


def differences(one: list[Row], other: list[Row]) -> list[Difference]:
    return compare_frames(frames_of(*one), frames_of(*other, run="other", began=BEGAN + timedelta(hours=5)))


EDITS: list[tuple[str, list[Row], list[tuple[str, str, tuple[int | None, int | None], str]]]] = [
    ("a changed chunk", edited(SEQUENTIAL, (3, chunk("a", "Y"))),
     [("changed", "flow Plan / method_execution a / llm_stream_chunk", (4, 4), 'data.chunk: recorded "y", now "Y"')]),
    ("a missing chunk", edited(SEQUENTIAL, (3, None)),
     [("missing", "flow Plan / method_execution a / llm_stream_chunk", (4, None), "did not come")]),
    ("an added chunk", [*SEQUENTIAL[:4], chunk("a", "!"), *SEQUENTIAL[4:]],
     [("added", "flow Plan / method_execution a / llm_stream_chunk", (None, 5), "was not there before")]),
    ("chunks in another order", [*SEQUENTIAL[:2], SEQUENTIAL[3], SEQUENTIAL[2], *SEQUENTIAL[4:]],
     [("moved", "flow Plan / method_execution a / llm_stream_chunk", (4, 3), "came after llm_stream_chunk (#3), and now "
       "before it")]),
    ("a changed result", edited(SEQUENTIAL, (8, flow_end("Z"))),
     [("changed", "flow Plan / flow_finished", (9, 9), 'data.result: recorded "z", now "Z"')]),
    ("a missing end", edited(SEQUENTIAL, (8, None)),
     [("missing", "flow Plan", (9, None), "flow_finished did not come")]),
    ("another end", edited(SEQUENTIAL, (7, ("b", "method_execution_failed", "flow", {"method_name": "b", "error": "no"}))),
     [("changed", "flow Plan / method_execution b / method_execution_finished", (8, 8),
       'type: recorded "method_execution_finished", now "method_execution_failed"; data.flow_name: recorded "Plan", now '
       'nothing; data.result: recorded "z", now nothing; and 1 more place')]),
    ("a missing method", [*SEQUENTIAL[:5], *SEQUENTIAL[8:]],
     [("missing", "flow Plan / method_execution b", (6, None), "did not come, and 2 frames inside it")]),
    ("methods in the other order", [flow(), *SEQUENTIAL[5:8], *SEQUENTIAL[1:5], flow_end("z")],
     [("moved", "flow Plan / method_execution b", (6, 2), "came after method_execution a (#2), and now before it")]),
    ("a chunk that comes after the end of its method", [*SEQUENTIAL[:3], SEQUENTIAL[4], SEQUENTIAL[3], *SEQUENTIAL[5:]],
     [("moved", "flow Plan / method_execution a / llm_stream_chunk", (4, 5), "came before method_execution_finished (#5), "
       "and now after it")]),
    ("a frame in another scope", edited(SEQUENTIAL, (3, chunk("flow", "y"))),
     [("missing", "flow Plan / method_execution a / llm_stream_chunk", (4, None), "did not come"),
      ("added", "flow Plan / llm_stream_chunk", (None, 4), "was not there before")]),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "expected"), [row[1:] for row in EDITS], ids=[row[0] for row in EDITS])
def test_an_edit_is_told_with_kind_and_place(
    rows: list[Row], expected: list[tuple[str, str, tuple[int | None, int | None], str]]
) -> None:
    found = [(one.kind, one.where, one.seqs, one.message) for one in differences(SEQUENTIAL, rows)]
    assert found == expected


@pytest.mark.parametrize("rows", [row[1] for row in EDITS], ids=[row[0] for row in EDITS])
def test_an_edit_is_seen_from_both_sides(rows: list[Row]) -> None:
    there, back = differences(SEQUENTIAL, rows), differences(rows, SEQUENTIAL)
    assert len(there) == len(back) > 0
    turned = {"missing": "added", "added": "missing"}
    assert sorted(turned.get(one.kind, one.kind) for one in there) == sorted(one.kind for one in back)


@pytest.mark.parametrize(
    "rows",
    [
        PARALLEL,
        [PARALLEL[at] for at in (0, 2, 1, 3, 4, 5, 6, 7, 8)],
        [PARALLEL[at] for at in (0, 2, 1, 4, 3, 5, 7, 6, 8)],
        [PARALLEL[at] for at in (0, 1, 3, 5, 2, 4, 7, 6, 8)],
        # One wholly after the other is a way that parallel scopes may run, too.
        SEQUENTIAL,
    ],
    ids=["the same", "started in turn", "ended in turn", "chunks in turn", "one after the other"],
)
def test_scopes_that_were_open_together_may_interleave(rows: list[Row]) -> None:
    assert differences(PARALLEL, rows) == []
    assert differences(rows, PARALLEL) == []


def test_order_within_a_scope_holds_although_scopes_interleave() -> None:
    swapped = [PARALLEL[at] for at in (0, 1, 2, 5, 4, 3, 6, 7, 8)]
    assert [one.kind for one in differences(PARALLEL, swapped)] == ["moved"]


def test_ids_and_times_and_numbers_of_a_run_do_not_count() -> None:
    def rows(call: str) -> list[Row]:
        return [("call", "llm_call_started", None, {"call_id": call}), chunk("call", call)]

    one, other = (frames_of(*rows(call), run=call, began=BEGAN) for call in ("c" * 36, "d" * 36))
    assert compare_frames(one, other) == []


@pytest.mark.parametrize(("recorded", "now"), [("f3", "f4"), ("task-7", "task-8"), ("call-7", "call-8")])
def test_content_that_looks_like_a_numbered_id_is_compared(recorded: str, now: str) -> None:
    one, other = (
        [flow(), method("a"), chunk("a", text), method_end("a", {"square": text})] for text in (recorded, now)
    )
    assert [found.message for found in differences(one, other)] == [
        f'data.{place}: recorded "{recorded}", now "{now}"' for place in ("chunk", "result.square")
    ]


def test_equal_scopes_are_told_apart_by_what_is_in_them() -> None:
    rows = [
        flow(),
        ("1", "custom_started", "flow", {}),
        chunk("1", "a"),
        ("2", "custom_started", "flow", {}),
        chunk("2", "b"),
    ]
    swapped = [rows[0], rows[3], rows[4], rows[1], rows[2]]
    assert [one.kind for one in differences(rows, swapped)] == ["moved"]


@pytest.mark.parametrize(
    ("recorded", "replayed", "messages"),
    [
        ({"a": "call-1"}, {"a": "call-2"}, []),
        ({"at": "1970-01-01T00:00:00.000001Z"}, {"at": "1970-01-01T00:00:09.000000Z"}, []),
        ({"results": ["a"]}, {"results": ["b"]}, ['results[0]: recorded "a", now "b"']),
        ("a", "b", ['it: recorded "a", now "b"']),
        ({"a": "calls-1"}, {"a": "calls-2"}, ['a: recorded "calls-1", now "calls-2"']),
    ],
)
def test_values_are_compared_without_ids_and_times(recorded: object, replayed: object, messages: list[str]) -> None:
    found = compare_values(recorded, replayed, "outcome")
    assert [(one.kind, one.where, one.message) for one in found] == [("changed", "outcome", text) for text in messages]


def test_a_difference_reads_as_one_line() -> None:
    assert str(differences(SEQUENTIAL, edited(SEQUENTIAL, (3, None)))[0]) == (
        "missing #4 → –  flow Plan / method_execution a / llm_stream_chunk: did not come"
    )


def test_what_comes_first_in_a_run_is_the_cause_and_what_ends_around_it_follows() -> None:
    other = edited(SEQUENTIAL, (3, chunk("a", "Y")), (4, method_end("a", "xY")), (7, None), (8, flow_end("xY")))
    found = differences(SEQUENTIAL, other)
    assert [(one.where.rpartition(" / ")[2], one.is_consequence) for one in found] == [
        ("llm_stream_chunk", False),
        ("method_execution_finished", True),
        ("method_execution b", False),
        ("flow_finished", True),
    ]


def test_of_frames_in_a_row_that_did_not_come_the_first_is_the_cause() -> None:
    found = differences(SEQUENTIAL, edited(SEQUENTIAL, (2, None), (3, None), (5, None), (6, None), (7, None)))
    assert [(one.where.rpartition(" / ")[2], one.is_consequence) for one in found] == [
        ("llm_stream_chunk", False), ("llm_stream_chunk", True), ("method_execution b", False)
    ]  # fmt: skip


def test_a_difference_has_its_values_whole_when_it_is_lengthened() -> None:
    long, other = "x" * 200 + "a", "x" * 200 + "b"
    [found] = compare_values({"text": long}, {"text": other}, "outcome")
    assert len(found.message) < 120
    assert found.lengthened().message == f'text: recorded "{long}", now "{other}"'


def thousand(last: str = "999") -> list[bytes]:
    rows = [flow(), *(chunk("flow", str(number), number) for number in range(998)), chunk("flow", last)]
    return dump_frames(frames_of(*rows)).splitlines()[1:]


def test_a_thousand_equal_frames_take_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    one = thousand()
    later = [line.replace(b"1970-01-01T00:00:00.", b"1970-01-01T00:00:07.") for line in one]
    assert later != one
    looks = 0
    same_line = compare._same_line

    def look(mine: bytes, theirs: bytes) -> bool:
        nonlocal looks
        looks += 1
        return same_line(mine, theirs)

    monkeypatch.setattr(compare, "_same_line", look)
    monkeypatch.setattr(compare, "compare_stored", lambda *lines: pytest.fail("equal lines were compared as trees"))
    assert compare_lines(one, later) == []
    assert looks == 1000


TIMES = [
    ("its own", {"at": "1970-01-01T00:00:01.000000Z"}, {"at": "1970-01-01T00:00:02.000000Z"}, True),
    ("before the first", {"at": "1969-12-31T23:59:59.000000Z"}, {"at": "1970-01-01T00:00:02.000000Z"}, True),
    ("in a list", {"at": ["1970-01-01T00:00:01.000000Z"]}, {"at": ["1970-01-01T00:00:02.000000Z"]}, True),
    ("in a text", {"at": "at 1970-01-01T00:00:01.000000Z"}, {"at": "at 1970-01-01T00:00:02.000000Z"}, False),
    ("quoted in a text", {"at": '"1970-01-01T00:00:01.000000Z"'}, {"at": '"1970-01-01T00:00:02.000000Z"'}, False),
    ("after a quote", {"at": '"1970-01-01T00:00:01.000000Z'}, {"at": '"1970-01-01T00:00:02.000000Z'}, False),
    ("a key", {"1970-01-01T00:00:01.000000Z": 1}, {"1970-01-01T00:00:02.000000Z": 1}, False),
    ("a date", {"at": "1999-01-01T00:00:01.000000Z"}, {"at": "1999-01-01T00:00:02.000000Z"}, False),
]  # fmt: skip


@pytest.mark.parametrize(("recorded", "replayed", "equal"), [row[1:] for row in TIMES], ids=[row[0] for row in TIMES])
def test_lines_and_trees_agree_on_what_is_a_time_of_the_run(recorded: object, replayed: object, equal: bool) -> None:
    one, other = (
        dump_frames(frames_of(("e", "custom_event", None, {"value": value}))).splitlines()[1]
        for value in (recorded, replayed)
    )
    assert LineComparison([one]).continues([other + b"\n"]) is equal
    assert (compare_values(recorded, replayed, "") == []) is equal


def test_lines_that_are_not_next_are_not_what_is_recorded() -> None:
    lines = [line + b"\n" for line in thousand()[:3]]
    comparison = LineComparison([line[:-1] for line in lines])
    assert comparison.continues(lines)
    assert comparison.continues(lines[:1])
    assert not comparison.continues(lines[1:])
    assert not comparison.continues([*lines, lines[0]])
    comparison.add(lines[1])
    assert not comparison.continues(lines[:1])


def test_one_difference_among_a_thousand_frames_is_the_only_one_told() -> None:
    assert [(one.kind, one.seqs) for one in compare_lines(thousand(), thousand("other"))] == [("changed", (1000, 1000))]


def test_a_changed_time_in_the_payload_of_a_run_does_not_count_and_a_date_in_content_does() -> None:
    def lines(at: str) -> list[bytes]:
        return dump_frames(frames_of(("e", "custom_event", None, {"at": at}))).splitlines()[1:]

    assert compare_lines(lines("2026-01-05T12:00:01.000000Z"), lines("2026-01-05T12:00:02.000000Z")) == []
    assert len(compare_lines(lines("1999-01-05T12:00:01.000000Z"), lines("1999-01-05T12:00:02.000000Z"))) == 1
