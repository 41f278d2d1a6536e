"""Claims about a flow's state: its kinds, its id, and how inputs get into it."""

from __future__ import annotations

import copy
import functools
import json
import pickle
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, Self, TypedDict, TypeVar

import pytest
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    RootModel,
    computed_field,
    field_validator,
    model_validator,
)

from harness.errors import UsageError
from harness.events import MethodExecutionFinishedEvent
from harness.flow import Flow, FlowState, start
from harness.flow.state import set_field
from harness.flow.value_codec import decode_value, encode_value
from tests.flow.graph.graphs import hearing


class Plan(BaseModel):
    topic: str = "none"
    parts: list[str] = Field(default_factory=list)


class Numbered(BaseModel):
    id: str = ""
    topic: str = "none"


class Based(FlowState):
    topic: str = "none"


class Aliased(FlowState):
    topic: str = Field("none", alias="subject")


class Closed(FlowState):
    model_config = ConfigDict(extra="forbid")
    topic: str = "none"


class Needy(BaseModel):
    topic: str


class One(Flow):
    @start()
    def a(self) -> Any:
        return self.state


class OfPlan(Flow[Plan]):
    @start()
    def a(self) -> str:
        self.state.parts.append(self.state.topic)
        return self.state.topic


S = TypeVar("S", bound=BaseModel)


class Between(Flow[S], Generic[S]):
    @start()
    def a(self) -> str:
        return type(self.state).__name__


class OfNumbered(Between[Numbered]):
    """A flow whose state is named further up."""


T = TypeVar("T")


class ToolAndState(Between[S], Generic[T, S]):
    """A generic flow that has another parameter before its state's."""


class OfTool(OfPlan, Generic[T]):
    """A generic flow whose parameter is not its state's."""


class OfSecond(ToolAndState[Based, Numbered]):
    """A flow whose state is the second of two parameters."""


class OfConcrete(OfTool[Based]):
    """A flow whose state a generic base has named already."""


class Typed(TypedDict):
    topic: str


def of(kind: Any) -> Flow[Any]:
    """Return a flow that says in brackets what its state is."""

    class Of(Flow[kind]):
        @start()
        def a(self) -> None: ...

    return Of()


class Declared(Flow):
    initial_state = {"topic": "declared", "parts": []}

    @start()
    def a(self) -> None:
        self.state["parts"].append("a")


KINDS: dict[str, tuple[Callable[[], Flow[Any]], type, str | None]] = {
    "nothing said": (One, dict, None),
    "dict in brackets": (lambda: of(dict[str, Any]), dict, None),
    "typed dict in brackets": (lambda: of(Typed), dict, None),
    "own dict in brackets": (lambda: of(OrderedDict[str, Any]), dict, None),
    "typed dict option": (lambda: One(initial_state=Typed), dict, None),
    "model in brackets": (OfPlan, Plan, "none"),
    "model in brackets further up": (OfNumbered, Numbered, "none"),
    "model in brackets, the second of two": (OfSecond, Numbered, "none"),
    "model in brackets of a base with brackets of its own": (OfConcrete, Plan, "none"),
    "model in brackets where it is made": (lambda: ToolAndState[Based, Numbered](), Numbered, "none"),
    "model in brackets and an option": (lambda: Between[Plan](initial_state=Numbered), Numbered, "none"),
    "model in brackets where that is not the state's": (lambda: OfTool[Based](), Plan, "none"),
    "dict attribute": (Declared, dict, "declared"),
    "dict option": (lambda: One(initial_state={"topic": "given"}), dict, "given"),
    "dict class": (lambda: One(initial_state=dict), dict, None),
    "model class": (lambda: One(initial_state=Plan), Plan, "none"),
    "model class with an id": (lambda: One(initial_state=Numbered), Numbered, "none"),
    "model class on the base": (lambda: One(initial_state=Based), Based, "none"),
    "model instance": (lambda: One(initial_state=Plan(topic="given")), Plan, "given"),
    "model instance that needs a value": (lambda: One(initial_state=Needy(topic="given")), Needy, "given"),
    "model instance with an id": (lambda: One(initial_state=Numbered(topic="given")), Numbered, "given"),
}


def read(state: Any, field: str) -> Any:
    return state.get(field) if isinstance(state, dict) else getattr(state, field)


@pytest.mark.parametrize(("make", "kind", "topic"), KINDS.values(), ids=KINDS.keys())
def test_every_kind_of_state_has_its_values_and_an_id_of_its_own(
    make: Callable[[], Flow[Any]], kind: type, topic: str | None
) -> None:
    first, second = make().state, make().state
    assert isinstance(first, kind)
    assert read(first, "topic") == topic
    assert isinstance(read(first, "id"), str)
    assert read(first, "id") not in ("", read(second, "id"))


@pytest.mark.parametrize(("make", "kind", "topic"), KINDS.values(), ids=KINDS.keys())
def test_inputs_get_into_every_kind_of_state_and_leave_its_id(
    make: Callable[[], Flow[Any]], kind: type, topic: str | None
) -> None:
    flow = make()
    before = read(flow.state, "id")
    flow.kickoff({"topic": "rain"})
    assert (read(flow.state, "topic"), read(flow.state, "id")) == ("rain", before)
    assert isinstance(flow.state, kind)
    flow.kickoff({"id": "mine"})
    assert (read(flow.state, "topic"), read(flow.state, "id")) == ("rain", "mine")


def test_flows_share_no_part_of_a_declared_state() -> None:
    Declared().kickoff()
    assert Declared().state["parts"] == []
    assert Declared.initial_state == {"topic": "declared", "parts": []}


def test_a_part_that_can_not_be_copied_is_shared() -> None:
    lock = threading.Lock()
    assert One(initial_state={"lock": lock}).state["lock"] is lock


def test_a_flow_keeps_its_state_from_run_to_run() -> None:
    flow = OfPlan()
    flow.kickoff({"topic": "rain"})
    flow.kickoff()
    assert flow.state.parts == ["rain", "rain"]


def test_what_an_instance_holds_beside_its_fields_is_in_the_state() -> None:
    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")

        topic: str = "none"

    state = One(initial_state=Open(topic="given", more=[1])).state  # type: ignore[call-arg]
    assert (read(state, "topic"), read(state, "more")) == ("given", [1])
    assert read(One(initial_state=Open(id="mine")).state, "id") == "mine"  # type: ignore[call-arg]


def test_inputs_are_validated_and_converted() -> None:
    flow = One(initial_state=Aliased)
    flow.kickoff({"subject": "rain"})
    assert read(flow.state, "topic") == "rain"
    flow.kickoff({"topic": "snow"})
    assert read(flow.state, "topic") == "snow"


class Tagged(FlowState):
    model_config = ConfigDict(extra="forbid")
    tags: list[str] = Field(["a"], alias="labels")
    size: int = 0
    _size: int = PrivateAttr(0)

    @field_validator("tags", mode="before")
    @classmethod
    def split(cls, tags: str) -> list[str]:
        return tags.split(",")


class Doubled(FlowState):
    """A state that its class makes another of each time, and of which it keeps more than its fields."""

    number: int = 1
    other: int = 0
    total: int = 0
    _seen: list[int] = PrivateAttr(default_factory=list)
    _total: int = PrivateAttr(0)

    @field_validator("number")
    @classmethod
    def double(cls, number: int) -> int:
        return number * 2

    @functools.cached_property
    def half(self) -> float:
        return self.other / 2

    @model_validator(mode="after")
    def add(self) -> Self:
        self.total = self._total = 100 + self.other
        return self


def test_what_the_inputs_do_not_speak_of_stays_as_it_is_held() -> None:
    flow: Flow[Any] = One(initial_state=Doubled)
    flow.kickoff({"number": 3})
    flow.state._seen.append(3)
    assert flow.state.half == 0
    seen = flow.state._seen
    flow.kickoff({"id": "mine"})
    assert (flow.state.number, flow.state.id) == (6, "mine")
    assert flow.state._seen is seen
    # What the class derives from them does not.
    flow.kickoff({"other": 5})
    assert (flow.state.number, flow.state.total, flow.state._total) == (6, 105, 105)
    assert flow.state.half == 2.5


def test_inputs_are_taken_where_the_class_would_refuse_what_is_held() -> None:
    flow: Flow[Any] = One(initial_state=Tagged)
    flow.state._size = 9
    flow.kickoff({"size": 2})
    assert (flow.state.tags, flow.state.size, flow.state._size) == (["a"], 2, 9)
    flow.kickoff({"labels": "b,c"})
    assert (flow.state.tags, flow.state.size) == (["b", "c"], 2)


def test_an_instance_brings_what_it_keeps_beside_its_fields() -> None:
    class Kept(BaseModel):
        _place: str = PrivateAttr("none")

    given = Kept()
    given._place = "here"
    state: Any = One(initial_state=given).state
    assert state._place == "here"


def test_an_input_by_its_name_outside_is_no_other_field() -> None:
    class Open(FlowState):
        model_config = ConfigDict(extra="allow")
        topic: str = Field("none", alias="subject")
        first: int = Field(1, validation_alias=AliasChoices("one", AliasPath("numbers", 0)))
        second: int = Field(2, validation_alias=AliasPath("numbers", 1))

    flow: Flow[Any] = One(initial_state=Open)
    flow.state.second = 7
    flow.kickoff({"subject": "rain", "numbers": [5]})
    assert (flow.state.topic, flow.state.first, flow.state.second) == ("rain", 5, 7)
    assert "topic" not in flow.state.model_extra


BAD: dict[str, tuple[Any, dict[str, Any], str]] = {
    "a wrong type": (
        Plan,
        {"topic": 3},
        r"Invalid inputs for structured state: topic: expected text, not 3 .inputs of One.",
    ),
    "a wrong part": (Plan, {"parts": ["a", 2]}, r"parts\[1\]: "),
    "two wrong fields": (Plan, {"topic": 3, "parts": 4}, r"topic: .*; parts: "),
    "an unknown field of a closed model": (Closed, {"tpoic": "rain"}, r"tpoic: "),
}


@pytest.mark.parametrize(("model", "inputs", "message"), BAD.values(), ids=BAD.keys())
def test_inputs_that_do_not_fit_are_refused_at_the_call_by_name(
    model: Any, inputs: dict[str, Any], message: str
) -> None:
    flow = One(initial_state=model)
    for call in (flow.kickoff, flow.stream_events, flow.astream):
        with pytest.raises(UsageError, match=message):
            call(inputs)
    assert flow.method_outputs == []


def test_a_model_that_needs_values_is_refused_when_the_flow_is_made() -> None:
    with pytest.raises(UsageError, match=r"the state of One can't be made: topic: .* default"):
        One(initial_state=Needy)


@pytest.mark.parametrize("kind", [dict, Typed, Any])
def test_what_the_constructor_of_a_generic_flow_puts_into_a_dict_is_there(kind: Any) -> None:
    class Filled(Between[S], Generic[S]):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            set_field(self._state, "topic", "filled")

    for made in (Filled[kind](), Filled[Plan](initial_state={})):
        assert read(made.state, "topic") == "filled"


def test_a_flow_whose_model_in_brackets_needs_values_can_not_be_used_whatever_python_makes_of_the_refusal() -> None:
    flow: Flow[Any] = Between()
    with pytest.raises(UsageError, match=r"the state of Between can't be made: topic: .* default"):
        flow.__orig_class__ = Between[Needy]  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match=r"each field of a model in Between\[…\] have a default"):
        flow.kickoff()


@pytest.mark.parametrize("wrong", [3, "dict", [1], int])
def test_what_is_no_state_is_refused_when_the_flow_is_made(wrong: object) -> None:
    with pytest.raises(UsageError, match="a dict or a pydantic model"):
        One(initial_state=wrong)


def test_a_model_that_can_have_no_id_is_refused_when_the_flow_is_made() -> None:
    class Rows(RootModel[list[int]]):
        root: list[int] = []

    with pytest.raises(UsageError, match="Rows is no model for a state, which needs an id: Unexpected field"):
        One(initial_state=Rows)


def test_an_id_that_a_model_makes_of_its_fields_is_the_states() -> None:
    class Seat(BaseModel, extra="forbid"):
        row: int = 1

        @computed_field  # type: ignore[prop-decorator]
        @property
        def id(self) -> str:
            return f"row-{self.row}"

    flow: Any = One(initial_state=Seat)
    flow.kickoff({"row": 3})
    assert (flow.flow_id, type(flow.state)) == ("row-3", Seat)
    # By which a run may be looked for.
    flow.kickoff({"row": 4, "id": "row-3"})
    assert flow.flow_id == "row-4"


class Talked(Flow[Plan]):
    conversational = True


@pytest.mark.parametrize("cls", [One, Talked])
def test_a_state_whose_model_lacked_something_is_one_again_where_it_was_kept(cls: type[Flow[Any]]) -> None:
    state = cls(initial_state=Plan(topic="tides")).state
    for back in (pickle.loads(pickle.dumps(state)), decode_value(json.loads(json.dumps(encode_value(state))))):
        assert (back, type(back)) == (state, type(state))
    assert isinstance(state, Plan)
    # Where it is read, no flow may have had such a state yet.
    unmade: type[BaseModel] = type(f"Unmade{cls.__name__}", (Plan,), {"__module__": __name__})
    globals()[unmade.__name__] = unmade
    back = decode_value(json.loads(json.dumps(encode_value(state)).replace(":Plan.", f":{unmade.__name__}.")))
    assert type(back) is type(cls(initial_state=unmade()).state)


def test_the_state_is_copied_for_whoever_sees_it_and_for_nobody_else() -> None:
    copies: list[int] = []

    class Counted(BaseModel):
        id: str = "x"

        def __getattribute__(self, name: str) -> Any:
            if name == "id":
                copies.append(1)
            return super().__getattribute__(name)

    class Reads(Flow[Counted]):
        @start()
        def a(self) -> None: ...

    Reads().kickoff()
    made = len(copies)
    session = Reads().stream_events()
    assert [frame.data["state"] for frame in session if "state" in frame.data] == [{"id": "x"}] * 3
    assert len(copies) - made == made + 3
    with hearing(MethodExecutionFinishedEvent, note=lambda event: event.state) as seen:
        Reads().kickoff()
    assert seen == [{"id": "x"}]


class Listed(BaseModel):
    seen: list[int] = []


class Counting(Flow[Listed]):
    """A flow with what can't be copied, too."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.lock = threading.Lock()
        self.own = [1]
        self.me = self

    @start()
    def count(self) -> list[int]:
        self.state.seen.append(len(self.state.seen))
        return self.state.seen


def test_a_copy_of_a_flow_holds_the_same_and_runs_apart() -> None:
    flow = Counting()
    flow.kickoff()
    twin = copy.deepcopy(flow)
    assert (twin.flow_id, twin.state, twin.method_outputs) == (flow.flow_id, flow.state, flow.method_outputs)
    assert twin.me is twin
    assert twin.lock is flow.lock
    twin.own.append(2)
    assert (twin.kickoff(), flow.state.seen, flow.own) == ([0, 1], [0], [1])
