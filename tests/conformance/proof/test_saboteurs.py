"""Every saboteur is caught by its clauses, and by the checks of those clauses and nothing else."""

from __future__ import annotations

import faulthandler
import fnmatch
import importlib
import os
from collections import defaultdict
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from conformance.areas.catalogue import scenarios
from conformance.contract.clauses import CLAUSES, clause
from conformance.proof import Saboteur, saboteurs
from conformance.proof.proof import Caught, caught_in, page, prove, scenarios_at, scenarios_of, table, wrong
from conformance.proof.saboteur import override
from conformance.run.suite import perform, performed
from conformance.subjects.harness import HarnessSubject
from conformance.subjects.subject import load_subject
from harness import ConformanceError

SABOTEURS = tuple(saboteurs().values())
#: The clauses that are decided about the sound runtime, and must have a saboteur.
MUSTS = frozenset(
    row.id for row in CLAUSES.values() if row.level == "MUST" and row.capabilities <= HarnessSubject.capabilities
)
SLEEPER = Saboteur(
    "sleeper", ("order.delivery",), "m:f", str, {"order.seq-gapless": "a reason"}, {"replay.equal": "a race"}
)


def named(saboteur: Saboteur) -> str:
    return saboteur.name


#: These wait for a process that does not end, or for a run that is not closed, until their deadlines.
LATE = {"run-keeps-the-interpreter", "close-joins-the-run"}
#: In each run of the tests one of so many is caught, and of these every third goes free without its check; where slow
#: tests are run, all are and do.
EACH = 4
#: How many scenarios of an area are enough to show that its clauses catch a saboteur.
OF_AREA = 6
#: In how many of the scenarios that caught it a saboteur must go free without the check.
ENOUGH = 2


@cache
def caught_by(name: str) -> Caught:
    """Return what became of a saboteur in some scenarios; it is the same for whoever asks again."""
    saboteur = saboteurs()[name]
    areas: defaultdict[str, list[str]] = defaultdict(list)
    for scenario in scenarios_of(saboteur.clauses):
        areas[scenario.partition("/")[0]].append(scenario)
    # Sync and async take turns in a list of scenarios, so that an even step would see one of them alone.
    some = [scenario for area in areas.values() for scenario in area[:: len(area) // OF_AREA | 1]]
    return caught_in(list(dict.fromkeys((*some, *scenarios_at(saboteur)))), saboteur)


def goes_free(caught: Caught, clause_id: str) -> bool:
    """Return whether a saboteur goes free where it was caught by a clause, once the check of that has been removed."""
    address = f"tests.conformance.standins.unchecked:{caught.saboteur.name}/{clause_id}"
    again = caught_in(caught.by[clause_id][:ENOUGH], caught.saboteur, address)
    return clause_id not in again.failed and not again.faults


def slow_where(is_slow: Callable[[int, Saboteur], bool]) -> list[Any]:
    return [
        pytest.param(saboteur, marks=pytest.mark.slow) if is_slow(number, saboteur) else saboteur
        for number, saboteur in enumerate(SABOTEURS)
    ]


@pytest.mark.parametrize(
    "saboteur", slow_where(lambda number, saboteur: number % EACH > 0 or saboteur.name in LATE), ids=named
)
def test_a_saboteur_is_caught_by_its_clauses_and_by_nothing_that_is_not_listed(saboteur: Saboteur) -> None:
    caught = caught_by(saboteur.name)
    # Of some scenarios, none may be one in which what is listed beside its own breaks.
    perhaps = replace(saboteur, also={}, perhaps={**saboteur.also, **saboteur.perhaps})

    assert replace(caught, saboteur=perhaps).complaints() == []


@pytest.mark.parametrize(
    "saboteur", slow_where(lambda number, saboteur: number % (3 * EACH) > 0 or saboteur.name in LATE), ids=named
)
def test_a_saboteur_goes_free_without_the_check_of_its_clause(saboteur: Saboteur) -> None:
    caught = caught_by(saboteur.name)

    assert [clause_id for clause_id in saboteur.clauses if not goes_free(caught, clause_id)] == []


def test_every_must_has_a_saboteur() -> None:
    assert {clause_id for one in SABOTEURS for clause_id in one.clauses} >= MUSTS


@pytest.mark.parametrize("saboteur", SABOTEURS, ids=named)
def test_a_row_names_clauses_with_reasons_and_scenarios_that_decide_them(saboteur: Saboteur) -> None:
    rows = (saboteur.clauses, saboteur.also, saboteur.perhaps)
    listed = [clause_id for row in rows for clause_id in row]
    assert all(map(clause, listed))
    assert len(set(listed)) == len(listed)
    assert all((*saboteur.also.values(), *saboteur.perhaps.values()))
    assert all(scenarios_of((clause_id,)) for clause_id in saboteur.clauses)
    assert all(fnmatch.filter(scenarios_of(saboteur.clauses), glob) for glob in saboteur.at.split())


@pytest.mark.parametrize("target", sorted({one.target for one in SABOTEURS}))
def test_what_is_overridden_is_there(target: str) -> None:
    module, _, path = target.partition(":")
    found = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)


def test_an_override_replaces_what_stands_in_its_owner() -> None:
    class Owner:
        @property
        def answer(self) -> int:
            return 42

    globals()["Owner"] = Owner
    try:
        override(f"{__name__}:Owner.answer", lambda answer: property(lambda owner: answer.__get__(owner) + 1))
    finally:
        del globals()["Owner"]

    assert Owner().answer == 43


def test_making_a_saboteur_leaves_this_process_sound() -> None:
    for saboteur in SABOTEURS:
        assert load_subject(saboteur.address).capabilities == HarnessSubject.capabilities

    rows = [scenario for name, scenario in scenarios().items() if name.startswith("flow/two-steps")]
    results = [perform(HarnessSubject(), scenario) for scenario in rows]
    decisions = [decision for result in results for decision in result.decisions]

    assert {decision.status for decision in decisions} == {"passed"}


@pytest.mark.parametrize(
    "place",
    [
        "close/call-body/close/sync",
        "close/call-head/collected/sync",
        "close/side-by-side/close/sync",
        "beside/one-llm/sync",
        "entry/flag/llm/closed/sync",
        "exit/sync-method/sync",
        "close/nested-provider-head/aclose/async",
        "close/provider-body/collected/async",
        "close/provider-body/with/async",
    ],
)
def test_a_runtime_that_goes_on_only_as_it_is_read_is_put_into_places_where_runs_block(place: str) -> None:
    [result] = performed(partial(load_subject, "tests.conformance.standins.paced:PACED"), [scenarios()[place]])

    assert {decision.status for decision in result.decisions} == {"passed"}


def test_an_unknown_saboteur_is_refused_with_the_names_of_all() -> None:
    with pytest.raises(ConformanceError, match="no saboteur 'nobody'; there are: frames-with-a-version, "):
        load_subject("conformance.proof:nobody")


@pytest.mark.parametrize(
    ("failed", "faults", "told"),
    [
        (("order.delivery", "order.seq-gapless"), (), []),
        (("order.seq-gapless",), (), ["sleeper was not caught by order.delivery"]),
        (
            ("order.delivery", "order.seq-gapless", "result.value"),
            (),
            ["sleeper failed result.value too, which is not listed beside order.delivery"],
        ),
        (
            ("order.delivery",),
            (),
            ["sleeper did not fail order.seq-gapless, which is listed beside order.delivery"],
        ),
        (("order.delivery", "order.seq-gapless", "replay.equal"), (), []),
        (("order.delivery", "order.seq-gapless"), ("a traceback",), ["sleeper broke the suite: a traceback"]),
    ],
    ids=["caught", "missed", "unlisted", "idle", "perhaps", "fault"],
)
def test_a_row_tells_what_is_wrong_with_it(failed: tuple[str, ...], faults: tuple[str, ...], told: list[str]) -> None:
    assert Caught(SLEEPER, dict.fromkeys(failed, ()), faults).complaints() == told


def test_a_saboteur_is_to_be_caught_at_each_scenario_that_its_row_names() -> None:
    by = {"order.delivery": ("call/text/sync",), "order.seq-gapless": ("call/text/async",)}
    caught = Caught(replace(SLEEPER, at="call/text/*"), by)

    # Failing a clause that is listed beside its own is not being caught.
    assert caught.complaints() == ["sleeper was not caught at call/text/async"]


def test_a_clause_that_nothing_is_caught_by_is_an_empty_row() -> None:
    rows = [Caught(SLEEPER, {"order.delivery": ("a",), "order.seq-gapless": ("a",)})]

    assert table(rows)["order.delivery"] == ("sleeper",)
    assert "no saboteur is caught by order.delivery" not in wrong(rows)
    assert "no saboteur is caught by order.seq-gapless" in wrong(rows)  # failing beside another clause proves nothing
    assert "| order.delivery | MUST | sleeper |  |" in page(rows)
    assert "| order.seq-gapless | MUST | **nothing** | sleeper |" in page(rows)
    assert table(rows).keys() == CLAUSES.keys()


def test_the_page_of_the_last_proof_shows_every_saboteur_at_its_clauses() -> None:
    page = (Path(__file__).parents[3] / "docs" / "saboteurs.md").read_text(encoding="utf-8")
    rows = {cells[1].strip(): cells for cells in (line.split("|") for line in page.splitlines()) if len(cells) == 6}
    for saboteur in SABOTEURS:
        for clause_id in saboteur.clauses:
            assert saboteur.name in rows[clause_id][3].strip().split(", ")
        for clause_id in saboteur.also:
            assert saboteur.name in rows[clause_id][4].strip().split(", ")
    assert rows.keys() >= MUSTS
    assert "**nothing**" not in "".join(rows[clause_id][3] for clause_id in MUSTS)


@pytest.mark.slow
def test_the_whole_suite_against_every_saboteur() -> None:
    # It takes about an hour, and no test is given that long.
    faulthandler.cancel_dump_traceback_later()
    rows = prove(workers=os.cpu_count() or 1)

    assert wrong(rows) == []
