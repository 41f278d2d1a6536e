"""Claims about the values of a run as JSON: what comes back, as what, and that nothing is imported for it."""

from __future__ import annotations

import enum
import json
import math
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import InitVar, dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from ipaddress import IPv4Address
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given, strategies as some
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    PrivateAttr,
    RootModel,
    SecretBytes,
    SecretStr,
    computed_field,
    field_serializer,
    field_validator,
)
from pydantic.dataclasses import dataclass as pydantic_dataclass

from harness.errors import UsageError
from harness.flow import HumanFeedbackResult
from harness.flow.value_codec import decode_value, encode_exactly, encode_value
from harness.llm.output.assembly import RequestedCalls

T = TypeVar("T")


class Draft(BaseModel):
    text: str
    day: date = date(2026, 1, 2)


class Mood(enum.Enum):
    GLAD = "glad"
    SAD = ("sad", 1)


@dataclass
class Note:
    draft: Draft
    weight: float


class Rich(BaseModel):
    """Whose own form says less than it holds."""

    model_config = ConfigDict(extra="forbid")

    anything: Any = None
    raw: bytes = b"\xff"
    weight: float = 0.5
    size: int = Field(default=1, alias="large")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def double(self) -> int:
        return 2 * self.size


class Keyed(BaseModel):
    key: SecretStr
    any: Any = None


class Level(enum.IntEnum):
    LOW = 1


class Pair(NamedTuple):
    left: int
    right: Any


class Words(RootModel[list[str]]):
    """Whose form is no object."""


class Counts(RootModel[dict[str, int]]):
    """Whose form is an object without a field of its own."""


class Loose(BaseModel):
    """Has a default that it would not take."""

    size: int = 0
    name: str = None  # type: ignore[assignment]


class Doubling(BaseModel):
    """Makes another of what it has made."""

    model_config = ConfigDict(extra="allow")

    size: int
    secret: str = Field(default="none", exclude=True)
    _seen: list[int] = PrivateAttr(default_factory=list)

    @field_validator("size")
    @classmethod
    def double(cls, size: int) -> int:
        return 2 * size


@dataclass
class Sum:
    """Makes its fields of what it is given, and has some of its own."""

    left: int
    right: InitVar[int]
    total: int = 0
    notes: list[Any] = field(default_factory=list, init=False)

    def __post_init__(self, right: int) -> None:
        self.total += self.left + right


@dataclass(frozen=True, slots=True)
class Raised:
    height: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "height", self.height + 1)


@dataclass
class Unset:
    size: tuple[int, ...]
    total: int = field(init=False)


class Stamp(datetime):
    """A moment of a class of its own, as of libraries for dates."""


class Price(Decimal):
    pass


class Labelled(UUID):
    """What no text makes again."""

    def __init__(self, label: str, number: int) -> None:
        super().__init__(int=number)


class Part(BaseModel):
    """Puts another part beside it while it writes itself, as another thread may."""

    beside: dict[str, Any] = Field(default_factory=dict, exclude=True)
    size: int = 1

    @field_serializer("size")
    def grow(self, size: int) -> int:
        self.beside[f"more {len(self.beside)}"] = size
        return size


class Parts(BaseModel):
    parts: dict[str, Any] = {}


class Word(enum.StrEnum):
    YES = "yes"


class Meeting(BaseModel):
    starts: datetime


class Visit(BaseModel):
    """Has fields of classes that no form is of, but for the one that pydantic gives such a field."""

    page: HttpUrl
    host: IPv4Address
    anything: Any = None


class Shelf(dict[str, Any]):
    pass


class Row(list[Any]):
    pass


class Page(BaseModel, Generic[T]):
    rows: list[T]


def page_of(kind: Any, row: Any) -> Page[Any]:
    """Return a page of types that stand nowhere in this module."""
    page: Page[Any] = Page[kind](rows=[row])
    return page


def summed() -> Sum:
    made = Sum(1, 2, 3)
    made.notes.append({1})
    return made


def there_and_back(value: Any) -> Any:
    return decode_value(orjson.loads(orjson.dumps(encode_value(value))))


SAME: dict[str, Any] = {
    "a model": Draft(text="a"),
    "a dataclass with a model in it": Note(Draft(text="a"), 0.5),
    "models in containers": {"drafts": [Draft(text="a"), {"of": Draft(text="b")}]},
    "an answer": HumanFeedbackResult("out", "Fine.", "yes", datetime(2026, 1, 2, tzinfo=UTC), "draft", {"a": [1]}),
    "keys that are no text": {1: "a", 2.5: "b", None: Draft(text="c")},
    "keys that look like a form": {"$bytes": "no base64", "$model": "os:system", "fields": {}},
    "bytes": b"\x00\xff",
    "lone surrogates": {"a\ud800": "b\udfff"},
    "a large integer": 10**40,
    "infinity": -math.inf,
    "a tuple, also among keys": ({(1, 2): "a", "b": "c"}, (), ((1,),)),
    "sets": [{1, 2}, frozenset({(1, "a")})],
    "times": [
        datetime(2026, 1, 2, tzinfo=UTC),
        datetime(2026, 1, 2, 3),
        date(2026, 1, 2),
        time(3, 4),
        timedelta(-1, 5, 6),
    ],
    "names and numbers": [UUID(int=5), Decimal("1.10"), Path("a/b")],
    "other numbers": [Fraction(1, 3), 1 + 2j, bytearray(b"\xff"), deque([1, {2}])],
    "a named tuple": Pair(1, {2}),
    "a model that writes itself as less than it holds": Rich(anything={"a": {1}, "b": Draft(text="c")}, large=10**30),
    "a model whose class would not take back what it writes": Rich(large=3),
    "a number that is a member of an enum": Rich(anything=Level.LOW),
    "a model in a dataclass, where anything may be": Note(Draft(text="a"), Rich(anything=(1,))),  # type: ignore[arg-type]
    "models of a root": [Words(["a"]), Counts({"root": 1}), Draft(text="a")],
    "a model in which stands what it would not take": Loose(size=1),
    "a model that would make another of itself": Doubling(size=2, more=(1,)),  # type: ignore[call-arg]
    "a dataclass that makes its own fields": summed(),
    "a frozen dataclass that changes what it is given": Raised(1),
    "a model with a URL beside what JSON lacks": [
        Visit(page=HttpUrl("http://a.b/c"), host=IPv4Address("1.2.3.4"), anything=anything)
        for anything in ({"seen": {1}, "when": datetime(2026, 1, 2)}, b"\xff")
    ],
    "dicts of their own classes": [
        defaultdict(list, {"a": [1]}),
        defaultdict(None, {"a": {1}}),
        Counter("aab"),
        OrderedDict(b=1, a=(2,)),
        Shelf(a=Shelf(b={1})),
    ],
    "a list of its own class": Row([1, Row()]),
    "the calls of a model's answer": RequestedCalls([{"id": "c0"}], text="I look."),
    "paths of any system": [PureWindowsPath("c:/a"), PurePosixPath("/a")],
    "what is of classes below those": [Stamp(2026, 1, 2, tzinfo=UTC), Price("1.10"), {Price("1"): 1}],
    "keys that are text of an enum": {Word.YES: {Word.YES: 1}},
    "generic models with types": [
        page_of(Draft, Draft(text="a")),
        page_of(set[int], {1}),
        page_of(Page[int], Page[int](rows=[1])),
    ],
    "members of enums": {"mood": Mood.GLAD, Mood.SAD: 1},
}


@pytest.mark.parametrize("value", SAME.values(), ids=SAME.keys())
def test_a_value_comes_back(value: Any) -> None:
    back = there_and_back(value)
    assert back == value
    assert type(back) is type(value)
    if isinstance(value, list):
        assert list(map(type, back)) == list(map(type, value))


def test_what_equality_does_not_tell_comes_back_too() -> None:
    moment = datetime(2026, 10, 25, 2, 30, fold=1)
    bounded, later, clock = there_and_back([deque([1, 2], maxlen=2), moment, moment.time()])
    assert (bounded.maxlen, later.fold, clock.fold) == (2, 1, 1)
    oslo = ZoneInfo("Europe/Oslo")
    summer = datetime(2026, 7, 1, 2, tzinfo=oslo)
    for zoned in (summer, moment.replace(tzinfo=oslo), moment.time().replace(tzinfo=oslo)):
        back = there_and_back(zoned)
        assert (back, back.tzinfo, back.fold) == (zoned, oslo, zoned.fold)
    for meeting in (there_and_back(Meeting(starts=summer)), there_and_back(Note(Draft(text="a"), summer)).weight):  # type: ignore[arg-type]
        assert getattr(meeting, "starts", meeting).tzinfo is oslo
    # Where there is no such zone, or it has other rules by now, the moment is the same.
    for zone in ("No/Where", "../../etc/passwd", "America/New_York"):
        known = decode_value({"$datetime": f"2026-07-01T02:00:00+02:00 {zone}"})
        assert (known, known.utcoffset()) == (summer, timedelta(hours=2))
    seen = Doubling(size=2)
    seen._seen.append(1)
    assert there_and_back(seen)._seen == []


def test_a_generic_model_of_types_that_are_not_known_here_is_that_model_and_its_parts_are_what_they_were() -> None:
    kept = orjson.dumps(encode_value(page_of(Draft, Draft(text="a"))))
    page = decode_value(orjson.loads(kept.replace(b":Page[Draft]", b":Page[Nowhere]")))
    assert (type(page), page.rows) == (Page, [Draft(text="a")])


def test_models_of_models_and_sets_whose_order_differs_come_back() -> None:
    # In what order they are gone through depends on what was in them before.
    words = set(range(100))
    words -= set(range(100)) - {1, 8}
    held: Any = Note(Draft(text="a"), words)  # type: ignore[arg-type]
    assert there_and_back(held) == held
    # What is tried of each at each level above would be a million times; also where there is no form for it.
    bare: Any = object()
    for _ in range(20):
        held, bare = (Note(Draft(text="a"), (inner,)) for inner in (held, bare))  # type: ignore[arg-type]
    assert there_and_back(held) == held
    assert isinstance(there_and_back(bare), Note)


def test_a_model_that_others_add_to_while_it_is_kept_is_kept() -> None:
    held = Parts()
    held.parts["first"] = Part()
    held.parts["first"].beside = held.parts
    for encoded in (encode_value(held), encode_exactly(held, "it")):
        assert decode_value(encoded).parts["first"].size == 1


def test_a_field_that_its_class_has_not_made_yet_is_left_out() -> None:
    assert encode_value(Unset((1,))) == {"$model": f"{__name__}:Unset", "parts": {"size": {"$tuple": [1]}}}


@pydantic_dataclass
class Reticent:
    """Holds what it leaves out of what is written of it."""

    tags: Any
    key: str = Field(default="none", exclude=True)


def test_what_a_class_excludes_from_its_dumps_is_not_kept() -> None:
    for tags in (["a"], {"a"}):
        assert there_and_back(Reticent(tags, key="sk-1")) == Reticent(tags)


def test_of_a_secret_its_stars_are_kept() -> None:
    held = {"key": SecretStr("sk-1"), "raw": SecretBytes(b"sk-2"), "in": Keyed(key=SecretStr("sk-3"), any={1})}
    written = json.dumps(encode_exactly(held, "it"))
    assert "sk-" not in written
    back = decode_value(json.loads(written))
    stars = "*" * 10
    assert back["key"].get_secret_value() == back["in"].key.get_secret_value() == stars
    assert (back["raw"].get_secret_value(), back["in"].any) == (stars.encode(), {1})


#: What was written before, and what it is.
FORMER: dict[str, tuple[Any, Any]] = {
    "parts of a dataclass": (
        {"$model": f"{__name__}:Note", "parts": {"draft": {"$model": f"{__name__}:Draft", "fields": {"text": "a"}}, "weight": 1}},
        Note(Draft(text="a"), 1),
    ),
    "a deque": ({"$deque": [1]}, deque([1])),
    "a moment": ({"$datetime": "2026-01-02T00:00:00"}, datetime(2026, 1, 2)),
    "a path": ({"$path": "a/b"}, Path("a/b")),
}  # fmt: skip


@pytest.mark.parametrize(("written", "value"), FORMER.values(), ids=FORMER.keys())
def test_what_was_written_before_is_read(written: Any, value: Any) -> None:
    assert decode_value(written) == value


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_json_comes_back_as_it_was(value: Any) -> None:
    assert there_and_back(value) == value


def test_what_json_has_no_place_for_takes_a_documented_form() -> None:
    assert there_and_back(object())["$object"] == "builtins.object"
    assert math.isnan(there_and_back(math.nan))
    assert math.isnan(there_and_back(Rich(anything=math.nan)).anything)
    around: list[Any] = []
    around.append(around)
    assert isinstance(there_and_back(around), list)


def test_where_all_must_come_back_what_would_not_is_refused_by_name() -> None:
    for value in SAME.values():
        assert decode_value(json.loads(json.dumps(encode_exactly(value, "it")))) == value
    around: list[Any] = []
    around.append(around)
    labelled = Shelf(a=1)
    labelled.label = "of the class's own"  # type: ignore[attr-defined]
    for wrong, named in (
        (object(), "builtins.object"),
        (len, "builtins.builtin_function"),
        (around, "builtins.list"),
        (defaultdict(lambda: 0), "collections.defaultdict"),
        (labelled, f"{__name__}.Shelf"),
        (MappingProxyType({1: 2}), "builtins.mappingproxy"),
        (Labelled("a", 1), f"{__name__}.Labelled"),
        (type("Folder", (PurePosixPath,), {})("a"), f"{__name__}.Folder"),
        # Its class writes the URL as a text, and makes no URL of that.
        (Note(HttpUrl("http://a.b/c"), b"\xff"), "pydantic.networks.HttpUrl"),  # type: ignore[arg-type]
    ):
        with pytest.raises(UsageError, match=f"the output of a holds a {named}"):
            encode_exactly({"in": [wrong]}, "the output of a")


def test_a_path_of_a_class_that_will_not_be_found_is_a_path_where_as_much_comes_back_as_can() -> None:
    assert decode_value(encode_value(type("Folder", (PurePosixPath,), {})("a"))) == Path("a")


UNKNOWN: dict[str, str] = {
    "a module that is not loaded": "antigravity:Draft",
    "a class that is gone": f"{__name__}:Gone",
    "something that is no model": "subprocess:Popen",
    "a function": "os:system",
    "a model that has changed": f"{__name__}:Draft",
}


@pytest.mark.parametrize("name", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_fields_of_what_is_no_such_model_here_come_back_as_a_dict_and_nothing_is_imported(name: str) -> None:
    before = set(sys.modules)
    assert decode_value({"$model": name, "fields": {"words": "a"}}) == {"words": "a"}
    assert decode_value({"$model": name, "held": {"words": "a"}}) == {"words": "a"}
    assert decode_value({"$member": name, "value": "a"}) == "a"
    # What a program could be run with, and would be.
    assert decode_value({"$container": name, "items": ["true"]}) == ["true"]
    assert decode_value({"$path": "true", "class": name}) == Path("true")
    assert decode_value({"$decimal": "1.0", "class": name}) == Decimal("1.0")
    assert set(sys.modules) == before


@pytest.mark.parametrize(
    "written",
    [
        {"$set": {"name": 1}},
        {"$datetime": 5},
        {"$uuid": "zz"},
        {"$map": 1},
        {"$tuple": "ab"},
        {"$set": [[1]]},
        {"$int": "many"},
        {"$decimal": "x", "class": "os:system"},
        {"$deque": {"a": 1}, "maxlen": 2},
    ],
    ids=str,
)
def test_what_only_looks_like_a_form_is_what_it_looks_like(written: Any) -> None:
    # As in what another program has put into the same file.
    assert decode_value({"query": [written]}) == {"query": [written]}
    for _ in range(50):
        written = {"$set": [written]}
    decode_value(written)
