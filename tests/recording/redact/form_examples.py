"""A made-up credential for a form: what its pattern describes, drawn from a seed."""

from __future__ import annotations

import re._constants as op  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Iterable
from random import Random
from typing import Any

from harness.recording.redact.forms import Form

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_WORD = f"{_LETTERS}{_LETTERS.upper()}0123456789"


def example(form: Form) -> str:
    """Return a text that the form's pattern matches, and that looks like a key as far as it may."""
    random = Random(form.name)
    drawn = "".join(_drawn(parser.parse(form.source_pattern), random))
    return drawn + "".join(_drawn(parser.parse(form.needs), random))


def _drawn(nodes: Iterable[Any], random: Random) -> Iterable[str]:
    for kind, value in nodes:
        match kind:
            case op.LITERAL:
                yield chr(value)
            case op.IN:
                yield random.choice(_members(value))
            case op.ANY:
                yield random.choice(_WORD)
            case op.MAX_REPEAT | op.MIN_REPEAT | op.POSSESSIVE_REPEAT:
                least, most, inner = value
                for _ in range(least if most - least > 64 or least else 0):
                    yield from _drawn(inner, random)
            case op.SUBPATTERN:
                yield from _drawn(value[-1], random)
            case op.ATOMIC_GROUP:
                yield from _drawn(value, random)
            case op.BRANCH:
                yield from _drawn(value[1][0], random)
            case op.ASSERT | op.ASSERT_NOT | op.AT:
                pass
            case _:
                raise AssertionError(kind)


def _members(nodes: Iterable[Any]) -> str:
    chars = ""
    for kind, value in nodes:
        if kind is op.LITERAL:
            chars += chr(value)
        elif kind is op.RANGE:
            chars += "".join(map(chr, range(value[0], value[1] + 1)))
        elif kind is op.CATEGORY:
            chars += {op.CATEGORY_WORD: _WORD, op.CATEGORY_DIGIT: "0123456789", op.CATEGORY_SPACE: " "}[value]
    # Letters and digits where there are any: what is blotted looks like a key, not like a line.
    return "".join(char for char in chars if char.isalnum()) or chars
