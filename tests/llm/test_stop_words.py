"""An answer ends at the stop word that is whole first, however its text is cut into pieces."""

from __future__ import annotations

import itertools

import pytest

from harness.llm import Finish, Part, TextDelta
from harness.llm.stop_words import StopWords


def cut(words: tuple[str, ...], pieces: list[str]) -> str:
    """Return what is left of an answer in these pieces."""
    stops = StopWords(words)
    parts: list[Part] = [*map(TextDelta, pieces), Finish("stop")]
    made = [part for given in parts for part in stops.take(given)]
    return "".join(part.text for part in made if isinstance(part, TextDelta))


def splits(text: str) -> list[list[str]]:
    places = range(1, len(text))
    ends = (chosen for count in range(len(text)) for chosen in itertools.combinations(places, count))
    return [[text[a:b] for a, b in itertools.pairwise((0, *chosen, len(text)))] for chosen in ends]


@pytest.mark.parametrize(
    ("words", "text", "left"),
    [
        (("Hum", "\n\nHuman"), "A\n\nHuman", "A\n\n"),
        (("bcd", "c"), "abcd", "ab"),
        (("bcd", "d"), "abcd", "a"),
        (("aab",), "aaab", "a"),
        (("abc", "bd"), "abd", "a"),
        (("END",), "EN", "EN"),
    ],
)
def test_every_split_of_a_text_ends_at_the_same_place(words: tuple[str, ...], text: str, left: str) -> None:
    assert {cut(words, pieces) for pieces in splits(text)} == {left}
