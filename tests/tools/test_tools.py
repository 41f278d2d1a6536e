"""Claims about tools: how they are made, what arguments they take, and how often they are used."""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from inspect import Parameter, Signature
from math import inf
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from pydantic import AliasChoices, BaseModel, Field, computed_field, create_model, field_validator

from harness import BaseTool, UsageError, tool
from harness.tools import FunctionTool, ToolFailure, ToolFailureReason, ToolInputError
from harness.validation import answer_schema
from tests.agents.scripted import WAYS, Way, by

if TYPE_CHECKING:
    from decimal import Decimal


class Route(BaseModel):
    start: str
    stops: list[str] = Field(default_factory=list, description="In their order.")


@tool("Add numbers")
def add(one: int, other: int = 2) -> int:
    """Add two numbers."""
    return one + other


@tool
async def travel(route: Route) -> str:
    """Travel along a route."""
    await asyncio.sleep(0)
    return " > ".join([route.start, *route.stops])


@tool
def repeat(word: str, times: int = Field(default=2, description="How often."), _sign: str = "!") -> str:
    """Say a word several times."""
    return word * times + _sign


@tool
def shout(word: str, *, sign: Annotated[str, Field(default="?")]) -> str:
    """Say a word with a sign."""
    return word + sign


@tool
def price(of: str) -> Decimal | None:
    """Tell a price, of a type that is known to type checkers alone."""
    return None


class Greets:
    def __call__(self, name: str) -> str:
        return f"Hei, {name}"


class Counts(BaseTool):
    name: str = "Count letters"
    description: str = "Count the letters of a word."
    wanted: str = "e"

    def _run(self, word: str) -> int:
        return word.count(self.wanted)


class CountsLater(BaseTool):
    name: str = "Count later"
    description: str = "Count the letters of a word, later."

    async def _arun(self, word: str) -> int:
        await asyncio.sleep(0)
        return len(word)


class OwnSchema(BaseTool):
    name: str = "Plan"
    description: str = "Plan a route."
    args_schema: type[BaseModel] = Route

    def _run(self, **route: Any) -> dict[str, Any]:
        return route


class Soon:
    """What can be awaited, and is no coroutine."""

    def __await__(self) -> Generator[None, None, str]:
        yield
        return "soon"


def promise() -> Soon:
    """Promise."""
    return Soon()


@tool("Leave")
def renamed(from_: Annotated[str, Field(alias="from")] = "Oslo") -> str:
    """Leave a place."""
    return f"from {from_}"


class Harbour:
    def look(self, place: str) -> str:
        """Look at a place."""
        return place


@functools.wraps(Harbour.look)
def look_from_harbour(*args: Any, **kwargs: Any) -> str:
    return Harbour().look(*args, **kwargs)


class Walk(BaseModel):
    miles: float

    @computed_field  # type: ignore[prop-decorator]
    @property
    def kilometres(self) -> float:
        return self.miles * 1.6


@tool("Go")
def nowhere(place: str = None) -> str:  # type: ignore[assignment]  # noqa: RUF013
    """Go to a place."""
    return place or "nowhere"


class Near(BaseModel):
    """Places near one; null is anywhere."""

    place: str | None = None

    @field_validator("place", mode="before")
    @classmethod
    def _named(cls, place: str | None) -> str:
        return place or "anywhere"


class Finds(BaseTool):
    name: str = "Find"
    description: str = "Find a place."
    args_schema: type[BaseModel] = Near

    def _run(self, place: str | None = None) -> str:
        return f"near {place}"


#: A tool, its arguments, and what it gives for them.
USES: dict[str, tuple[BaseTool, dict[str, Any], Any]] = {
    "a function": (add, {"one": 1, "other": 4}, 5),
    "a function's default": (add, {"one": 1}, 3),
    "arguments that can be read": (add, {"one": "1"}, 3),
    "an argument that nobody asked for": (add, {"one": 1, "why": "I must add."}, 3),
    "null that is the default, whatever the annotation": (nowhere, {"place": None}, "nowhere"),
    "null that a schema of its own takes as it likes": (Finds(), {"place": None}, "near anywhere"),
    "a default's other name": (renamed, {"from": "Bergen"}, "from Bergen"),
    "an async function, and a nested argument as its model": (
        travel,
        {"route": {"start": "Bergen", "stops": ["Florø"]}},
        "Bergen > Florø",
    ),
    "a function's default as a field's": (repeat, {"word": "hei"}, "heihei!"),
    "a default in the field of an annotation": (shout, {"word": "hei"}, "hei?"),
    "an object that can be called": (
        FunctionTool(name="Greet", description="Greet.", func=Greets()),
        {"name": "Kari"},
        "Hei, Kari",
    ),
    "a part of a function": (
        FunctionTool(name="Add 3", description="Add 3.", func=functools.partial(add.func, other=3)),
        {"one": "1", "other": 9},
        4,
    ),
    "a function whose result has a type that is not there": (price, {"of": "fish"}, None),
    "a part of a function, as a decorator's": (tool(functools.partial(add.func, other=3)), {"one": 1}, 4),
    "a cached function": (tool(functools.cache(add.func)), {"one": 1}, 3),
    "a method that its decorator gives its object": (tool("Look")(look_from_harbour), {"place": "Bergen"}, "Bergen"),
    "what can be awaited": (tool(promise), {}, "soon"),
    "a class": (Counts(), {"word": "beetle"}, 3),
    "a class with a field of its own": (Counts(wanted="t"), {"word": "beetle"}, 1),
    "a class that is async alone": (CountsLater(), {"word": "beetle"}, 6),
    "a schema of its own, whose values are plain": (OwnSchema(), {"start": "Bergen"}, {"start": "Bergen", "stops": []}),
    "a schema that computes what is no argument": (OwnSchema(args_schema=Walk), {"miles": 2}, {"miles": 2.0}),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("used", "arguments", "value"), USES.values(), ids=USES.keys())
def test_a_tool_gives(used: BaseTool, arguments: dict[str, Any], value: Any, way: Way) -> None:
    before = used.current_usage_count
    assert by(way, lambda: used.run(**arguments), lambda: used.arun(**arguments)) == value
    assert used.current_usage_count == before + 1


def test_arguments_may_be_given_by_place() -> None:
    assert add.run(1, 5) == 6
    assert add.run("3", other=1) == 4
    with pytest.raises(ToolInputError, match="by their place are at most 2, not 3"):
        add.run(1, 2, 3)


def test_a_default_that_a_function_fills_is_its_own() -> None:
    @tool("Count")
    def count(word: str, seen: list[str] = []) -> int:  # noqa: B006
        """Count words."""
        seen.append(word)
        return len(seen)

    assert [count.run(word="tide"), count.run(word="ebb")] == [1, 2]


def test_a_private_parameter_is_given_by_nobody() -> None:
    @tool("Sign")
    def sign(text: str, _name: str = "Kari", **more: str) -> str:
        """Sign it."""
        return f"{text} {_name} {more}"

    assert sign.run(text="Hei!", _name="Ola", place="Bergen") == "Hei! Kari {'place': 'Bergen'}"


def test_a_tool_may_take_what_it_did_not_name() -> None:
    @tool("Note")
    def note(text: str, **more: int) -> str:
        """Note it."""
        return f"{text} {more}"

    assert note.run(text="tide", metres=2) == "tide {'metres': 2}"
    assert note.run(text="tide", self=2) == "tide {'self': 2}"
    others = {name: place for place, name in enumerate(("copy", *"zyxwvutsrq"))}
    assert note.run(**others, text="tide") == f"tide {others}"


#: Arguments that do not fit, and what the error says.
UNFIT: dict[str, tuple[dict[str, Any], str]] = {
    "none": ({}, "the arguments of the tool 'Add numbers' do not fit: one: expected a value, and none was given"),
    "of another type": ({"one": "many"}, "one: expected a whole number"),
    "null for a number": ({"one": None}, "one: expected a whole number, not null"),
    "null for a default": ({"one": 1, "other": None}, "other: expected a whole number, not null"),
    "of nearly a name": ({"one": 1, "others": 5}, "has no argument 'others'; did you mean 'other'?"),
    "two of them": ({"one": "many", "other": "few"}, "one: .*; other: "),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("arguments", "words"), UNFIT.values(), ids=UNFIT.keys())
def test_arguments_that_do_not_fit_are_refused_and_not_counted(arguments: dict[str, Any], words: str, way: Way) -> None:
    before = add.current_usage_count
    with pytest.raises(ToolInputError, match=words):
        by(way, lambda: add.run(**arguments), lambda: add.arun(**arguments))
    assert add.current_usage_count == before


@pytest.mark.parametrize(("name", "written"), [("top_k", "topK"), ("user_id", "userID"), ("sortBy", "sort_by")])
def test_an_argument_in_another_spelling_is_refused_however_short_it_is(name: str, written: str) -> None:
    schema = create_model("Search", **{name: (Any, None)})  # type: ignore[call-overload]
    with pytest.raises(ToolInputError, match=f"has no argument '{written}'; did you mean '{name}'"):
        Finds(args_schema=schema).run(**{written: 1})


class Search(BaseModel):
    user_id: int = Field(alias="userId")
    user_ids: list[int] = Field(default=[], validation_alias=AliasChoices("userIds", "others"))


def test_an_argument_may_have_an_alias_that_is_nearly_another_parameter() -> None:
    finds = Finds(args_schema=Search)
    assert finds.arguments(userId=1) == {"user_id": 1, "user_ids": []}
    assert finds.arguments(1) == finds.arguments(user_id=1) == finds.arguments(userId=1)
    assert finds.arguments(userId=1, others=[2]) == {"user_id": 1, "user_ids": [2]}
    with pytest.raises(ToolInputError, match="has no argument 'userIDs'; did you mean 'userIds'"):
        finds.arguments(userId=1, userIDs=[1])


@pytest.mark.parametrize("way", WAYS)
def test_a_tool_is_used_no_more_often_than_it_may_be(way: Way) -> None:
    limited = Counts(max_usage_count=2)

    def use() -> Any:
        return by(way, lambda: limited.run(word="bee"), lambda: limited.arun(word="bee"))

    assert [use(), use()] == [2, 2]
    refused = use()
    assert (type(refused), refused.reason) == (ToolFailure, ToolFailureReason.USAGE_LIMIT)
    assert "'Count letters' has been used 2 times" in str(refused)
    assert limited.current_usage_count == 2
    limited.reset_usage_count()
    assert use() == 2


def test_a_tool_is_told_of_in_the_form_that_models_are_given() -> None:
    assert add.definition() == {
        "type": "function",
        "function": {
            "name": "add_numbers",
            "description": "Add two numbers.",
            "parameters": {
                "type": "object",
                "properties": {"one": {"type": "integer"}, "other": {"type": "integer", "default": 2}},
                "required": ["one"],
            },
        },
    }


def test_a_tool_is_told_of_as_it_is_now() -> None:
    counts = Counts()
    before = counts.definition()
    assert counts.definition() is before
    counts.description = "Count the vowels of a word."
    copied = counts.model_copy(update={"name": "Count consonants"})
    told = [each.definition()["function"] for each in (counts, copied)]
    assert [(function["name"], function["description"]) for function in told] == [
        ("count_letters", "Count the vowels of a word."),
        ("count_consonants", "Count the vowels of a word."),
    ]


def test_a_tool_without_a_schema_has_that_of_its_parameters() -> None:
    class Without(Counts):
        args_schema: type[BaseModel] | None = None  # type: ignore[assignment]

    for made in (Without(), Counts(args_schema=None)):  # type: ignore[arg-type]
        assert list(made.definition()["function"]["parameters"]["properties"]) == ["word"]
        assert made.run(word="beetle") == 3


def test_a_parameter_may_be_called_as_a_key_of_schemas_or_an_attribute_of_pydantic_s() -> None:
    @tool
    def shelve(title: str, copy: int = 1, model_fields: int = 2) -> str:
        """Put a book away."""
        return f"{title} {copy} {model_fields}"

    assert shelve.definition()["function"]["parameters"]["properties"] == {
        "title": {"type": "string"},
        "copy": {"type": "integer", "default": 1},
        "model_fields": {"type": "integer", "default": 2},
    }
    assert shelve.run(title="Kon-Tiki", copy=2, model_fields=3) == "Kon-Tiki 2 3"


def test_arguments_that_hold_others_of_their_kind_are_told_of_as_an_object() -> None:
    class Branch(BaseModel):
        name: str
        twigs: list[Branch] = []

    class Grows(OwnSchema):
        args_schema: type[BaseModel] = Branch

    told = Grows().definition()["function"]["parameters"]
    assert (told["type"], told["required"]) == ("object", ["name"])
    assert told["properties"]["twigs"]["items"] == {"$ref": "#/$defs/Branch"}
    assert told["$defs"]["Branch"]["properties"] == told["properties"]


def test_a_class_that_adds_to_its_schema_is_told_of_as_any_other() -> None:
    class Adds(Route):
        most: float = float("inf")

        @classmethod
        def model_json_schema(cls, **options: Any) -> dict[str, Any]:  # type: ignore[override]
            return {**super().model_json_schema(**options), "additionalProperties": False}

    told = OwnSchema(args_schema=Adds).definition()["function"]["parameters"]
    assert told["properties"]["most"] == {"type": "number"}
    assert told["additionalProperties"] is False


def test_values_in_a_schema_are_told_whole() -> None:
    @tool
    def lend(book: dict[str, str] = Field({"title": "Fram"}, examples=[{"title": "Kon-Tiki"}], title="It")) -> str:  # noqa: B008
        """Lend a book."""
        return str(book)

    assert lend.definition()["function"]["parameters"]["properties"]["book"] == {
        "title": "It",
        "type": "object",
        "additionalProperties": {"type": "string"},
        "default": {"title": "Fram"},
        "examples": [{"title": "Kon-Tiki"}],
    }


class Marks(BaseModel):
    marks: set[str] = set("harbou")


def test_the_items_of_a_default_have_one_order_in_every_process() -> None:
    marks = Marks()

    @tool
    def look(
        of: frozenset[str] = frozenset("harbou"), by: Marks = marks, more: tuple[set[str]] = (marks.marks,)
    ) -> str:
        """Look at marks."""
        return f"{of} {by} {more}"

    properties = look.definition()["function"]["parameters"]["properties"]
    in_order = list("abhoru")
    defaults = [properties[name]["default"] for name in ("of", "by", "more")]
    assert defaults == [in_order, {"marks": in_order}, [in_order]]
    assert answer_schema(Marks)["properties"]["marks"]["default"] == in_order


def test_a_default_that_json_lacks_is_the_functions_own_matter() -> None:
    nothing = object()

    @tool
    def limit(most: float = inf, least: object = nothing) -> bool:
        """Set limits."""
        return most == inf and least is nothing

    assert limit.definition()["function"]["parameters"]["properties"] == {"most": {"type": "number"}, "least": {}}
    assert limit.run() is True


def takes(**parameters: Any) -> Any:
    def function() -> None:
        """Do nothing."""

    function.__annotations__ = parameters
    function.__signature__ = Signature(  # type: ignore[attr-defined]
        [Parameter(name, Parameter.KEYWORD_ONLY, default={}, annotation=kind) for name, kind in parameters.items()]
    )
    return function


@pytest.mark.parametrize(
    ("function", "fault"),
    [
        (takes(then=Callable[[int], int]), "its arguments have no JSON Schema (Cannot generate"),
        (takes(at=Thread), "its arguments have no JSON Schema (Unable to generate"),
        (takes(model_config=dict), "the parameter 'model_config' has a name of pydantic's own; rename it"),
        (takes(model_dump=dict), "the parameter 'model_dump' has a name of pydantic's own; rename it"),
    ],
    ids=["a function", "a class of any kind", "a name of pydantic's", "a method of pydantic's"],
)
def test_parameters_that_a_model_can_not_give_are_refused_where_the_tool_is_made(function: Any, fault: str) -> None:
    with pytest.raises(UsageError, match=rf"the tool 'Do it': {re.escape(fault)}"):
        tool("Do it")(function)


def test_a_part_of_a_function_is_told_of_as_the_function() -> None:
    part = tool(functools.partial(functools.partial(add.func, other=3)))
    assert (part.name, part.description) == ("add", "Add two numbers.")


def test_options_of_the_decorator_are_the_tools() -> None:
    options: dict[str, Any] = {"result_schema": Route, "result_as_answer": True, "max_usage_count": 3}
    made = tool("Answer", **options)(add.func)
    assert {name: getattr(made, name) for name in ("name", *options)} == {"name": "Answer", **options}


class Empty(BaseTool):
    name: str = "Empty"
    description: str = "Does nothing."


def undocumented(place: str) -> str:
    return place


def by_place(place: str, /) -> str:
    """Look at a place."""
    return place


def private(_place: str) -> str:
    """Look at a place."""
    return _place


def listened(place: str) -> Iterator[str]:
    """Listen at a place."""
    yield place


class Listens(BaseTool):
    name: str = "Listen"
    description: str = "Listen at a place."

    async def _arun(self, place: str) -> AsyncIterator[str]:  # type: ignore[override]
        yield place


BAD: dict[str, tuple[Callable[[], Any], str]] = {
    "a function without docstring": (lambda: tool("Silent")(undocumented), "'Silent' has no docstring"),
    "a parameter without a name": (lambda: tool("Look")(by_place), "'Look': the parameter 'place' has no name"),
    "a parameter with a private name": (lambda: tool("Look")(private), "'Look': the parameter '_place' has no name"),
    "a method without its object": (lambda: tool("Look")(Harbour.look), "'Look' is a method without its object"),
    "a function of C that tells nothing of what it takes": (lambda: tool("Least")(min), "'Least': no signature found"),
    "a cached method without its object": (lambda: tool("Look")(functools.cache(Harbour.look)), "without its object"),
    "a generator": (lambda: tool("Listen")(listened), "the tool 'Listen' is a generator, .* return a list"),
    "an async generator": (Listens, "the tool 'Listen' is a generator, .* return a list"),
    "a class without work": (Empty, "Empty has neither _run.. nor _arun.."),
    "no use at all": (lambda: Counts(max_usage_count=0), "is at least 1, not 0"),
}


@pytest.mark.parametrize(("make", "words"), BAD.values(), ids=BAD.keys())
def test_a_tool_that_can_not_be_made(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make()


#: What people call a tool, and what models do.
NAMES = {
    "Get tide": "get_tide",
    "get_tide": "get_tide",
    "getTide v2!": "get_tide_v2",
    "HTTPServer Tool": "http_server_tool",
    "Über-Tool 9": "uber_tool_9",
    "潮": "tool",
    "a" * 80: "a" * 55 + "_0f45e858",
}


@pytest.mark.parametrize(("name", "function"), NAMES.items())
def test_the_name_that_a_model_has_for(name: str, function: str) -> None:
    assert Counts(name=name).function_name == function
