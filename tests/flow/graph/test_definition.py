"""Claims about graphs as they are written: what is inherited, and which mistakes are found before anything runs."""

from __future__ import annotations

import enum
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from harness.conversation import ConversationConfig
from harness.errors import UsageError
from harness.flow import Flow, FlowHook, and_, human_feedback, listen, or_, persist, router, start, with_hook
from harness.flow.graph.definition import FlowGraphWarning, graph_of
from harness.flow.graph.labels import labels_of


class Base(Flow):
    @start()
    def first(self) -> str:
        return "base first"

    @listen(first)
    def second(self, value: str) -> str:
        return f"second({value})"


class Longer(Base):
    @listen(Base.second)
    def third(self, value: str) -> str:
        return f"third({value})"


class Overriding(Base):
    def first(self) -> str:
        return "own first"


class Redecorating(Base):
    @start()
    def second(self) -> str:  # type: ignore[override]
        return "own second"


class Dropping(Base):
    second = None  # type: ignore[assignment]


class Mixed(Longer, Overriding):
    pass


def said_last(value: str, *, word: str) -> str:
    return f"{word}({value})"


class OtherKinds(Base):
    """Steps, some of them overrides, that are no plain methods."""

    @classmethod
    def second(cls, value: str) -> str:
        return f"{cls.__name__} {value}"

    @listen(second)
    @staticmethod
    def third(value: str) -> str:
        return f"third({value})"

    @staticmethod
    @listen("third")
    def fourth(value: str) -> str:
        return f"fourth({value})"

    def said(self, value: str, *, of: str) -> str:
        return f"{of}: {value}"

    fifth = listen("fourth")(functools.partialmethod(said, of="fifth"))  # type: ignore[type-var]
    sixth = listen("fifth")(staticmethod(functools.partial(said_last, word="last")))


class PartlyOverriding(Base):
    def said(self, by: str, value: str) -> str:
        return f"{by}: {value}"

    second = functools.partialmethod(said, "own")


INHERITED: dict[str, tuple[type[Flow], list[Any]]] = {
    "all methods": (Longer, ["base first", "second(base first)", "third(second(base first))"]),
    "an override without a decorator": (Overriding, ["own first", "second(own first)"]),
    "an override with another role": (Redecorating, ["base first", "own second"]),
    "a method taken out": (Dropping, ["base first"]),
    "steps that are no plain methods": (
        OtherKinds,
        [
            "base first",
            "OtherKinds base first",
            "third(OtherKinds base first)",
            "fourth(third(OtherKinds base first))",
            "fifth: fourth(third(OtherKinds base first))",
            "last(fifth: fourth(third(OtherKinds base first)))",
        ],
    ),
    "an override in part": (PartlyOverriding, ["base first", "own: base first"]),
    "two bases": (Mixed, ["own first", "second(own first)", "third(second(own first))"]),
}


# Python 3.13 says that a partial will be a method one day.
@pytest.mark.filterwarnings("ignore:functools.partial will be a method descriptor:FutureWarning")
@pytest.mark.parametrize(("cls", "outputs"), INHERITED.values(), ids=INHERITED.keys())
def test_methods_are_inherited_from_a_concrete_flow(cls: type[Flow], outputs: list[Any]) -> None:
    flow = cls()
    flow.kickoff()
    assert sorted(flow.method_outputs) == sorted(outputs)


def test_a_decorated_method_is_still_the_function_that_it_was() -> None:
    assert Base().second("x") == "second(x)"
    assert Base.first.__name__ == "first"


def test_a_bound_override_of_an_instance_does_not_change_the_class() -> None:
    assert graph_of(Base) is graph_of(Base)
    assert list(graph_of(Longer).methods) == ["first", "second", "third"]


# Mistakes. Each is the steps of a class, and what the error says.


def gives(value: Any = None) -> Callable[[Any], Any]:
    """Return a method that takes nothing."""
    return lambda self: value


def generator(self: Any) -> Iterator[int]:
    yield 1


async def async_generator(self: Any) -> AsyncIterator[int]:
    yield 1


def sided(self: Any) -> Literal["left", "right"]:
    return "left"


def begins(**steps: Any) -> dict[str, Any]:
    return {"begin": start()(gives()), **steps}


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "a router that nothing triggers": (begins(route=router()(gives())), "route is a router that nothing triggers"),
    "a method that waits for itself": (
        begins(route=router("begin")(gives()), retry=listen("retry")(gives())),
        "retry listens to 'retry', which is itself",
    ),
    "a listener of two": ({"after": listen("begin")(lambda self, one, two: None)}, "after takes 2 arguments"),
    "a listener with a keyword": ({"after": listen("begin")(lambda self, *, one: None)}, "keyword parameter 'one'"),
    "a generator": (
        {"begin": start()(generator)},
        "begin is a generator, which a flow does not run through: return a list",
    ),
    "an async generator": ({"begin": start()(async_generator)}, "begin is a generator"),
    "no self": ({"begin": start()(lambda: None)}, r"begin has no parameter for the flow: write def begin\(self\)"),
    "the name of what every flow has": ({"kickoff": start()(gives())}, "kickoff hides the kickoff that every flow has"),
    "a hook alone": (begins(after=with_hook(FlowHook())(gives())), "after has a hook and nothing that triggers it"),
    "a start with a parameter": (
        {"begin": start()(lambda self, topic: None)},
        "begin is a start, which is called without arguments",
    ),
}


@pytest.mark.parametrize(("steps", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_graph_that_can_not_run_is_refused_when_the_flow_is_made(steps: dict[str, Any], message: str) -> None:
    cls = type("Wrong", (Flow,), steps)
    with pytest.raises(UsageError, match=message):
        cls()


#: Graphs that run, what is doubted of them, and what they give.
DOUBTS: dict[str, tuple[dict[str, Any], str, Any]] = {
    "a name that no method has": (
        begins(after=listen("begn")(gives())),
        "after waits for 'begn', .* did you mean 'begin'",
        None,
    ),
    "a label that no router returns": (
        begins(route=router("begin")(sided), after=listen(or_("left", and_("begin", "rihgt")))(gives())),
        "after waits for 'rihgt', .* did you mean 'right'",
        None,
    ),
    "a label that no router is said to return": (
        begins(route=router("begin", emit=["left", "right"])(gives("left")), after=listen("up")(gives())),
        "'up', .*there are after, begin, left, right",
        "left",
    ),
    "two conditions": (
        {
            "begin": start()(gives(1)),
            "between": listen("begin")(lambda self, before: before + 1),
            "after": listen("between")(listen("begin")(lambda self, before: before * 10)),
        },
        "Wrong.after listens twice, and what its outer decorator says alone holds",
        20,
    ),
    "no start": ({"after": listen("x")(gives())}, "Wrong has no start method, and gives None", None),
}


@pytest.mark.parametrize(("steps", "message", "result"), DOUBTS.values(), ids=DOUBTS.keys())
def test_a_graph_that_may_not_be_meant_so_is_warned_of_once_and_runs(
    steps: dict[str, Any], message: str, result: Any
) -> None:
    cls = type("Wrong", (Flow,), steps)
    with pytest.warns(FlowGraphWarning, match=message) as warned:
        assert cls().kickoff() == result
    assert {Path(warning.filename) for warning in warned} == {Path(__file__)}
    assert cls().usage_metrics.total_tokens == 0


def test_the_frames_of_a_flow_without_a_start_are_its_own_start_and_end() -> None:
    with pytest.warns(FlowGraphWarning):
        flow = type("Wrong", (Flow,), {"after": listen("x")(gives())})()
    assert [frame.type for frame in flow.stream_events()] == ["flow_started", "flow_finished"]


def test_the_outcomes_of_feedback_are_labels_that_are_known() -> None:
    asks = human_feedback(message="Good?", emit=["yes", "no"], llm="openai/gpt-4o-mini")
    steps = {"draft": start()(asks(gives())), "publish": listen("yes")(gives())}
    assert graph_of(type("Asks", (Flow,), steps)).awaited == {"yes"}


def test_a_label_is_not_doubted_where_a_router_may_return_any() -> None:
    steps = begins(route=router("begin")(gives("any")), after=listen("perhaps")(gives()))
    assert type("Open", (Flow,), steps)().kickoff() == "any"


class Sent(enum.Enum):
    SENT = "sent"


RETURNED: dict[str, tuple[Any, tuple[str, ...] | None, str | None]] = {
    "one that is waited for": ("sent", None, None),
    "one that is nearly that": (
        "snet",
        None,
        "Routed: route returned 'snet', which nothing waits for; did you mean 'sent'?",
    ),
    "text of its own": ("over", None, None),
    "none of its labels": (
        "over",
        ("sent", "late"),
        "route returned 'over', which nothing waits for; there are begin, sent",
    ),
    "one of its labels": ("late", ("sent", "late"), None),
    "several at once": (["sent", "late"], None, "route returned \"['sent', 'late']\", which nothing waits for"),
    "nothing": (None, ("sent",), None),
    "an enum's": (Sent.SENT, None, None),
}


@pytest.mark.parametrize(("output", "emit", "told"), RETURNED.values(), ids=RETURNED.keys())
def test_a_label_that_was_perhaps_not_meant_so_is_logged_once_it_is_returned(
    output: Any, emit: tuple[str, ...] | None, told: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    steps = begins(route=router("begin", emit=emit)(gives(output)), after=listen("sent")(gives()))
    type("Routed", (Flow,), steps)().kickoff()
    assert (told in caplog.text) if told else not caplog.records


def helper() -> None:
    """No method of any flow."""


WRITTEN_WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "a number": (lambda: listen(3), "not 3 of type int"),  # type: ignore[arg-type]
    "None": (lambda: listen(None), "not None of type NoneType"),  # type: ignore[arg-type]
    "an empty name": (lambda: start(""), "not '' of type str"),
    "a number inside": (lambda: or_("a", 3), "not 3 of type int"),  # type: ignore[arg-type]
    "and_ of nothing": (and_, r"and_\(\) joins at least one"),
    "or_ of nothing": (or_, r"or_\(\) joins at least one"),
    "start without parentheses": (lambda: start(helper), r"write @start\(\) with parentheses"),
    "listen without parentheses": (lambda: listen(helper), r"write @listen\(\) with parentheses"),
    "router without parentheses": (lambda: router(helper), r"write @router\(\) with parentheses"),
    # The method is decorated already, and would be lost all the same.
    "human_feedback without parentheses": (
        lambda: human_feedback(Base.first),  # type: ignore[arg-type]
        r"human_feedback\(\) was given the function 'first': write @human_feedback\(\) with parentheses",
    ),
    "persist without parentheses": (
        lambda: persist(Base.first),  # type: ignore[arg-type]
        r"write @persist\(\) with parentheses",
    ),
    "persist of a class without parentheses": (
        lambda: persist(Base),  # type: ignore[arg-type]
        r"persist\(\) was given the class 'Base'",
    ),
    "persist with a path": (
        lambda: persist("states.db"),  # type: ignore[arg-type]
        "persistence of @persist: expected a FlowPersistence, such as .* not 'states.db'",
    ),
    "ConversationConfig without parentheses": (
        lambda: ConversationConfig(Base),  # type: ignore[arg-type]
        r"write @ConversationConfig\(\) with parentheses",
    ),
    "a router that is a dict": (
        lambda: ConversationConfig(router={"prompt": "x"}),  # type: ignore[arg-type]
        "router of ConversationConfig: expected a RouterConfig, not {'prompt': 'x'}",
    ),
}


@pytest.mark.parametrize(("write", "message"), WRITTEN_WRONG.values(), ids=WRITTEN_WRONG.keys())
def test_what_a_decorator_can_t_take_is_refused_where_it_is_written(write: Callable[[], object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        write()


class Way(enum.Enum):
    LEFT = "left"
    RIGHT = "right"


def literal() -> Literal["a", "b"]:
    return "a"


def member() -> Way:
    return Way.LEFT


def optional() -> Literal["a"] | None:
    return None


def mixed() -> Literal["a"] | Way:
    return "a"


def text() -> str:
    return "a"


def text_or_literal() -> Literal["a"] | int:
    return "a"


def unsaid():  # type: ignore[no-untyped-def]
    return "a"


def unresolved() -> Nowhere:  # type: ignore[name-defined]
    return "a"


ANNOTATIONS: dict[str, tuple[Callable[[], Any], tuple[str, ...] | None]] = {
    "literals": (literal, ("a", "b")),
    "an enum": (member, ("left", "right")),
    "optional": (optional, ("a",)),
    "both": (mixed, ("a", "left", "right")),
    "any text": (text, None),
    "partly open": (text_or_literal, None),
    "none": (unsaid, None),
    "an unknown name": (unresolved, None),
}


@pytest.mark.parametrize(("function", "labels"), ANNOTATIONS.values(), ids=ANNOTATIONS.keys())
def test_a_routers_annotation_says_its_labels(function: Callable[[], Any], labels: tuple[str, ...] | None) -> None:
    assert labels_of(function) == labels
