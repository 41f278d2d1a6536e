"""No module of the project imports itself by way of others, not even late, inside of a function."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import pytest


def test_modules_import_one_another_in_no_circle() -> None:
    grimp = pytest.importorskip("grimp", reason="import-linter is missing, whose graph this is: the extra dev has it")
    graph = grimp.build_graph("harness", "conformance", exclude_type_checking_imports=True, cache_dir=None)
    try:
        TopologicalSorter({name: graph.find_modules_directly_imported_by(name) for name in graph.modules}).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))
