"""Claims about what a flow class annotates: options with defaults, validated, and each flow's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

import pytest
from pydantic import BaseModel, Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from harness.errors import UsageError
from harness.flow import Flow, SQLiteFlowPersistence, start


class Author(BaseModel):
    name: str


class Article(Flow):
    limit: ClassVar[int] = 7
    topic: str = "tides"
    words: int = Field(default=100, ge=1)
    author: Author | None = None
    tags: list[str] = []
    sources: list[str] = Field(default_factory=list)
    later: str
    _seen: list[str] = PrivateAttr(default_factory=list)

    @start()
    def write(self) -> str:
        self.tags.append("written")
        self._seen.append(self.topic)
        return f"{self.words} on {self.topic}"


class Longer(Article):
    """One more field, and something to do when it is made."""

    chapters: int = 1
    total: int = 0

    def model_post_init(self, context: Any, /) -> None:
        self.total = self.chapters * self.words


def test_fields_are_options_with_defaults() -> None:
    assert Article().kickoff() == "100 on tides"
    assert Article(topic="winds", words="5", name="A").kickoff() == "5 on winds"
    flow = Article(author={"name": "Ada"}, later="soon", stream=False)
    assert (flow.author, flow.later) == (Author(name="Ada"), "soon")
    assert flow.model_dump() == {
        "topic": "tides",
        "words": 100,
        "author": {"name": "Ada"},
        "tags": [],
        "sources": [],
        "later": "soon",
    }


class Shelf(Flow):
    """Names types in texts inside of others; one of them is not there."""

    authors: list["Author"] = []  # noqa: UP037 - a text in a text
    unknown: dict[str, list["Missing"]] = {}  # type: ignore[name-defined]  # noqa: UP037
    shelves: ClassVar[list["Missing"]] = []  # type: ignore[name-defined]  # noqa: UP037

    @start()
    def count(self) -> int:
        return len(self.authors)


def test_a_text_inside_an_annotation_is_what_it_names_or_says_nothing() -> None:
    shelf = Shelf(authors=[{"name": "Ada"}], unknown={"a": ["b"]})
    assert (shelf.authors, shelf.unknown) == ([Author(name="Ada")], {"a": ["b"]})
    assert list(shelf.model_dump()) == ["authors", "unknown"]


def test_what_one_flow_adds_is_no_others() -> None:
    one, other = Article(), Article()
    one.kickoff()
    one.sources.append("x")
    assert (one.tags, one._seen, one.sources) == (["written"], ["tides"], ["x"])
    assert (other.tags, other._seen, other.sources, Article.tags) == ([], [], [], [])


def test_what_validates_fields_of_a_model_validates_those_of_a_flow() -> None:
    class Shouted(Article):
        marks: str = "!"

        @field_validator("topic", "marks", mode="before")
        @classmethod
        def shout(cls, text: Any) -> str:
            assert text, f"{cls.__name__} is about something"
            return str(text).upper()

    assert Shouted(topic="winds").kickoff() == "100 on WINDS"
    with pytest.raises(UsageError, match=r"Shouted\.topic: Shouted is about something"):
        Shouted(topic="")

    class Fitting(Article):
        least: int = Field(default_factory=lambda: 10)
        most: int = 20
        pages: int = Field(default=0, validate_default=True)

        @field_validator("pages")
        @classmethod
        def check(cls, pages: int, known: ValidationInfo) -> int:
            assert known.data["least"] <= pages <= known.data["most"], "does not fit"
            return pages

    flow = Fitting(pages=12)
    assert (flow.pages, flow.least, flow.most) == (12, 10, 20)
    refused: list[dict[str, Any]] = [{"pages": 21}, {"pages": 12, "most": 11}, {"pages": 12, "least": 13}, {}]
    for options in refused:
        with pytest.raises(UsageError, match=r"Fitting\.pages: does not fit"):
            Fitting(**options)

    class Mistyped(Article):
        check = field_validator("topik")(lambda cls, text: text)

    with pytest.raises(UsageError, match=r"Mistyped\.check is to check 'topik', which is no field of the class"):
        Mistyped()

    class Whole(Article):
        @model_validator(mode="after")
        def check(self) -> Self:
            return self

    with pytest.raises(UsageError, match=r"Whole\.check is a @model_validator, which nothing calls here"):
        Whole()


def test_a_subclass_adds_fields_and_may_act_once_it_is_made() -> None:
    assert Longer(chapters=3, words=10).total == 30
    assert list(Longer().model_dump()) == ["topic", "words", "author", "tags", "sources", "chapters", "total"]


class Named(Flow):
    """Says again what every flow has: options, by pydantic's `Field`, and names of methods and properties, as fields of its own."""

    name: str | None = Field(default="Named again", max_length=20)
    stream: bool = Field(default=False)
    suppress_flow_events: bool = Field(default=False)
    max_method_calls: int = Field(default=7)
    initial_state: Any = Field(default_factory=lambda: {"count": 1})
    persistence: Any = Field(default_factory=object)
    checkpoint: Any = Field(default=None)
    defer_trace_finalization: bool = Field(default=False)
    plot: str = "p0"  # type: ignore[assignment]
    flow_id: str
    resume: bool = False  # type: ignore[assignment]
    input_files: list[str] = []  # type: ignore[assignment]
    hooks: list[str] = []
    example: int = Field(default=3, alias="ex")
    doubled: int = Field(default_factory=lambda fields: 2 * fields["example"])

    @start()
    def show(self) -> list[Any]:
        return [self.plot, self.resume, self.input_files, self.hooks, self.example, self.doubled, self.state["count"]]


def test_a_subclass_may_have_a_default_for_any_option_and_fields_of_any_name() -> None:
    flow = Named()
    assert flow.kickoff() == ["p0", False, [], [], 3, 6, 1]
    assert (flow.name, flow.stream, flow.max_method_calls) == ("Named again", False, 7)
    assert (flow.suppress_flow_events, flow.defer_trace_finalization, flow.checkpoint) == (False, False, None)
    assert flow.persistence is not Named().persistence
    assert flow.flow_id == flow.state["id"]
    own: dict[str, Any] = {"hooks": ["b"], "ex": "4"}
    given = Named(name="A", stream=True, plot="x", resume=True, input_files=["a"], initial_state={"count": 2}, **own)
    assert (given.name, given.stream) == ("A", True)
    session = given.kickoff()
    assert [frame.data["flow_name"] for frame in session.flow][-1] == "A"
    assert session.result == ["x", True, ["a"], ["b"], 4, 8, 2]


@pytest.mark.parametrize(
    ("options", "dumped"),
    [
        ({}, {"topic": "tides", "words": 100, "author": {"name": "Ada"}, "tags": [], "sources": []}),
        ({"include": {"topic", "author"}, "mode": "json"}, {"topic": "tides", "author": {"name": "Ada"}}),
        ({"exclude": {"topic": True, "author": {"name"}}}, {"words": 100, "author": {}, "tags": [], "sources": []}),
        ({"exclude_defaults": True}, {"author": {"name": "Ada"}}),
    ],
    ids=["all", "some, as JSON", "without some", "what was changed"],
)
def test_fields_are_dumped_as_those_of_a_model(options: dict[str, Any], dumped: dict[str, Any]) -> None:
    assert Article(author=Author(name="Ada")).model_dump(**options) == dumped
    assert Named(ex=4).model_dump(include={"example"}, by_alias=True) == {"ex": 4}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a value of another type": ({"words": "many"}, r"Article\.words: expected a whole number, not 'many'"),
    "a value out of bounds": ({"words": 0}, r"Article\.words: expected at least 1, not 0"),
    "a name that is nearly an option": ({"persistance": None}, "no option 'persistance'; did you mean 'persistence'"),
    "a name that is near": ({"topci": "x"}, "has no option 'topci'; did you mean 'topic'"),
}


@pytest.mark.parametrize("options", [{"limit": 3}, {"_seen": ["x"]}, {"weather": "fine"}], ids=str)
def test_a_keyword_that_is_no_field_is_ignored(options: dict[str, Any]) -> None:
    flow = Article(**options)
    assert (flow.limit, flow._seen, hasattr(flow, "weather")) == (7, [], False)


@pytest.mark.parametrize(("options", "message"), WRONG.values(), ids=WRONG.keys())
def test_what_does_not_fit_is_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Article(**options)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"stream": start()(lambda self: 1)}, "stream of Odd: expected true or false"),
        ({"suppress_flow_events": "no"}, "suppress_flow_events of Odd: expected true or false, not 'no'"),
        ({"persistence": SQLiteFlowPersistence}, "persistence of Odd: expected a FlowPersistence"),
        ({"input_provider": lambda self: 1}, "input_provider of Odd: expected an object with request_input"),
    ],
    ids=["a step of that name", "a text", "a class", "a function"],
)
@pytest.mark.parametrize("is_mixin", [False, True], ids=["itself", "a mixin"])
def test_what_a_class_says_of_an_option_is_held_to_what_can_be_given(
    said: dict[str, Any], message: str, is_mixin: bool
) -> None:
    bases, own = ((type("Mixin", (), said), Flow), {}) if is_mixin else ((Flow,), said)
    with pytest.raises(UsageError, match=message):
        type("Odd", bases, own)


@pytest.mark.parametrize(
    "use", [Flow.kickoff, Flow.stream_events, lambda flow: flow.state], ids=["run", "stream", "state"]
)
def test_a_flow_whose_constructor_was_not_called_says_so(use: Callable[[Flow], object]) -> None:
    class Bare(Flow):
        def __init__(self, topic: str) -> None:
            self.topic = topic

    with pytest.raises(UsageError, match=r"Bare has not been made yet: have its __init__ call super\(\).__init__"):
        use(Bare("tides"))


def test_a_subclass_may_have_any_private_names_of_its_own() -> None:
    class Own(Article):
        def _run(self, text: str) -> str:
            self._stream, self._hooks, self._pending = "a stream", ["a hook"], [text]
            return f"ran {text}"

        @start()
        def write(self) -> str:
            return self._run("it")

    flow = Own()
    assert [flow.kickoff(), flow.kickoff()] == ["ran it"] * 2
    assert flow.pending_feedback is None


def test_an_option_may_be_a_property() -> None:
    class Found(Flow):
        @property
        def suppress_flow_events(self) -> Any:  # type: ignore[override]
            return bool(self.state)

        @start()
        def show(self) -> str:
            return "shown"

    assert [frame.type for frame in Found().stream_events()] == ["flow_started", "flow_finished"]


def test_the_annotation_of_a_class_in_a_function_is_taken_as_anything() -> None:
    class Local:
        pass

    class Holding(Flow):
        held: Local | None = None

        @start()
        def give(self) -> Any:
            return self.held

    local = Local()
    assert Holding(held=local).kickoff() is local
