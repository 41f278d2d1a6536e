"""Claims about frozen containers: they read like dicts and lists, and no way of changing them is open."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from harness.frames.frozen import FrozenDict, FrozenList, freeze

PLAIN: dict[str, Any] = {"a": [1, {"b": None}], "c": {"d": [[]]}, "e": "text"}

#: Of either container, whatever operator or statement calls them.
CHANGES = """
    __setitem__ __delitem__ __ior__ __iadd__ __imul__ clear pop popitem setdefault update
    append extend insert remove reverse sort
"""


@pytest.mark.parametrize("plain", [{"a": 0}, [1, 0]], ids=["dict", "list"])
def test_whatever_changes_a_container_is_refused(plain: Any) -> None:
    frozen = freeze(plain)
    for name in set(CHANGES.split()) & set(dir(plain)):
        with pytest.raises(TypeError, match=r"can't be changed.*copy\(\)"):
            getattr(frozen, name)(0)
    assert frozen == plain


def test_attributes_cannot_be_hung_on() -> None:
    for frozen in (FrozenDict(), FrozenList()):
        with pytest.raises(AttributeError):
            frozen.mark = 1  # type: ignore[union-attr]


READERS: dict[str, Callable[[Any], Any]] = {
    "json": lambda value: json.loads(json.dumps(value)),
    "orjson": lambda value: orjson.loads(orjson.dumps(value)),
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
def test_frozen_json_reads_as_what_it_was_made_of(read: Callable[[Any], Any]) -> None:
    assert read(freeze(PLAIN)) == PLAIN


def test_what_is_frozen_shares_nothing_that_can_be_changed() -> None:
    plain = copy.deepcopy(PLAIN)
    frozen = freeze(plain)
    plain["a"][1]["b"] = "changed"
    assert frozen == PLAIN


def test_pickling_keeps_it_frozen_all_the_way_down() -> None:
    back = pickle.loads(pickle.dumps(freeze(PLAIN)))
    assert [type(back), type(back["a"]), type(back["a"][1])] == [FrozenDict, FrozenList, FrozenDict]


def test_a_copy_can_be_changed_at_the_top_and_a_deep_copy_everywhere() -> None:
    frozen = freeze(PLAIN)
    frozen.copy()["a"] = 1
    frozen["a"].copy().append(1)
    copy.deepcopy(frozen)["a"][1]["b"] = 1
    assert frozen == PLAIN
    assert type(copy.deepcopy(frozen)["a"][1]) is dict
