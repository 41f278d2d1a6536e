"""The forms that credentials have in any text: a prefix that a service gives its keys, and what follows it.

The rows stand in `forms.toml` and, made from a scanner's rules, in `betterleaks.toml`. They are read when a text is
first looked at, and a pattern is compiled when a text first has the literal that it needs.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from msgspec import Struct

from harness.recording.redact.values import is_placeholder

_WORD = re.compile(r"[a-z0-9]+")
#: A run of this many letters and digits is no word; a shorter one is none where both are in it.
_PIECE = re.compile(r"[A-Za-z0-9]{12}|(?=[A-Za-z]{0,8}[0-9])(?=[0-9]{0,8}[A-Za-z])[A-Za-z0-9]{8}")
#: What a key that is longer than documented goes on with.
_REST = re.compile(r"(?:[A-Za-z0-9_*-]|[.](?=[A-Za-z0-9]{12}))*+")
#: A literal in the middle of base64 is chance.
_BASE64 = re.compile(r"[A-Za-z0-9+/]{24}\Z")


class Form(Struct, frozen=True, dict=True):
    """One form of credential."""

    name: str
    #: The literals of which one stands in every match.
    starts: tuple[str, ...]
    source_pattern: str
    #: How many characters of a match may stand before its literal.
    leads: tuple[int, ...]
    #: Whether the key must look like one, and how many bits of entropy a character must have at least.
    opaque: bool
    entropy: float
    #: What the secret must begin with.
    needs: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern, compiled. ASCII, so that nothing depends on how a text was decoded."""
        return re.compile(self.source_pattern, re.ASCII)

    @cached_property
    def has_group(self) -> bool:
        """Whether the pattern says what of a match is the secret."""
        return "secret" in self.pattern.groupindex

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where in `text` the secret part of each credential starts and stops, in order."""
        for literal in self.starts:
            position = text.find(literal)
            while position >= 0:
                match = self._match(text, position)
                # What a literal begins is looked at once, secret or not: the literal may stand in it any number of times.
                after = position + 1 if match is None else max(match.end(), position + 1)
                if match is not None and self._accepts(match["secret"] if self.has_group else match.group()):
                    start, stop = self._span(match, literal)
                    yield start, stop
                    after = max(after, stop)
                position = text.find(literal, after)

    def _match(self, text: str, position: int) -> re.Match[str] | None:
        for lead in self.leads:
            start = position - lead
            if start >= 0 and _is_edge(text, start) and (match := self.pattern.match(text, start)) is not None:
                return match
        return None

    def _accepts(self, secret: str) -> bool:
        if self.needs and re.match(self.needs, secret) is None:
            return False
        if is_placeholder(secret) or (self.opaque and _PIECE.search(secret) is None):
            return False
        return not self.entropy or _entropy(secret) >= self.entropy

    def _span(self, match: re.Match[str], literal: str) -> tuple[int, int]:
        start, stop = match.span("secret") if self.has_group else (match.start() + len(literal), match.end())
        rest = _REST.match(match.string, stop) if self.leads == (0,) else None
        return start, stop if rest is None else rest.end()


@cache
def forms() -> tuple[Form, ...]:
    """Return every form, ours first."""
    return tuple(_form(row) for name in ("forms.toml", "betterleaks.toml") for row in _rows(name))


def live_forms(words: frozenset[str], text: str) -> list[Form]:
    """Return the forms that may occur in `text`, whose words in lower case are `words`, in the order of the tables."""
    whole, begun, inside = _index()
    found = {place for word in words & whole.keys() for place in whole[word]}
    for begin in {word[:3] for word in words} & begun.keys():
        found.update(begun[begin])
    live = (forms()[place] for place in sorted(found | inside))
    return [form for form in live if any(literal in text for literal in form.starts)]


@cache
def _index() -> tuple[dict[str, list[int]], dict[str, list[int]], frozenset[int]]:
    """The places of forms by a whole word of their literal, by how a word of it begins, and of those that must be looked for."""
    whole: dict[str, list[int]] = {}
    begun: dict[str, list[int]] = {}
    inside: set[int] = set()
    for place, form in enumerate(forms()):
        for literal in form.starts:
            word = _WORD.search(literal.lower())
            if word is None or (form.leads != (0,) and word.start() == 0):
                inside.add(place)
            elif word.end() < len(literal):
                whole.setdefault(word.group(), []).append(place)
            elif len(word.group()) >= 3:
                begun.setdefault(word.group()[:3], []).append(place)
            else:
                inside.add(place)
    return whole, begun, frozenset(inside)


def _rows(name: str) -> list[dict[str, Any]]:
    text = files("harness.recording.redact").joinpath(name).read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = tomllib.loads(text)["form"]
    return rows


def _form(row: dict[str, Any]) -> Form:
    return Form(
        name=row["id"],
        starts=tuple(row["starts"]),
        source_pattern=row["pattern"],
        leads=tuple(row.get("leads", (0,))),
        # What was made from another's rules is held to more, since what a rule there has to end with is not asked here.
        opaque=row.get("opaque", "source" not in row),
        entropy=row.get("entropy", 0.0),
        needs=row.get("needs", ""),
    )


def _is_edge(text: str, position: int) -> bool:
    """Whether a key may begin at `position`: no letter or digit stands before, and no base64 that goes on."""
    if not position or not text[position].isalnum():
        return True
    before = text[position - 1]
    if before.isascii() and before.isalnum():
        return False
    return before not in "+/" or _BASE64.search(text, max(0, position - 24), position) is None


def _entropy(text: str) -> float:
    length = len(text)
    return -sum(count / length * math.log2(count / length) for count in Counter(text).values())
