"""The folder of an area has all that there is of its clauses: the statement, the deed, the verdict and the proof."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import conformance.areas
from conformance.areas import AREAS
from conformance.areas.catalogue import checks, of_every_run, saboteurs, scenarios
from conformance.contract.clauses import CLAUSES, Clause
from conformance.run.suite import perform
from conformance.subjects.subject import load_subject

FOLDER = Path(conformance.areas.__path__[0])


def source_of(row: Clause, *, but: tuple[str, ...] = ()) -> str:
    modules = [path for path in sorted((FOLDER / row.area).glob("*.py")) if path.stem not in but]
    return "\n".join(path.read_text(encoding="utf-8") for path in modules)


def test_every_folder_is_an_area_of_the_contract() -> None:
    assert {path.name for path in FOLDER.iterdir() if (path / "__init__.py").exists()} == set(AREAS)


@pytest.mark.parametrize("row", CLAUSES.values(), ids=lambda row: row.id)
def test_a_clause_has_its_statement_deed_verdict_and_proof_in_one_folder(row: Clause) -> None:
    quoted = f'"{row.id}"'
    folder = FOLDER / row.area

    assert f"id = {quoted}" in (folder / "clauses.toml").read_text(encoding="utf-8")
    deeds = source_of(row, but=("checks", "saboteurs"))
    assert row.id in of_every_run() or quoted in deeds
    assert row.id in checks() or quoted in deeds
    if row.level == "MUST":
        # There several may stand in one text.
        proof = (folder / "saboteurs.py").read_text(encoding="utf-8")
        assert re.search(rf'["\s]{re.escape(row.id)}["\s]', proof)
        assert any(row.id in saboteur.clauses for saboteur in saboteurs().values())


@pytest.mark.parametrize("row", CLAUSES.values(), ids=lambda row: row.id)
def test_a_clause_is_decided_by_some_scenario(row: Clause) -> None:
    assert any(row.id in scenario.clauses for scenario in scenarios().values())


def test_no_area_names_a_clause_that_there_is_not() -> None:
    named = {
        name
        for path in FOLDER.rglob("*.py")
        for name in re.findall(rf'"((?:{"|".join(AREAS)})\.[a-z-]+)"', path.read_text(encoding="utf-8"))
    }
    assert named <= CLAUSES.keys()


def test_this_runtime_is_put_into_every_scenario_for_runtimes() -> None:
    """A scenario that fits nobody is never run, and nothing would say so."""
    subject = load_subject("harness")
    assert [name for name, one in scenarios().items() if one.tests == "runtime" and not one.fits(subject)] == []


class ShapelessSession(list[Any]):
    is_completed = is_exhausted = is_cancelled = False
    result = None
    frames = events = ({"id": "a"},)
    close = list.clear


class Shapeless:
    """A runtime whose sessions give what has nothing of a frame."""

    name, version, capabilities = "shapeless", "1", frozenset({"flow"})

    def session(self, program: object, performance: object) -> ShapelessSession:
        return ShapelessSession(ShapelessSession.frames)


def test_of_frames_without_a_shape_what_they_lack_is_told() -> None:
    result = perform(Shapeless(), scenarios()["flow/failing/sync"])

    [shape] = [decision for decision in result.decisions if decision.clause == "envelope.fields"]
    assert shape.violations[0].message.startswith("frame 1 has no id, seq, type, ")
