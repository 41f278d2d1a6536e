"""What does not fit is told in the project's own words: where, what was expected, what came; never in pydantic's."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from harness import LLM, Agent, Crew, Flow, event_bus, start
from harness.errors import UsageError
from harness.events import LLMStreamChunkEvent
from harness.flow import CheckpointConfig, FlowState
from harness.validation import all_faults, answer_schema, first_fault, model_json
from tests.test_public_names import PUBLIC

#: How pydantic says what it refuses.
FOREIGN = re.compile(r"Input should|validation error|Field required|not permitted|errors\.pydantic\.dev|String should")


class Part(BaseModel):
    sizes: list[int] = []


class Ship(BaseModel):
    name: str = Field(default="s", min_length=1, max_length=5)
    masts: int = Field(default=1, ge=1, lt=9)
    speed: float = 1.0
    afloat: bool = True
    kind: Literal["sloop", "brig"] = "sloop"
    built: datetime | None = None
    parts: dict[str, Part] = {}
    owner: Callable[[], str] | None = None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"name": 3}, "ship.name: expected text, not 3"),
        ({"name": ""}, "ship.name: expected text of at least 1 character, not ''"),
        ({"masts": "many"}, "ship.masts: expected a whole number, not 'many'"),
        ({"masts": 0}, "ship.masts: expected at least 1, not 0"),
        ({"masts": 9}, "ship.masts: expected less than 9, not 9"),
        ({"speed": None}, "ship.speed: expected a number, not null"),
        ({"afloat": "perhaps"}, "ship.afloat: expected true or false, not 'perhaps'"),
        ({"kind": "raft"}, "ship.kind: expected 'sloop' or 'brig', not 'raft'"),
        ({"built": "soon"}, "ship.built: expected a date and time in ISO form, not 'soon'"),
        ({"parts": []}, "ship.parts: expected an object, not a list"),
        ({"parts": {"keel": {"sizes": [1, "x" * 99]}}}, f"ship.parts.keel.sizes[1]: expected a whole number, not {'x' * 59!r}"),
        ({"owner": 3}, "ship.owner: expected a function, not 3"),
    ],
)  # fmt: skip
def test_a_value_is_told_by_place_expectation_and_what_came(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Ship(**given)
    assert first_fault(raised.value, "ship").replace("…", "'") == told


def test_all_that_does_not_fit_is_told() -> None:
    with pytest.raises(ValidationError) as raised:
        Ship(name=3, masts="many")  # type: ignore[arg-type]
    assert (
        all_faults(raised.value, "Ship")
        == "Ship: name: expected text, not 3; masts: expected a whole number, not 'many'"
    )


MADE: dict[str, Callable[[], object]] = {
    "an agent without a goal": lambda: Agent(role="r"),  # type: ignore[call-arg]
    "a crew": lambda: Crew(agents=[], tasks=[], process="zigzag"),  # type: ignore[arg-type]
    "checkpoints": lambda: CheckpointConfig(location=3),  # type: ignore[arg-type]
    "a setting of checkpoints that is none": lambda: CheckpointConfig(locatoin="x"),  # type: ignore[call-arg]
    "a chunk": lambda: LLMStreamChunkEvent(chunk="x"),  # type: ignore[call-arg]
    "the name of a model": lambda: LLM(3),  # type: ignore[arg-type]
    "an address": lambda: LLM("openai/m", base_url=3),
    "a timeout": lambda: LLM("openai/m", timeout="soon"),
    "retries": lambda: LLM("openai/m", max_retries=-1),
    "a response format": lambda: LLM("openai/m", response_format=3),
    "parameters": lambda: LLM("openai/m", additional_params=[3]),
    "an answer's model": lambda: LLM("openai/m", api_key="k").call("Hi", response_model=3),  # type: ignore[arg-type]
    "functions": lambda: LLM("openai/m", api_key="k").call("Hi", available_functions=[print]),  # type: ignore[arg-type]
    "a flow's limit": lambda: Harbours(max_method_calls="x"),  # type: ignore[arg-type]
    "what is emitted": lambda: event_bus.emit(None, "x"),  # type: ignore[arg-type]
    "what is listened to": lambda: event_bus.on(3),  # type: ignore[arg-type]
}


PUBLIC_MODELS = {name: kind for name, kind in PUBLIC.items() if inspect.isclass(kind) and issubclass(kind, BaseModel)}


def filled_wrongly(kind: type[BaseModel]) -> BaseModel:
    """Give each field what fits none."""
    return kind(**{name: object() for name in kind.model_fields})


MADE |= {name: partial(filled_wrongly, kind) for name, kind in PUBLIC_MODELS.items()}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE.keys())
def test_what_users_make_is_refused_in_own_words(make: Callable[[], object]) -> None:
    with pytest.raises(UsageError, match="expected|no such field|whole number|an instance of|takes classes") as raised:
        make()
    assert FOREIGN.search(str(raised.value)) is None


class Berth(BaseModel, frozen=True):
    name: str


class Quay(BaseModel):
    berths: frozenset[Berth]
    depths: set[str]


class OwnWays(BaseModel):
    depth: int = 1

    def model_dump(self) -> dict[str, Any]:  # type: ignore[override]
        return {"metres": self.depth}

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:  # type: ignore[override]
        return {"type": "object", "title": "Depths"}


def test_the_items_of_sets_have_one_order_also_where_they_are_models() -> None:
    quay = Quay(berths=frozenset(Berth(name=name) for name in "harbou"), depths=set("harbou"))
    assert json.loads(model_json(quay)) == {"berths": [{"name": name} for name in "abhoru"], "depths": [*"abhoru"]}


def test_a_model_may_have_ways_of_its_own_to_be_dumped_and_told_of() -> None:
    assert model_json(OwnWays()) == '{"depth":1}'
    assert answer_schema(OwnWays) == {"type": "object", "title": "Depths"}


class Harbour(FlowState):
    """A state that has to be given something."""

    ships: int


class Harbours(Flow[Harbour]):
    @start()
    def count(self) -> int:
        return self.state.ships


def test_a_state_that_can_not_be_made_tells_what_it_needs() -> None:
    with pytest.raises(UsageError, match="ships: expected a value, and none was given. Give each field of Harbour"):
        Harbours()
