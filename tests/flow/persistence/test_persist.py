"""Claims about `@persist`: when a state is saved, where, and how a later run goes on with it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from pydantic import BaseModel, Field, PrivateAttr, field_validator

from harness import StreamFrame
from harness.errors import UsageError
from harness.flow import (
    Flow,
    FlowPersistence,
    SQLiteFlowPersistence,
    StatePersistenceError,
    default_flow_persistence,
    human_feedback,
    listen,
    persist,
    set_flow_persistence_factory,
    start,
)
from tests.flow.engine.noting import raises
from tests.flow.feedback.people import Later
from tests.flow.graph.graphs import TIMEOUT_S, transcript
from tests.flow.persistence.memory import Memory


class Counted(BaseModel):
    count: int = 0
    notes: list[str] = []


class Settings(BaseModel):
    lock: Any


class Own(BaseModel):
    """A state that its class makes another of, or refuses, each time it is given one."""

    number: int = 1
    tags: list[str] = ["a"]
    bounded: int = Field(0, le=3)

    @field_validator("number")
    @classmethod
    def double(cls, number: int) -> int:
        return number * 2

    @field_validator("tags", mode="before")
    @classmethod
    def split(cls, tags: str) -> list[str]:
        return tags.split(",")


@pytest.mark.parametrize("changed", [{"number": 6}, {"tags": ["b", "c"]}, {"bounded": 9}, {}])
@pytest.mark.parametrize("in_sqlite", [True, False])
def test_a_state_that_its_class_would_change_or_refuse_comes_back_as_it_was(
    changed: dict[str, Any], in_sqlite: bool, tmp_path: Path
) -> None:
    place = SQLiteFlowPersistence(tmp_path / "states.db") if in_sqlite else Memory()

    @persist(place)
    class Keeps(Flow[Own]):
        @start()
        def change(self) -> dict[str, Any]:
            before = self.state.model_dump()
            for name, value in changed.items():
                setattr(self.state, name, value)
            return before

    first = Keeps()
    first.kickoff()
    again = Keeps()
    assert again.kickoff({"id": first.flow_id}) == first.state.model_dump()
    forked = Keeps()
    assert {**forked.kickoff(restore_from_state_id=first.flow_id), "id": first.flow_id} == first.state.model_dump()


class Idle(Flow):
    @start()
    def first(self) -> None: ...


def whole_class(persistence: Memory, **options: Any) -> Flow[Counted]:
    @persist(persistence)
    class Whole(Flow[Counted]):
        @start()
        def first(self) -> None:
            self.state.count += 1

        @listen(first)
        async def second(self) -> None:
            self.state.count += 10

    return Whole(**options)


def one_method(persistence: Memory, **options: Any) -> Flow:
    class One(Flow):
        @start()
        def first(self) -> None:
            self.state["count"] = 1

        @listen(first)
        @persist(persistence)
        def second(self) -> None:
            self.state["count"] += 10

        @listen(second)
        def third(self) -> None: ...

    return One(**options)


def test_a_class_is_saved_after_each_method_and_a_method_after_itself_alone() -> None:
    whole, one = Memory(), Memory()
    flow = whole_class(whole)
    flow.kickoff()
    assert whole.saved == [
        (flow.flow_id, "first", {"id": flow.flow_id, "count": 1, "notes": []}),
        (flow.flow_id, "second", {"id": flow.flow_id, "count": 11, "notes": []}),
    ]
    alone = one_method(one)
    alone.kickoff()
    assert one.saved == [(alone.flow_id, "second", {"id": alone.flow_id, "count": 11})]


def test_the_persistence_of_a_method_comes_before_that_of_its_class_and_the_constructors_before_both() -> None:
    outer, inner, given, below = Memory(), Memory(), Memory(), Memory()

    @persist(outer)
    class Both(Flow):
        @start()
        def first(self) -> None: ...

        @listen(first)
        @persist(inner)
        def second(self) -> None: ...

    Both().kickoff()
    assert (outer.methods, inner.methods) == (["first"], ["second"])
    Both(persistence=given).kickoff()
    assert (outer.methods, inner.methods, given.methods) == (["first"], ["second"], ["first", "second"])
    # As of a test, which keeps nothing where the program does.
    persist(below)(type("Below", (Both,), {}))().kickoff()
    assert (outer.methods, inner.methods, below.methods) == (["first"], ["second", "second"], ["first"])


def test_a_class_is_saved_in_each_place_that_it_is_decorated_with() -> None:
    places = Memory(), Memory()

    persist(places[0])(persist(places[1])(type("Twice", (Idle,), {})))().kickoff()
    assert [place.methods for place in places] == [["first"], ["first"]]


def test_a_persistence_that_is_only_given_has_nothing_saved() -> None:
    given = Memory()

    type("Plain", (Idle,), {"persistence": given})().kickoff()
    assert given.saved == []


def test_a_state_is_on_record_before_the_end_of_its_method_is_published() -> None:
    persistence = Memory()
    seen: list[int] = []
    frames: list[StreamFrame] = []
    for frame in whole_class(persistence).stream_events(look_ahead=1):
        frames.append(frame)
        if frame.type == "method_execution_finished":
            seen.append(len(persistence.saved))
    assert seen[0] >= 1
    assert len(seen) == 2
    assert seen[1] == 2
    assert frames[-1].type == "flow_finished"


def test_a_save_that_blocks_does_not_hold_the_loop() -> None:
    saving, other_ran = threading.Event(), threading.Event()

    class Slow(Memory):
        def save_state(self, flow_uuid: str, method_name: str, state_data: Any) -> None:
            saving.set()
            assert other_ran.wait(TIMEOUT_S)
            super().save_state(flow_uuid, method_name, state_data)

    async def run() -> None:
        kickoff = asyncio.create_task(whole_class(Slow()).kickoff_async())
        assert await asyncio.to_thread(saving.wait, TIMEOUT_S)
        other_ran.set()
        await kickoff

    asyncio.run(run())


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("saving", "State persistence failed: the disk is full"),
        ("id", "must have an 'id' field for persistence"),
        ("field", r"failed: state\['settings'\] holds a _thread.lock as Settings.lock, which can't be kept"),
        ("key", "State persistence failed: the state has the key 1, which can't be kept: its keys are text"),
    ],
)
def test_a_save_that_fails_fails_the_method(broken: str, message: str) -> None:
    class Failing(Memory):
        def save_state(self, flow_uuid: str, method_name: str, state_data: Any) -> None:
            raise OSError("the disk is full")

    class Fails(Flow):
        @start()
        @persist(Failing())
        def first(self) -> None:
            if broken == "id":
                del self.state["id"]
            if broken == "field":
                self.state["settings"] = Settings(lock=threading.Lock())
            if broken == "key":
                self.state[1] = "one"  # type: ignore[index]

    session = Fails().stream_events()
    with pytest.raises(RuntimeError, match=message) as caught:
        list(session)
    assert isinstance(caught.value, StatePersistenceError)
    assert isinstance(caught.value, ValueError) == (broken == "id")
    assert transcript(session.frames)[-2:] == ["first failed p1", "Fails failed"]


class Asked(Flow):
    """Asks in the middle of a method, and what somebody thinks of what that gives."""

    @start()
    @human_feedback("May it go out?", provider=Later())
    def write(self) -> str | None:
        return self.ask("When?") if "asks" in self.state else "a draft"


USES: dict[str, tuple[str, str, Callable[[FlowPersistence], object]]] = {
    "a run with an id": ("load_state", "Loading a state", lambda place: Asked(persistence=place).kickoff({"id": "x"})),
    "a fork": (
        "load_state",
        "Loading a state",
        lambda place: Asked(persistence=place).kickoff(restore_from_state_id="x"),
    ),
    "one that asks": (
        "save_state",
        "State persistence",
        lambda place: Asked(persistence=place).kickoff({"asks": True}),
    ),
    "one that waits": ("save_pending_feedback", "State persistence", lambda place: Asked(persistence=place).kickoff()),
    "taking it up": (
        "load_pending_feedback",
        "Loading a flow that waits",
        lambda place: Asked.from_pending("x", place),
    ),
}


class MuteError(Exception):
    def __str__(self) -> str:
        raise LookupError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConnectionError("no server"), "no server"),
        (StopIteration("no server"), "no server"),
        (MuteError(), "<its text raised"),
    ],
    ids=["an error", "the end of an iterator", "one without a text"],
)
@pytest.mark.parametrize(("refused", "doing", "use"), USES.values(), ids=USES.keys())
def test_whatever_a_place_raises_is_told_as_what_could_not_be_done(
    refused: str,
    doing: str,
    use: Callable[[FlowPersistence], object],
    error: Exception,
    text: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Memory, refused, lambda *args, **named: raises(error)(None))
    with pytest.raises(StatePersistenceError, match=f"{doing} failed: {text}") as caught:
        use(Memory())
    assert caught.value.__cause__ is error


def test_verbose_says_what_is_saved(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    class Loud(Flow):
        @start()
        @persist(Memory(), verbose=True)
        def first(self) -> None: ...

    flow = Loud()
    with caplog.at_level("INFO", "harness"):
        flow.kickoff()
    said = f"Saving flow state to memory for ID: {flow.flow_id}"
    assert said in caplog.messages
    assert capsys.readouterr().out == f"{said}\n"


# Going on.


def test_a_run_with_the_id_of_a_state_goes_on_with_it_and_the_inputs_win() -> None:
    persistence = Memory()
    earlier = whole_class(persistence)
    earlier.kickoff({"notes": ["kept"]})
    later = whole_class(persistence)
    later.kickoff({"id": earlier.flow_id})
    assert (later.flow_id, later.state.count, later.state.notes) == (earlier.flow_id, 22, ["kept"])
    list(later.stream_events({"id": earlier.flow_id, "count": 100}))
    assert (later.state.count, later.state.notes) == (111, ["kept"])


def test_a_fork_has_an_id_of_its_own_and_leaves_the_other_as_it_is() -> None:
    persistence = Memory()
    earlier = one_method(persistence)
    earlier.kickoff({"topic": "tides"})

    async def forked(**inputs: Any) -> Flow:
        later = one_method(persistence)
        await later.kickoff_async(inputs, restore_from_state_id=earlier.flow_id)
        return later

    new, named = asyncio.run(forked()), asyncio.run(forked(id="mine"))
    assert new.flow_id not in (earlier.flow_id, "mine")
    assert named.flow_id == "mine"
    assert [flow.state["topic"] for flow in (new, named)] == ["tides", "tides"]
    assert {uuid for uuid, _, _ in persistence.saved} == {earlier.flow_id, new.flow_id, "mine"}


def test_the_id_that_a_fork_is_given_need_be_no_text() -> None:
    class Numbered(BaseModel):
        id: int = 1
        count: int = 0

    @persist(Memory())
    class Whole(Flow[Numbered]):
        @start()
        def first(self) -> None:
            self.state.count += 1

    Whole().kickoff()
    fork = Whole()
    fork.kickoff({"id": 2}, restore_from_state_id="1")
    assert (fork.state.id, fork.state.count) == (2, 2)


@pytest.mark.parametrize("empty", ["", None])
def test_runs_with_an_empty_id_have_nothing_of_one_another(empty: str | None) -> None:
    persistence = Memory()
    flows = [whole_class(persistence) for _ in range(3)]
    flows[0].kickoff({"id": empty, "notes": ["of one"]})
    list(flows[1].stream_events({"id": empty}))
    flows[2].kickoff(restore_from_state_id=empty)
    assert [flow.state.notes for flow in flows] == [["of one"], [], []]
    assert len({flow.flow_id for flow in flows} - {"", "None"}) == 3


def test_a_zero_is_an_id() -> None:
    class Numbered(BaseModel):
        id: int = 5

    class One(Flow[Numbered]):
        @start()
        def number(self) -> int:
            return self.state.id

    assert One().kickoff({"id": 0}) == 0


@pytest.mark.parametrize("options", [{"inputs": {"id": "other"}}, {"restore_from_state_id": "other"}], ids=str)
def test_an_id_that_is_not_known_is_said_in_the_log(options: Any, caplog: pytest.LogCaptureFixture) -> None:
    flow = one_method(Memory())
    flow.kickoff(**options)
    assert "no state is kept under the id 'other'" in caplog.text
    assert flow.state["count"] == 11


def test_a_state_that_no_longer_fits_is_refused() -> None:
    persistence = Memory()
    persistence.save_state("x", "first", {"id": "x", "count": "many"})
    with pytest.raises(
        UsageError, match="a state that was kept does not fit Whole: count: expected a whole number, not "
    ):
        whole_class(persistence).kickoff({"id": "x"})


def test_an_id_without_a_persistence_is_just_the_id() -> None:
    flow = Idle()
    flow.kickoff({"id": "mine"}, restore_from_state_id="other")
    assert flow.state == {"id": "mine"}


def test_who_names_no_persistence_gets_what_the_factory_makes() -> None:
    made = Memory()
    set_flow_persistence_factory(lambda: made)
    try:
        persist()(type("Whole", (Idle,), {}))().kickoff()
    finally:
        set_flow_persistence_factory(None)
    assert made.methods == ["first"]


def test_what_the_factory_makes_can_be_asked_of_its_annotations() -> None:
    assert get_type_hints(default_flow_persistence)["return"] is FlowPersistence
    assert get_type_hints(set_flow_persistence_factory)["factory"] == Callable[[], FlowPersistence] | None


def test_what_a_place_calls_the_id_of_a_flow_is_its_own_affair() -> None:
    class Named(Memory):
        def load_state(self, key: str) -> dict[str, Any] | None:
            return {"id": key, "count": 5}

    @persist(Named())
    class Counts(Flow[dict[str, Any]]):
        @start()
        def count(self) -> int:
            return int(self.state["count"])

    assert Counts().kickoff(inputs={"id": "seen"}) == 5


def test_a_place_may_give_a_state_as_the_model_that_it_is_and_nothing_that_is_none() -> None:
    class Given(Memory):
        def load_state(self, flow_uuid: str) -> Any:
            return self.saved[-1][2]

    place = Given()
    place.save_state("x", "first", Counted(count=3))
    flow = whole_class(place)
    flow.kickoff({"id": "x"})
    assert flow.state.count == 14
    place.save_state("x", "first", 5)
    with pytest.raises(StatePersistenceError, match="Loading a state failed: 'int' object is not iterable"):
        flow.kickoff({"id": "x"})


class Rack(FlowPersistence):
    """A place with fields, as one that was written for CrewAI."""

    label: str = "states"
    rows: dict[str, Any] = Field(default_factory=dict)
    _made: list[str] = PrivateAttr(default_factory=list)

    def model_post_init(self, context: Any, /) -> None:
        self._made.append(self.label)

    def init_db(self) -> None: ...

    def load_state(self, flow_uuid: str) -> dict[str, Any] | None:
        return self.rows.get(flow_uuid)

    def save_state(self, flow_uuid: str, method_name: str, state_data: Any) -> None:
        self.rows[flow_uuid] = state_data


def test_what_a_place_annotates_are_options_of_its_constructor() -> None:
    first, second = Rack(), Rack(label="others", rows={"a": {}})

    flow = persist(first)(type("Kept", (Idle,), {}))()
    flow.kickoff()
    assert (list(first.rows), first._made) == ([flow.flow_id], ["states"])
    assert (second.rows, second._made) == ({"a": {}}, ["others"])
    with pytest.raises(UsageError, match="label: expected text, not 3"):
        Rack(label=3)
    with pytest.raises(TypeError):
        Rack(colour="red")


class ModelShelf(FlowPersistence, BaseModel):
    label: str = "states"
    made: int = 0

    def model_post_init(self, context: Any, /) -> None:
        self.made += 1

    def init_db(self) -> None: ...

    def load_state(self, flow_uuid: str) -> dict[str, Any] | None: ...

    def save_state(self, flow_uuid: str, method_name: str, state_data: Any) -> None: ...


def test_a_place_that_is_a_model_is_made_as_one() -> None:
    assert ModelShelf(label="others").model_dump() == {"label": "others", "made": 1}
