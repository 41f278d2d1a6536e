"""Claims about payloads: what is JSON stays as it is, what is not takes its documented form, nothing raises."""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import time as time_module
import uuid
from collections import OrderedDict, deque, namedtuple
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any
from unittest import mock

import orjson
import pytest
from hypothesis import given, settings, strategies as st
from msgspec import Struct
from multidict import CIMultiDict
from pydantic import BaseModel, ConfigDict, Field
from pydantic.dataclasses import dataclass as pydantic_dataclass

from harness.errors import RunCancelled, error_text
from harness.frames import codec
from harness.frames.codec import MAX_DEPTH, decoded_text, encode
from harness.frames.frozen import FrozenDict, FrozenList, freeze

settings.register_profile("harness", deadline=None, max_examples=150, derandomize=True, database=None)
settings.load_profile("harness")


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Name(str, enum.Enum):  # noqa: UP042 - its str() is not its value
    ANNA = "anna"


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise ValueError("no text")


class Model(BaseModel):
    model_config = ConfigDict(extra="allow")
    at: datetime
    nested: Any = None
    kept_out: str = Field(default="sk-1", exclude=True)


@pydantic_dataclass
class Keyed:
    a: int
    kept_out: str = Field(default="sk-1", exclude=True)


@dataclasses.dataclass
class Data:
    a: int
    b: Any


@dataclasses.dataclass
class Late:
    a: int
    b: Any = dataclasses.field(init=False)


class Nowhere(tzinfo):
    def utcoffset(self, moment: datetime | None) -> None:
        return None

    dst = tzname = utcoffset


class Secretive(type):
    def __getattribute__(cls, name: str) -> Any:
        raise LookupError("no name")


class Unnamed(metaclass=Secretive):
    def __repr__(self) -> str:
        return "one of them"


class Row(Struct):
    a: int
    b: Any


Pair = namedtuple("Pair", "left right")  # noqa: PYI024 - the untyped kind is what users have, too


class Plain:
    def __repr__(self) -> str:
        return f"<Plain at {hex(id(self))}>"


class Silent:
    def __repr__(self) -> str:
        raise LookupError("nothing to say")


class Liar:
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise RuntimeError("no class")

    def __repr__(self) -> str:
        return "a liar"


class BrokenMapping(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Any:
        raise OSError("gone")

    def __len__(self) -> int:
        return 1


class UnhappyError(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


def named(left: Any, right: Any) -> None: ...


def lacking(value: Any, name: str) -> Any:
    delattr(value, name)
    return value


HERE = __name__
NAIVE = datetime(2026, 1, 2, 3, 4, 5, 6)

FORMS: dict[str, tuple[Any, Any]] = {
    "None": (None, None),
    "a bool": (True, True),
    "an int": (7, 7),
    "the largest int of 64 bits": (2**64 - 1, 2**64 - 1),
    "the smallest int of 64 bits": (-(2**63), -(2**63)),
    "a larger int": (2**64, {"$int": "18446744073709551616"}),
    "a smaller int": (-(2**63) - 1, {"$int": "-9223372036854775809"}),
    "an int that Python will not write in decimal": (16**5000, {"$int": "0x1" + "0" * 5000}),
    "a float": (1.5, 1.5),
    "nan": (math.nan, {"$float": "nan"}),
    "infinity": (math.inf, {"$float": "inf"}),
    "minus infinity": (-math.inf, {"$float": "-inf"}),
    "text": ("grüß 🙂", "grüß 🙂"),
    "a lone surrogate": ("a\ud83d", {"$text": "a\\ud83d"}),
    "a surrogate in a key": ({"a\ud83d": 1}, {"a\\ud83d": 1}),
    "bytes": (b"\x00\xff", {"$bytes": "AP8="}),
    "a bytearray": (bytearray(b"\x00\xff"), {"$bytes": "AP8="}),
    "a memoryview": (memoryview(b"\x00\xff"), {"$bytes": "AP8="}),
    "a memoryview with gaps": (memoryview(b"abcd")[::2], {"$bytes": "YWM="}),
    "a list": ([1, [2]], [1, [2]]),
    "a tuple": ((1, (2,)), [1, [2]]),
    "a named tuple": (Pair(1, 2), [1, 2]),
    "a set": ({3, 1, 2}, [1, 2, 3]),
    "a set of mixed": ({"b", 1, None, b"x"}, ["b", 1, None, {"$bytes": "eA=="}]),
    "a frozen set": (frozenset({"b", "a"}), ["a", "b"]),
    "a dict": ({"a": {"b": 1}}, {"a": {"b": 1}}),
    "an ordered dict": (OrderedDict(a=1), {"a": 1}),
    "a dict with keys that are no text": ({1: "a", "b": 2}, {"$map": [[1, "a"], ["b", 2]]}),
    "a dict with keys that are escaped alike": (
        {"\ud83d": 1, "\\ud83d": 2},
        {"$map": [[{"$text": "\\ud83d"}, 1], ["\\ud83d", 2]]},
    ),
    "a dict with one key twice": (CIMultiDict([("a", 1), ("a", 2)]), {"$map": [["a", 1], ["a", 2]]}),
    "a dict with a tuple as a key": ({(1, 2): 3}, {"$map": [[[1, 2], 3]]}),
    "an enum as a key": ({Name.ANNA: 1}, {"anna": 1}),
    "text whose str() fails, as a key": ({Text("a"): 1}, {"a": 1}),
    "text whose str() fails": (Text("a"), "a"),
    "a naive time": (NAIVE, "2026-01-02T03:04:05.000006Z"),
    "a time in UTC": (NAIVE.replace(tzinfo=UTC), "2026-01-02T03:04:05.000006Z"),
    "a time elsewhere": (NAIVE.replace(tzinfo=timezone(timedelta(hours=-2))), "2026-01-02T05:04:05.000006Z"),
    "a time that no clock in UTC shows": (
        datetime.min.replace(tzinfo=timezone(timedelta(hours=9))),
        {
            "$object": "datetime.datetime",
            "repr": "datetime.datetime(1, 1, 1, 0, 0, tzinfo=datetime.timezone(datetime.timedelta(seconds=32400)))",
        },
    ),
    "a date": (date(2026, 1, 2), "2026-01-02"),
    "a time of day": (time(3, 4, 5), "03:04:05"),
    "a duration": (timedelta(days=1, microseconds=5), "PT86400.000005S"),
    "the longest duration": (timedelta.max, "PT86399999999999.999999S"),
    "a duration back": (timedelta(microseconds=-1_500_000), "PT-1.500000S"),
    "an enum": (Colour.RED, "red"),
    "an int enum": (Level.HIGH, 3),
    "a text enum": (Name.ANNA, "anna"),
    "a uuid": (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    "a path": (PurePosixPath("/a/b"), "/a/b"),
    "a path that is no text": (PurePosixPath("/a/\udcff"), {"$text": "/a/\\udcff"}),
    "a decimal": (Decimal("1.10"), "1.10"),
    "a model": (Model(at=NAIVE), {"at": "2026-01-02T03:04:05.000006Z", "nested": None}),
    "a model with extras": (
        Model(at=NAIVE, more=b"x"),  # type: ignore[call-arg]
        {"at": "2026-01-02T03:04:05.000006Z", "nested": None, "more": {"$bytes": "eA=="}},
    ),
    "a model that lacks a field": (Model.model_construct(nested=1), {"nested": 1}),
    "a dataclass that lacks a field": (Late(1), {"a": 1}),
    "a struct that lacks a field": (lacking(Row(1, 2), "a"), {"b": 2}),
    "a dataclass": (Data(1, {2}), {"a": 1, "b": [2]}),
    "a dataclass of pydantic's": (Keyed(1), {"a": 1}),
    "a struct": (Row(1, {2}), {"a": 1, "b": [2]}),
    "an exception": (ValueError("told"), {"$error": "ValueError", "message": "told"}),
    "an exception without words": (
        UnhappyError(),
        {"$error": "UnhappyError", "message": "<its text raised ValueError>"},
    ),
    "a function": (named, {"$callable": f"{HERE}.named"}),
    "a lambda": (lambda: 1, {"$callable": f"{HERE}.<lambda>"}),
    "a builtin": (len, {"$callable": "builtins.len"}),
    "a method": (Plain().__repr__, {"$callable": f"{HERE}.Plain.__repr__"}),
    "a class": (Plain, {"$callable": f"{HERE}.Plain"}),
    "a module": (json, {"$callable": "json"}),
    "an object": (Plain(), {"$object": f"{HERE}.Plain", "repr": "<Plain>"}),
    "an object whose repr fails": (Silent(), {"$object": f"{HERE}.Silent", "repr": "<repr raised LookupError>"}),
    "a mapping that can't be read": (
        BrokenMapping(),
        {"$object": f"{HERE}.BrokenMapping", "repr": "<encoding raised OSError>"},
    ),
    "a generator": ((_ for _ in ()), {"$object": "builtins.generator", "repr": "<generator object <genexpr>>"}),
    "a deque": (deque([1]), {"$object": "collections.deque", "repr": "deque([1])"}),
}


@pytest.mark.parametrize(("value", "form"), FORMS.values(), ids=FORMS.keys())
def test_the_form_of(value: Any, form: Any) -> None:
    assert encode(value) == form
    # So it is to who reads it.
    assert orjson.loads(orjson.dumps(encode(value))) == json.loads(json.dumps(encode(value), allow_nan=False)) == form


@pytest.mark.parametrize("spec", [str, int, float, dict, list, type(None), bool, datetime, date])
def test_a_mock_that_claims_to_be_something_else_is_an_object(spec: type) -> None:
    form = encode([mock.Mock(spec=spec)])
    assert form[0]["$object"] == "unittest.mock.Mock"
    orjson.dumps(form)


@pytest.mark.parametrize("name", ["Liar", "Unnamed"])
def test_an_object_that_hides_its_class_is_an_object(name: str) -> None:
    # Not rows of the table: pytest would ask for their class.
    form = encode([globals()[name]()])
    assert form[0]["$object"] == f"{HERE}.{name}"
    assert form[0]["repr"].startswith("<encoding raised ")


def test_every_row_of_the_documented_table_is_met() -> None:
    documented = {word for word in str(codec.__doc__).split('"') if word.startswith("$")}
    met: set[str] = {"$cycle", "$deep"}
    for _, form in FORMS.values():
        met |= {key for key in form if key.startswith("$")} if isinstance(form, dict) else set()
    assert met == documented


@pytest.mark.parametrize("read", [repr, orjson.dumps])
def test_the_form_of_a_set_does_not_depend_on_its_order(read: Callable[[Any], Any]) -> None:
    assert len({read(encode(set(order))) for order in (("a", "b", 3), (3, "b", "a"), ("b", 3, "a"))}) == 1


@pytest.mark.skipif(not hasattr(time_module, "tzset"), reason="this system has no zone of a process")
def test_a_time_in_a_zone_without_an_offset_is_naive_wherever_the_process_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time_module.tzset()
        form = encode(NAIVE.replace(tzinfo=Nowhere()))
    time_module.tzset()
    assert form == "2026-01-02T03:04:05.000006Z"


def test_a_long_repr_is_cut() -> None:
    form = encode(type("Long", (), {"__repr__": lambda self: "x" * 10_000})())
    assert (len(form["repr"]), form["repr"][-1]) == (501, "…")


def test_a_container_inside_itself_says_how_many_levels_up_it_stands() -> None:
    inner: dict[str, Any] = {}
    outer = [1, inner]
    inner.update(me=inner, above=outer)
    assert encode(outer) == [1, {"me": {"$cycle": 1}, "above": {"$cycle": 2}}]


def test_the_same_container_twice_side_by_side_is_no_cycle() -> None:
    shared = [1]
    assert encode([shared, shared]) == [[1], [1]]


def test_a_model_that_refers_to_itself_ends() -> None:
    model = Model(at=NAIVE)
    model.nested = [model]
    assert encode(model)["nested"] == [{"$cycle": 2}]


def nested(levels: int, leaf: Any = None) -> Any:
    value: Any = [] if leaf is None else leaf
    for _ in range(levels - 1):
        value = [value]
    return value


def depth(value: Any) -> int:
    levels = 0
    while isinstance(value, list):
        levels, value = levels + 1, value[0] if value else None
    return levels


def test_what_is_as_deep_as_allowed_is_kept_whole() -> None:
    value = nested(MAX_DEPTH - 1)
    assert encode(value) == value


class Deep(enum.Enum):
    TUPLE = nested(MAX_DEPTH - 50)
    ITSELF = [0]


@pytest.mark.parametrize("deep", [nested(MAX_DEPTH - 50, Deep.TUPLE), {1: nested(MAX_DEPTH - 50)}], ids=["enum", "map"])
def test_what_stands_between_containers_makes_nothing_deeper_than_allowed(deep: Any) -> None:
    for _ in range(50):
        deep = {1: deep}
    orjson.dumps(encode(deep))


def test_an_enum_inside_its_own_value_is_a_cycle() -> None:
    value: Any = Deep.ITSELF.value
    value.append({1: Deep.ITSELF})
    assert encode(Deep.ITSELF) == [0, {"$map": [[1, {"$cycle": 2}]]}]


def test_what_dicts_hold_is_encoded_once_whatever_their_keys_are() -> None:
    asked = []

    class Leaf:
        def __repr__(self) -> str:
            asked.append(self)
            return "leaf"

    tree: Any = Leaf()
    for _ in range(5):
        tree = {"inner": tree, 1: None}
    encode(tree)
    assert len(asked) == 1


def test_what_is_deeper_is_cut_there_and_says_so() -> None:
    form = encode(nested(300))
    assert depth(form) == MAX_DEPTH - 1
    for _ in range(MAX_DEPTH - 2):
        form = form[0]
    assert form == [{"$deep": "builtins.list", "repr": "list of 1"}]


@pytest.mark.parametrize("kind", ["dict", "set"])
def test_what_another_thread_adds_to_meanwhile_is_kept_whole(kind: str) -> None:
    grown: Any = {} if kind == "dict" else set()

    class Meddler:
        """Changes what it is in while it is looked at, as another thread may."""

        def __repr__(self) -> str:
            grown.update({f"new {len(grown)}": 1})
            return "meddler"

    grown.update({Meddler(): 1, "b": 2})
    form = encode({"inner": grown})["inner"]
    assert "$object" not in form
    assert len(form["$map"] if kind == "dict" else form) >= 2


def test_a_frozen_value_is_taken_as_it_is_but_never_deeper_than_allowed() -> None:
    frozen = encode({"a": [1]})
    assert encode(frozen) is frozen
    grown: Any = frozen
    for _ in range(300):
        grown = FrozenDict({"a": grown})
    orjson.dumps(encode(grown))


def test_a_frozen_container_that_holds_what_can_be_changed_is_copied() -> None:
    inside = [1]
    form = encode(FrozenList([inside]))
    inside.append(2)
    assert form == [[1]]


def test_what_was_encoded_shares_nothing_with_what_it_was_made_of() -> None:
    value: dict[str, Any] = {"a": [1, {"b": 2}]}
    form = encode(value)
    value["a"][1]["b"] = 3
    value["a"].append(4)
    assert form == {"a": [1, {"b": 2}]}


def test_encoding_does_not_raise_near_the_end_of_the_stack() -> None:
    def dive() -> Any:
        try:
            return dive()
        except RecursionError:
            return encode(nested(50))

    orjson.dumps(dive())


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    # No surrogates: they have a form of their own.
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=5)
    ),
    max_leaves=30,
)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(categories=None))
    | st.binary()
    | st.datetimes()
    | st.datetimes(timezones=st.timezones())
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.decimals()
    | st.uuids()
    | st.complex_numbers()
    | st.sampled_from([Colour.RED, named, Plain])
    | st.integers().map(lambda _: Silent()),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(st.characters(categories=None)) | st.integers() | st.none(), inner, max_size=4)
        | st.builds(Data, st.integers(), inner)
    ),
    max_leaves=30,
)


@given(json_values)
def test_json_stays_what_it_is(value: Any) -> None:
    assert encode(value) == value
    assert orjson.loads(orjson.dumps(encode(value))) == value


@given(anything)
def test_whatever_it_is_it_becomes_json_that_survives_dump_and_load(value: Any) -> None:
    form = encode(value)
    assert orjson.loads(orjson.dumps(form)) == form
    assert json.loads(json.dumps(form, allow_nan=False)) == form
    assert encode(form) == form


@given(st.text(st.characters(categories=None)))
def test_text_can_be_had_back_whatever_it_is(text: str) -> None:
    assert decoded_text(encode(text)) == text


@given(json_values)
def test_freezing_changes_no_value(value: Any) -> None:
    assert freeze(value) == value


class Says:
    """Raises what it is given where it is asked for its text, its repr, or what is in it."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __repr__(self) -> str:
        raise self._error


class SaysError(Says, Exception):
    __str__ = Says.__repr__


class SaysMapping(Says, Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise self._error

    def __iter__(self) -> Any:
        raise self._error

    def __len__(self) -> int:
        raise self._error


def test_an_error_that_has_no_words_says_what_went_wrong() -> None:
    assert (error_text(ValueError("told")), error_text(UnhappyError())) == ("told", "<its text raised ValueError>")


@pytest.mark.parametrize("kind", [Says, SaysError, SaysMapping])
def test_a_payload_ends_no_run_but_lets_who_ends_it_through(kind: type[Says]) -> None:
    assert "raised SystemExit>" in str(encode(kind(SystemExit(3))))
    for error in (RunCancelled(), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            encode(kind(error))
