"""One word, one thing: a reader who meets a class by its name alone knows which one is meant."""

import ast
from collections import defaultdict
from pathlib import Path

import conformance
import harness

PACKAGES = tuple(Path(package.__path__[0]) for package in (harness, conformance))
#: Names that two classes may share, each with the reason.
SHARED: dict[str, str] = {}


def test_no_two_classes_share_a_name() -> None:
    places = defaultdict(list)
    for package in PACKAGES:
        for path in sorted(package.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                # A class with a leading underscore is seen in its own module only.
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(f"{path.relative_to(package.parent)}:{node.lineno}")
    assert len(places) > 300
    assert {name: found for name, found in places.items() if len(found) > 1 and name not in SHARED} == {}
