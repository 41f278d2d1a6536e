"""Claims about the outcome that a human's words come to."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from harness.errors import ProviderError
from harness.flow.feedback.outcome import choose_outcome
from tests.flow.conversation.talks import talk
from tests.flow.feedback.people import Chooser, in_json, structured

OUTCOMES = ["approved", "not approved", "needs work"]


def by_feedback(labels: Sequence[str], answer: Any) -> str:
    return asyncio.run(choose_outcome("Which?", "That one.", labels, Chooser(answer)))


def by_intent(labels: Sequence[str], answer: Any) -> str:
    label: str = talk().classify_intent("That one.", labels, llm=Chooser(answer))
    return label


def chosen(feedback: str, llm: Any, default: str | None = None) -> str:
    return asyncio.run(choose_outcome("Is it right?", feedback, OUTCOMES, llm, default))


@pytest.mark.parametrize(
    ("default", "outcome"), [(None, "approved"), ("needs work", "needs work")], ids=["no default", "a default"]
)
@pytest.mark.parametrize("blank", ["", "  \n"])
def test_no_words_come_to_the_default_or_the_first_and_no_model_is_asked(
    blank: str, default: str | None, outcome: str
) -> None:
    llm = Chooser()
    assert chosen(blank, llm, default) == outcome
    assert llm.asked == []


@pytest.mark.parametrize(
    "answer",
    [structured("needs work"), in_json("needs work"), in_json("Needs Work"), "needs work", " NEEDS WORK\n"],
    ids=["a model", "JSON", "JSON in another case", "text", "text in another case"],
)
def test_the_model_is_asked_for_an_outcome_in_one_structured_call(answer: Any) -> None:
    llm = Chooser(answer)
    assert chosen("The second part is thin.", llm) == "needs work"
    (asked,) = llm.asked
    assert [*asked["response_model"].model_json_schema()["properties"]["outcome"]["enum"]] == OUTCOMES
    assert "Is it right?" in asked["prompt"]
    assert "The second part is thin." in asked["prompt"]


def test_an_answer_in_words_is_read_for_the_longest_outcome_in_it() -> None:
    assert chosen("Hm.", Chooser("I would say: not approved.")) == "not approved"


class Number(enum.Enum):
    TWO = "2"


@pytest.mark.parametrize("ask", [by_feedback, by_intent])
@pytest.mark.parametrize(
    ("labels", "answer", "label"),
    [
        (OUTCOMES, '"needs work"', "needs work"),
        (["1", "2"], "2", "2"),
        (["1", "2"], 2, "2"),
        (["1", "2"], Number.TWO, "2"),
        (["true", "false"], "false", "false"),
        (["true", "false"], False, "false"),
    ],
)
def test_an_answer_that_is_a_label_alone_is_that_however_it_is_written(
    ask: Callable[[Sequence[str], Any], str], labels: list[str], answer: Any, label: str
) -> None:
    assert ask(labels, answer) == label


@pytest.mark.parametrize("answer", [in_json("maybe"), "I would say: maybe", "{}", "[1]"])
def test_a_structured_answer_that_is_no_outcome_comes_to_the_first(answer: str) -> None:
    assert chosen("Hm.", Chooser(answer)) == "approved"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("needs work", "needs work"),
        ("It is Not Approved, I think.", "not approved"),
        ("Approved!", "approved"),
        ("who knows", "approved"),
    ],
)
def test_where_no_structured_answer_comes_a_plain_one_is_read_for_the_longest_outcome_in_it(
    answer: str, outcome: str
) -> None:
    llm = Chooser(TypeError("no response_model here"), answer)
    assert chosen("No.", llm) == outcome
    assert llm.asked[1]["response_model"] is None


def test_a_model_that_fails_twice_fails_the_choice() -> None:
    error = ProviderError("refused", provider="custom")
    with pytest.raises(ProviderError) as caught:
        chosen("No.", Chooser(error, error))
    assert caught.value is error


def test_anything_with_a_call_is_a_model() -> None:
    class Own:
        def call(self, messages: list[dict[str, Any]], **options: Any) -> str:
            return "needs work"

    assert chosen("No.", Own()) == "needs work"
