"""Claims about `@human_feedback`: what a method comes to, where the flow goes on, and what the frames tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from harness.errors import UsageError
from harness.flow import (
    ConsoleProvider,
    Flow,
    HumanFeedbackProvider,
    HumanFeedbackResult,
    InputProvider,
    PendingFeedbackContext,
    flow_config,
    human_feedback,
    listen,
    or_,
    start,
)
from tests.flow.feedback.people import AsyncPerson, Chooser, Person, in_json
from tests.flow.graph.graphs import transcript


class Emptied(Person):
    """One that is false, as a list of answers whose last one is being given."""

    def __len__(self) -> int:
        return 0


def asking(provider: HumanFeedbackProvider | None, **options: Any) -> type[Flow]:
    class Asking(Flow):
        @start()
        @human_feedback(message="Is it right?", provider=provider, **options)
        async def draft(self) -> str:
            return "the draft"

        @listen(draft)
        def after(self, value: Any) -> Any:
            return value

    return Asking


@pytest.fixture
def without_config() -> Iterator[None]:
    yield
    flow_config.hitl_provider = None


@pytest.mark.parametrize("kind", [Person, AsyncPerson], ids=["a plain provider", "an async provider"])
def test_without_outcomes_the_answer_takes_the_place_of_what_the_method_gave(kind: type[Person]) -> None:
    person = kind("Fine.")
    flow = asking(person, metadata={"by": "mail"})()
    result = flow.kickoff()
    assert isinstance(result, HumanFeedbackResult)
    assert (result.output, result.feedback, result.outcome) == ("the draft", "Fine.", None)
    assert (result.method_name, result.metadata) == ("draft", {"by": "mail"})
    assert flow.method_outputs == [result, result]
    assert (flow.last_human_feedback, flow.human_feedback_history) == (result, [result])


def test_the_provider_is_given_what_it_takes_to_ask_elsewhere() -> None:
    person, llm = Person("Fine."), Chooser(in_json("yes"))
    cls = asking(person, emit=["yes", "no"], llm=llm, default_outcome="no", metadata={"a": 1})
    flow = cls()
    flow.kickoff()
    (context,) = person.asked
    assert context.flow_id == flow.state["id"]
    assert context.flow_class == f"{cls.__module__}.{cls.__qualname__}"
    assert (context.method_name, context.method_output, context.message) == ("draft", "the draft", "Is it right?")
    assert (context.emit, context.default_outcome, context.metadata) == (["yes", "no"], "no", {"a": 1})
    assert context.llm == "custom/chooser-1"


class Reviewed(Flow):
    """A draft that is revised until it is approved."""

    person = Person()
    llm = Chooser()

    @start()
    def begin(self) -> str:
        return "begun"

    @listen(or_(begin, "revise"))
    @human_feedback(message="May it go out?", emit=["approved", "revise"], llm=llm, provider=person)
    def draft(self) -> str | None:
        self.state["drafts"] = self.state.get("drafts", 0) + 1
        return None if self.state["drafts"] == 1 else f"draft {self.state['drafts']}"

    @listen("approved")
    def publish(self, answer: HumanFeedbackResult) -> str:
        return f"{answer.output}: {answer.feedback} {answer.outcome}"


def test_with_outcomes_the_method_routes_by_the_one_that_the_model_chooses_and_may_come_again() -> None:
    Reviewed.person._answers = ["Longer.", "Good."]
    Reviewed.llm._answers = [in_json("revise"), in_json("approved")]
    flow = Reviewed()
    session = flow.stream_events()
    frames = list(session)
    assert session.result == "draft 2: Good. approved"
    # What the method itself returned stays its output, None too.
    assert flow.method_outputs == ["begun", None, "draft 2", "draft 2: Good. approved"]
    assert [answer.outcome for answer in flow.human_feedback_history] == ["revise", "approved"]
    assert [line.split(" ")[0] for line in transcript(frames) if "started" in line][1:] == [
        "begin", "draft", "draft", "publish",
    ]  # fmt: skip


def test_a_method_that_comes_again_is_given_what_was_said_of_it() -> None:
    class Again(Flow):
        @start()
        def begin(self) -> str:
            return "begun"

        @listen(or_(begin, "revise"))
        @human_feedback(
            message="Well?",
            emit=["revise", "good"],
            llm=Chooser(in_json("revise"), in_json("good")),
            provider=Person("Longer.", "Good."),
        )
        def draft(self, given: Any) -> Any:
            return given.feedback if isinstance(given, HumanFeedbackResult) else given

    flow = Again()
    flow.kickoff()
    assert flow.method_outputs == ["begun", "begun", "Longer."]


def test_no_answer_says_nothing() -> None:
    assert asking(Person(None))().kickoff().feedback == ""  # type: ignore[arg-type]


def test_a_flow_whose_last_method_asks_for_an_outcome_comes_to_what_that_method_gave() -> None:
    class Last(Flow):
        @start()
        @human_feedback(message="Well?", emit=["yes"], llm=Chooser(), provider=Person(""))
        def only(self) -> str:
            return "its own"

    assert Last().kickoff() == "its own"


def test_asking_and_the_answer_are_frames_in_the_scope_of_the_method_whoever_asks() -> None:
    session = asking(Person("Go."), emit=["yes", "no"], llm=Chooser(in_json("no")))().stream_events()
    frames = list(session)
    started = next(frame for frame in frames if frame.type == "method_execution_started")
    requested, received = (frame for frame in frames if frame.type.startswith("human_feedback"))
    assert {requested.parent_id, received.parent_id} == {started.id}
    assert {requested.channel, received.channel} == {"flow"}
    shown = {key: requested.data[key] for key in ("method_name", "output", "message", "emit")}
    assert shown == {"method_name": "draft", "output": "the draft", "message": "Is it right?", "emit": ["yes", "no"]}
    assert (received.data["feedback"], received.data["outcome"]) == ("Go.", "no")
    assert requested.data["request_id"] == received.data["request_id"] is not None


@pytest.mark.usefixtures("without_config")
def test_the_decorators_provider_comes_before_the_one_of_all_flows() -> None:
    flow_config.hitl_provider = Person("everyone's")
    assert asking(Person("own"))().kickoff().feedback == "own"
    assert asking(None)().kickoff().feedback == "everyone's"
    flow_config.hitl_provider = Emptied("everyone's that is false")
    assert asking(None)().kickoff().feedback == "everyone's that is false"
    assert asking(Emptied("own that is false"))().kickoff().feedback == "own that is false"


def test_without_a_provider_the_terminal_is_asked_and_shown_nothing_that_it_obeys(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed: list[str] = []

    def read(prompt: str) -> str:
        typed.append(prompt)
        return "Typed."

    monkeypatch.setattr("builtins.input", read)

    class Escapes(Flow):
        @start()
        @human_feedback(message="Is it\x1b[2J right?", emit=["yes", "no"], llm=Chooser("no"))
        def draft(self) -> str:
            return "\x1b]0;gone\x07two\nlines"

    flow = Escapes()
    flow.kickoff()
    out = capsys.readouterr().out
    assert typed == ["Your feedback: "]
    assert "\x1b" not in out
    assert "\\x1b]0;gone\\x07two\nlines" in out
    assert "Is it\\x1b[2J right?" in out
    assert "yes, no" in out
    assert flow.last_human_feedback is not None
    assert flow.last_human_feedback.feedback == "Typed."


@pytest.mark.parametrize("error", [LookupError("no mail"), KeyboardInterrupt()], ids=["an error", "an interrupt"])
def test_what_a_provider_raises_fails_the_method_as_the_same_object(error: BaseException) -> None:
    class Fails:
        def request_feedback(self, context: PendingFeedbackContext, flow: Any) -> str:
            raise error

    session = asking(Fails())().stream_events()
    with pytest.raises(type(error)) as caught:
        list(session)
    assert caught.value is error
    assert [frame.type for frame in session.frames][-2:] == ["method_execution_failed", "flow_failed"]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "outcomes without a model": ({"emit": ["a"], "llm": None}, "llm is required when emit is specified"),
    "no outcomes": ({"emit": []}, "at least one outcome"),
    "a default without outcomes": ({"default_outcome": "a"}, "one of emit, and emit is not specified"),
    "a default that is no outcome": ({"emit": ["a"], "default_outcome": "b"}, "'b' must be one of emit, a"),
    "a memory": ({"learn": True}, "needs a memory"),
    "a number for a model": (
        {"emit": ["a"], "llm": 5},
        "llm of human_feedback: expected a model's name or an LLM, not 5",
    ),
    "a provider's class": (
        {"provider": Person},
        "provider of human_feedback: expected an object with request_feedback",
    ),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_options_that_do_not_fit_are_refused_at_the_decoration(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        human_feedback("Well?", **options)


def test_the_terminal_is_a_provider_of_both_kinds() -> None:
    assert isinstance(ConsoleProvider(), HumanFeedbackProvider)
    assert isinstance(ConsoleProvider(), InputProvider)


def test_a_flow_is_given_what_was_answered_before() -> None:
    first, latest = HumanFeedbackResult(feedback="Hm."), HumanFeedbackResult(feedback="Yes.")
    flow = asking(Person("No."))(human_feedback_history=[first], last_human_feedback=latest)
    assert flow.last_human_feedback is latest
    flow.last_human_feedback = latest
    flow.kickoff()
    assert [answer.feedback for answer in flow.human_feedback_history] == ["Hm.", "Yes.", "No."]
    assert asking(None)(last_human_feedback=first).human_feedback_history == [first]
