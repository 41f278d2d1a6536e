"""Identifiers are nouns and verbs of the field: a word of a sentence, such as `told`, says nothing away from its sentence."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import conformance
import harness

PACKAGES = tuple(Path(package.__path__[0]) for package in (harness, conformance))
#: What no identifier is as a whole.
WHOLE = {"one"}
#: What no part of an identifier is: of `asked_url`, `_WAS_TOLD` and `PersonAsked` each has one.
PARTS = {"told", "said", "came", "asked", "went", "gone"}
_OF_FAILURES = "docs/porting.md names what a `ToolCallFailed` says so"
#: Identifiers that stay where they are, each with the reason: a public name, or a key of a file format.
STAYING = {
    ("harness/llm/tool_use.py", "told"): _OF_FAILURES,
    ("harness/agents/toolbox.py", "told"): _OF_FAILURES,
}


def names_in(node: ast.AST) -> Iterator[str]:
    """Yield the identifiers that a node itself has."""
    for field in ("name", "id", "attr", "arg", "asname", "rest"):
        value = getattr(node, field, None)
        if isinstance(value, str):
            yield from value.split(".")
    if isinstance(node, ast.Global | ast.Nonlocal):
        yield from node.names
    if isinstance(node, ast.MatchClass):
        yield from node.kwd_attrs


def is_of_a_sentence(name: str) -> bool:
    """Whether a name is, or has in it, a word that is none of the field."""
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return name.strip("_").lower() in WHOLE or any(part.lower() in PARTS for part in parts)


def test_words_of_a_sentence_are_found_in_every_spelling() -> None:
    found = ["one", "_ONE", "told", "asked_url", "_WAS_TOLD", "PersonAsked", "isGone", "HTTPSaid", "__said"]
    assert [name for name in found if not is_of_a_sentence(name)] == []
    free = ["one_turn", "phone", "masked", "Camel", "wentletrap", "bygone", "untold", "StopIteration"]
    assert [name for name in free if is_of_a_sentence(name)] == []


def test_identifiers_are_no_words_of_a_sentence() -> None:
    lines: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    count = 0
    for package in PACKAGES:
        for path in sorted(package.rglob("*.py")):
            place = path.relative_to(package.parent).as_posix()
            names = [(path.stem, 1), (path.parent.name, 1)]
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                names += [(name, getattr(node, "lineno", 1)) for name in names_in(node)]
            count += len(names)
            for name, line in names:
                if is_of_a_sentence(name):
                    lines[place, name].append(line)
    assert count > 100_000
    assert {found: lines[found] for found in lines.keys() - STAYING.keys()} == {}
    assert STAYING.keys() - lines.keys() == set(), "what is to stay is not there any more"
