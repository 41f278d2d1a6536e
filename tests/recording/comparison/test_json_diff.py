"""Where two JSON values differ, and how a message shows it."""

from __future__ import annotations

from typing import Any

import pytest

from harness.recording.comparison.json_diff import contrast, differences

ABC = "abcdefghijklmnopqrstuvwxyz" * 4


@pytest.mark.parametrize(
    ("recorded", "sent", "paths"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"a": 1}, {"a": 2}, ["a"]),
        ({"a": 1}, {}, ["a"]),
        ({}, {"a": 1}, ["a"]),
        ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 3}]}}, ["a.b[1].c"]),
        ([1, 2], [1], ["[1]"]),
        ([1], [1, 2, 3], ["[1]", "[2]"]),
        ({"z": 1, "a": 1}, {"a": 2, "z": 2, "m": 0}, ["z", "a", "m"]),
        ({"a": 1}, {"a": True}, ["a"]),
        ({"a": 1}, {"a": 1.0}, ["a"]),
        ({"a": None}, {}, ["a"]),
        ({"a": []}, {"a": {}}, ["a"]),
        ("x", "y", [""]),
    ],
)
def test_places_are_json_paths_in_recorded_order(recorded: Any, sent: Any, paths: list[str]) -> None:
    assert [path for path, _, _ in differences(recorded, sent, "")] == paths


def test_a_place_comes_with_both_values() -> None:
    assert list(differences({"a": [1]}, {"a": [2]}, "body")) == [("body.a[0]", 1, 2)]


@pytest.mark.parametrize(
    ("recorded", "sent", "phrase"),
    [
        ("a", "b", 'recorded "a", sent "b"'),
        (1, {"a": None}, 'recorded 1, sent {"a":null}'),
        (b"\x00\x01", b"", "recorded 2 bytes that are not JSON, sent an empty body"),
        (f"{ABC}!", f"{ABC}?", 'recorded "…lmnopqrstuvwxyz!", sent "…lmnopqrstuvwxyz?"'),
        (ABC, "b", f'recorded "{ABC[:60]}…", sent "b"'),
        (list(range(99)), 0, "recorded [0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,…, sent 0"),
    ],
)
def test_values_are_shown_from_where_they_differ(recorded: Any, sent: Any, phrase: str) -> None:
    assert contrast(recorded, sent) == phrase


def test_what_is_not_there_is_shown_as_nothing() -> None:
    assert [contrast(mine, theirs) for _, mine, theirs in differences({"a": 1}, {"b": 1}, "")] == [
        "recorded 1, sent nothing", "recorded nothing, sent 1"
    ]  # fmt: skip
