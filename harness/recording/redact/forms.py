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
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from harness.recording.redact.values import is_placeholder

#: How much of a text a pattern that looks back may see from its literal on.
_REACH = 400
_WORD = re.compile(r"[a-z0-9]+")
#: A run of this many letters and digits is no word; a shorter one is none where both are in it.
_PIECE = re.compile(r"[A-Za-z0-9]{12}|(?=[A-Za-z]{0,8}[0-9])(?=[0-9]{0,8}[A-Za-z])[A-Za-z0-9]{8}")
#: What a key that is longer than documented goes on with.
_REST = re.compile(r"(?:[A-Za-z0-9_*-]|[.](?=[A-Za-z0-9]{12}))*+")
#: A literal in the middle of base64 is chance.
_BASE64 = re.compile(r"[A-Za-z0-9+/]{24}\Z")


@dataclass(frozen=True)
class Form:
    """One form of credential."""

    name: str
    #: The literals of which one stands in every match.
    starts: tuple[str, ...]
    source_pattern: str
    #: How many characters of a match stand before its literal; None where the literal begins it.
    lead: int | None
    #: Whether the key must look like one, and how many bits of entropy a character must have at least.
    opaque: bool
    entropy: float

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern, compiled. ASCII, so that nothing depends on how a text was decoded."""
        return re.compile(self.source_pattern, re.ASCII)

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where in `text` the secret part of each credential starts and stops, in order."""
        for literal in self.starts:
            position = text.find(literal)
            while position >= 0:
                match = self._match(text, position)
                if match is None:
                    position = text.find(literal, position + 1)
                    continue
                start, stop = self._span(match, literal)
                yield start, stop
                position = text.find(literal, max(stop, position + 1))

    def _match(self, text: str, position: int) -> re.Match[str] | None:
        if self.lead is not None:
            begin = max(0, position - self.lead)
            match = self.pattern.search(text, begin, position + _REACH)
            if match is None or not match.start() <= position < match.end() or not _is_edge(text, match.start()):
                return None
        else:
            if not _is_edge(text, position):
                return None
            match = self.pattern.match(text, position)
            if match is None:
                return None
        return match if self._accepts(_secret(match, "")) else None

    def _accepts(self, secret: str) -> bool:
        if is_placeholder(secret) or (self.opaque and _PIECE.search(secret) is None):
            return False
        return not self.entropy or _entropy(secret) >= self.entropy

    def _span(self, match: re.Match[str], literal: str) -> tuple[int, int]:
        if "secret" in match.re.groupindex:
            start, stop = match.span("secret")
            return (start, stop) if self.lead is not None else (start, _REST.match(match.string, stop).end())  # type: ignore[union-attr]
        start = match.start() + (0 if self.lead is not None else len(literal))
        return start, _REST.match(match.string, match.end()).end()  # type: ignore[union-attr]


@cache
def forms() -> tuple[Form, ...]:
    """Return every form, ours first."""
    return tuple(_form(row) for name in ("forms.toml", "betterleaks.toml") for row in _rows(name))


def live_forms(words: frozenset[str], text: str) -> list[Form]:
    """Return the forms that may occur in `text`, whose words in lower case are `words`."""
    whole, begun, inside = _index()
    found = [form for word in words & whole.keys() for form in whole[word]]
    for begin in {word[:3] for word in words} & begun.keys():
        found.extend(begun[begin])
    found.extend(inside)
    return [form for form in dict.fromkeys(found) if any(literal in text for literal in form.starts)]


@cache
def _index() -> tuple[dict[str, list[Form]], dict[str, list[Form]], list[Form]]:
    """The forms by a whole word of their literal, by how a word of it begins, and those for which only looking helps."""
    whole: dict[str, list[Form]] = {}
    begun: dict[str, list[Form]] = {}
    inside: list[Form] = []
    for form in forms():
        for literal in form.starts:
            word = _WORD.search(literal.lower())
            if word is None or (form.lead is not None and word.start() == 0):
                inside.append(form)
            elif word.end() < len(literal):
                whole.setdefault(word.group(), []).append(form)
            elif len(word.group()) >= 3:
                begun.setdefault(word.group()[:3], []).append(form)
            else:
                inside.append(form)
    return whole, begun, inside


def _rows(name: str) -> list[dict[str, Any]]:
    text = files("harness.recording.redact").joinpath(name).read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = tomllib.loads(text)["form"]
    return rows


def _form(row: dict[str, Any]) -> Form:
    return Form(
        name=row["id"],
        starts=tuple(row["starts"]),
        source_pattern=row["pattern"],
        lead=row.get("lead"),
        # What was made from another's rules is held to more, since what a rule there has to end with is not asked here.
        opaque=row.get("opaque", "source" not in row),
        entropy=row.get("entropy", 0.0),
    )


def _secret(match: re.Match[str], default: str) -> str:
    return match["secret"] if "secret" in match.re.groupindex else match.group() or default


def _is_edge(text: str, position: int) -> bool:
    """Whether a key may begin at `position`: no letter or digit stands before, and no base64 that goes on."""
    if not position or not text[position].isalnum():
        return True
    before = text[position - 1]
    if before.isascii() and before.isalnum():
        return _after_escape(text, position)
    return before not in "+/" or _BASE64.search(text, max(0, position - 24), position) is None


def _after_escape(text: str, position: int) -> bool:
    r"""Whether the letter before belongs to an escape of an undecoded string: `\nsk-…`, `\u003dsk-…`, `%3Dsk-…`."""
    return _ESCAPE.search(text, max(0, position - 6), position) is not None


_ESCAPE = re.compile(r"(?:\\[nrtbf]|\\u00[0-9a-fA-F]{2}|%[0-9A-F]{2})\Z")


def _entropy(text: str) -> float:
    length = len(text)
    return -sum(count / length * math.log2(count / length) for count in Counter(text).values())
