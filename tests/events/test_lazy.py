"""Events that nobody has looked at are, to whoever looks first, what validated ones are."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Literal

import pytest
from pydantic import (
    AliasChoices,
    BaseModel,
    Field,
    PrivateAttr,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from harness.bus import emit
from harness.errors import UsageError
from harness.events import BaseEvent
from harness.events.lazy import fields_of
from harness.events.sources import sources
from harness.session.session import StreamSession
from tests.threads import in_threads

MOMENT = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Plain(BaseEvent):
    type: str = "plain"
    text: str
    number: int | None = None
    anything: Any = None
    choice: Literal["a", "b"] = "a"


class Holder(BaseModel):
    event: BaseEvent


@pytest.fixture(autouse=True)
def _same_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "now", lambda: MOMENT)
    monkeypatch.setattr(sources, "new_id", lambda: "the-id")


def unread(**given: Any) -> Plain:
    event = Plain(**given)
    assert event._lazy_record is not None
    return event


#: Every way to look at an event first.
LOOKS: dict[str, Callable[[Plain], Any]] = {
    "field": lambda event: event.text,
    "default": lambda event: event.choice,
    "id and time": lambda event: (event.event_id, event.timestamp),
    "equality": lambda event: event == validated(),
    "equality, the other way": lambda event: validated() == event,
    "inequality": lambda event: event == validated("other"),
    "hash": hash,
    "repr": repr,
    "str": str,
    "iteration": list,
    "vars": lambda event: list(vars(event).items()),
    "python dump": lambda event: event.model_dump(),
    "json dump": lambda event: event.model_dump_json(),
    "dump of what was set": lambda event: event.model_dump(exclude_unset=True),
    "fields set": lambda event: event.model_fields_set,
    "extra": lambda event: event.model_extra,
    "private": lambda event: event.__pydantic_private__,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "model_copy": lambda event: event.model_copy(update={"text": "new"}),
    "pickle": lambda event: pickle.loads(pickle.dumps(event)),
    "validation": lambda event: Plain.model_validate(event),
    "part of a model": lambda event: Holder(event=event).model_dump(serialize_as_any=True),
    "adapter": lambda event: TypeAdapter(Plain).dump_json(event),
    "missing": lambda event: hasattr(event, "missing"),
    "reissued": lambda event: event.reissued(),
}


def validated(text: str = "é") -> Plain:
    event = Plain.model_validate({"text": text, "number": 3})
    assert fields_of(event)
    return event


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
def test_the_first_look_finds_what_validation_makes(look: Callable[[Plain], Any]) -> None:
    event = unread(text="é", number=3)
    assert fields_of(event) == {}
    assert look(event) == look(validated())
    assert list(fields_of(event).items()) == list(fields_of(validated()).items())


@pytest.mark.parametrize("change", [lambda event: setattr(event, "text", "b"), lambda event: delattr(event, "text")])
def test_the_first_look_may_not_be_a_change(change: Callable[[Plain], None]) -> None:
    event = unread(text="a")
    with pytest.raises(ValidationError, match="frozen"):
        change(event)
    assert event.text == "a"


def test_what_no_field_has_is_missing_as_on_any_model() -> None:
    for event in (unread(text="a"), validated()):
        with pytest.raises(AttributeError, match="'Plain' object has no attribute 'missing'"):
            _ = event.missing  # type: ignore[attr-defined]


def test_threads_that_look_first_together_find_the_same() -> None:
    event = unread(text="a")
    seen: list[str] = []
    in_threads(4, lambda: seen.append(repr(event)))
    assert seen == [repr(Plain.model_validate({"text": "a"}))] * 4


@pytest.mark.parametrize("name", ["text", "event_id", "__pydantic_fields_set__"])
def test_who_looked_before_another_thread_had_filled_it_finds_it_all_the_same(name: str) -> None:
    event = unread(text="a")
    found = getattr(event, name)
    # What Python asks for once it has not found a name, here after another thread's look.
    assert type(event).__getattr__(event, name) == found  # type: ignore[attr-defined]


class Text(str):
    __slots__ = ()


#: What is not of exactly a type that its field takes as it is, and what pydantic makes of it.
VALIDATED: dict[str, tuple[dict[str, Any], Any]] = {
    "a subclass of text": ({"text": Text("a")}, {"text": "a"}),
    "a truth for a number": ({"text": "a", "number": True}, {"number": 1}),
    "text for a number": ({"text": "a", "number": "3"}, {"number": 3}),
    "a list": ({"text": "a", "anything": [1]}, {"anything": [1]}),
    "a choice": ({"text": "a", "choice": "b"}, {"choice": "b"}),
    "a time of one's own": ({"text": "a", "timestamp": "2026-01-02T03:04:05+02:00"}, {"timestamp": datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)}),
    "an id of one's own": ({"text": "a", "event_id": "mine"}, {"event_id": "mine"}),
    "a link of one's own": ({"text": "a", "started_event_id": "mine"}, {"started_event_id": "mine"}),
    "a type of one's own": ({"text": "a", "type": "mine"}, {"type": "mine"}),
    "a name that is no field": ({"text": "a", "unknown": 1}, {"text": "a"}),
}  # fmt: skip


@pytest.mark.parametrize(("given", "expected"), VALIDATED.values(), ids=VALIDATED.keys())
def test_what_could_need_a_change_is_validated(given: dict[str, Any], expected: dict[str, Any]) -> None:
    event = Plain(**given)
    assert event._lazy_record is None
    assert {name: getattr(event, name) for name in expected} == expected
    assert event == Plain.model_validate(given)


REFUSED: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a missing field": {"number": 1},
    "a number for text": {"text": 1},
    "None for text": {"text": None},
    "a wrong choice": {"text": "a", "choice": "c"},
    "no time": {"text": "a", "timestamp": None},
    "a time that UTC has not": {"text": "a", "timestamp": "9999-12-31T23:59:59-02:00"},
    "an empty id": {"text": "a", "event_id": ""},
    "an id that no file can hold": {"text": "a", "event_id": "a\ud83d"},
}


@pytest.mark.parametrize("given", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_valid_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="^Plain: .*expected"):
        Plain(**given)


class Level(Enum):
    LOW = "low"


class Validator(Plain):
    @field_validator("text")
    @classmethod
    def _upper(cls, text: str) -> str:
        return text.upper()


class ModelValidator(Plain):
    @model_validator(mode="before")
    @classmethod
    def _always(cls, values: Any) -> Any:
        return {**values, "text": "ABC"}


class Alias(Plain):
    text: str = Field(alias="text", validation_alias=AliasChoices("text", "t"))


class Constrained(Plain):
    text: str = Field(max_length=3)


class Private(Plain):
    _count: int = PrivateAttr(default=7)


class PostInit(Plain):
    def model_post_init(self, context: Any, /) -> None:
        object.__setattr__(self, "noted", "ABC")


class Strict(Plain, str_to_upper=True):
    pass


class Made(Plain):
    items: list[int] = Field(default_factory=list)


class Changeable(Plain):
    items: list[int] = []


class OfAnEnum(Plain):
    level: Level = Level.LOW


class DefaultValidated(Plain):
    number: int | None = Field(default="4", validate_default=True)


class OwnLook(Plain):
    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


@pytest.mark.parametrize(
    "kind",
    [
        Validator, ModelValidator, Alias, Constrained, Private, PostInit, Strict, Made, Changeable, OfAnEnum,
        DefaultValidated, OwnLook,
    ],
)  # fmt: skip
def test_a_class_that_does_more_than_take_values_has_its_events_validated(kind: type[Plain]) -> None:
    event = kind(text="abc")
    assert getattr(event, "_lazy_record", None) is None
    assert event == kind.model_validate({"text": "abc"})
    # It can be emitted all the same.
    [frame] = StreamSession(lambda: emit(None, event))
    assert frame.data["text"] == event.text


def test_a_class_with_its_own_init_may_still_leave_its_events_unread() -> None:
    class Own(Plain):
        def __init__(self, text: str) -> None:
            super().__init__(text=f"<{text}>")

    event = Own("a")
    assert event._lazy_record is not None
    assert event.text == "<a>"


def test_making_an_event_builds_no_schema() -> None:
    class Fresh(Plain):
        pass

    assert Fresh(text="a").text == "a"
    assert not Fresh.__pydantic_complete__
