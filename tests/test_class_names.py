"""One word, one thing: a reader who meets a class by its name alone knows which is meant, and modules are things."""

import ast
from collections import Counter, defaultdict
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


#: Modules whose names end in -ing and are nouns all the same.
NOUNS = {"content_coding", "pending", "reasoning", "routing"}


def test_modules_are_named_by_things_and_no_folder_is_too_long_to_look_over() -> None:
    for package in PACKAGES:
        modules = [path for path in package.rglob("*.py") if path.stem != "__init__"]
        assert {path.stem for path in modules if path.stem.endswith("ing")} - NOUNS == set()
        folders = Counter(path.parent for path in modules)
        assert {str(folder): count for folder, count in folders.items() if count > 16} == {}
