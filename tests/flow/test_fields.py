"""Claims about what a flow class annotates: options with defaults, validated, and each flow's own."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, Field, PrivateAttr

from harness.errors import UsageError
from harness.flow import Flow, start


class Author(BaseModel):
    """What a field may be."""

    name: str


class Article(Flow):
    """A flow with fields of every kind."""

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
        "author": Author(name="Ada"),
        "tags": [],
        "sources": [],
        "later": "soon",
    }


def test_what_one_flow_adds_is_no_others() -> None:
    one, other = Article(), Article()
    one.kickoff()
    one.sources.append("x")
    assert (one.tags, one._seen, one.sources) == (["written"], ["tides"], ["x"])
    assert (other.tags, other._seen, other.sources, Article.tags) == ([], [], [], [])


def test_a_subclass_adds_fields_and_may_act_once_it_is_made() -> None:
    assert Longer(chapters=3, words=10).total == 30
    assert list(Longer().model_dump()) == ["topic", "words", "author", "tags", "sources", "chapters", "total"]


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
