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

DICT_CHANGES: dict[str, Callable[[Any], object]] = {
    "d[k] = v": lambda d: d.__setitem__("a", 1),
    "del d[k]": lambda d: d.__delitem__("a"),
    "clear": lambda d: d.clear(),
    "pop": lambda d: d.pop("a"),
    "pop of nothing": lambda d: d.pop("none", None),
    "popitem": lambda d: d.popitem(),
    "setdefault": lambda d: d.setdefault("z", 1),
    "setdefault of what is there": lambda d: d.setdefault("a", 1),
    "update": lambda d: d.update(a=1),
    "|=": lambda d: d.__ior__({"a": 1}),
}
LIST_CHANGES: dict[str, Callable[[Any], object]] = {
    "l[i] = v": lambda items: items.__setitem__(0, 1),
    "l[:] = v": lambda items: items.__setitem__(slice(None), []),
    "del l[i]": lambda items: items.__delitem__(0),
    "append": lambda items: items.append(1),
    "clear": lambda items: items.clear(),
    "extend": lambda items: items.extend([1]),
    "insert": lambda items: items.insert(0, 1),
    "pop": lambda items: items.pop(),
    "remove": lambda items: items.remove(1),
    "reverse": lambda items: items.reverse(),
    "sort": lambda items: items.sort(),
    "+=": lambda items: items.__iadd__([1]),
    "*=": lambda items: items.__imul__(2),
}


@pytest.mark.parametrize("change", DICT_CHANGES.values(), ids=DICT_CHANGES.keys())
def test_a_frozen_dict_refuses(change: Callable[[Any], object]) -> None:
    frozen = freeze({"a": 0})
    with pytest.raises(TypeError, match=r"can't be changed.*copy\(\)"):
        change(frozen)
    assert frozen == {"a": 0}


@pytest.mark.parametrize("change", LIST_CHANGES.values(), ids=LIST_CHANGES.keys())
def test_a_frozen_list_refuses(change: Callable[[Any], object]) -> None:
    frozen = freeze([1, 0])
    with pytest.raises(TypeError, match=r"can't be changed.*copy\(\)"):
        change(frozen)
    assert frozen == [1, 0]


def test_every_method_that_changes_a_dict_or_a_list_is_closed() -> None:
    for frozen, plain in ((FrozenDict, dict), (FrozenList, list)):
        mutating = {name for name in dir(plain) if name in MUTATORS}
        assert {name for name in mutating if getattr(frozen, name) is getattr(plain, name)} == set()


MUTATORS = frozenset(
    {"__setitem__", "__delitem__", "__ior__", "__iadd__", "__imul__", "clear", "pop", "popitem", "setdefault", "update"}
    | {"append", "extend", "insert", "remove", "reverse", "sort"}
)


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
