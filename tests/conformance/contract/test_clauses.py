"""The catalogue is the contract: complete, in order, and the same as the page made from it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from conformance.contract.clauses import AREAS, CAPABILITIES, CLAUSES, clause
from conformance.contract.page import SOURCES, render_markdown
from conformance.timeline.vocabulary import CHANNEL_OF, CLOSES, OPENS, RUNTIME_SPECIFIC
from harness import ConformanceError
from harness.frames.channels import CHANNEL_OF as HARNESS_CHANNEL_OF
from tests.conformance.timelines import CHANNEL

PAGE = Path(__file__).parents[3] / "docs" / "contract.md"

#: How many clauses each area has. An id is never dropped, so no number here may go down.
CLAUSES_OF_AREA = {
    "envelope": 10,
    "channel": 8,
    "namespace": 1,
    "order": 7,
    "session": 13,
    "result": 6,
    "error": 4,
    "cleanup": 8,
    "scope": 6,
    "entry": 10,
    "llm": 11,
    "turn": 6,
    "flow": 3,
    "replay": 5,
}

#: One clause for each way in which capabilities are decided.
NEEDS = {
    "envelope.fields": set(),
    "entry.flow-async": {"flow", "async"},
    "entry.crew": {"crew"},
    "turn.pending": {"turn", "feedback"},
    "flow.checkpoint": {"flow", "checkpoint"},
    "llm.tool-run": {"llm", "tools"},
    "scope.worker-threads": {"threads"},
    "session.backpressure": {"backpressure"},
}


def test_the_page_is_the_one_that_the_catalogue_makes() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_markdown(), "run `python -m conformance.contract.page`"


def test_the_page_has_one_row_per_clause() -> None:
    rows = re.findall(r"^\| ([a-z]+\.[a-z-]+) \| (MUST|SHOULD) \|", render_markdown(), re.MULTILINE)

    assert rows == [(row.id, row.level) for row in CLAUSES.values()]


def test_no_clause_has_been_lost() -> None:
    assert Counter(row.area for row in CLAUSES.values()) == CLAUSES_OF_AREA
    assert sum(len(area.clauses) for area in AREAS) == len(CLAUSES)


def test_statements_are_whole_sentences_on_one_line() -> None:
    for row in CLAUSES.values():
        assert row.statement == " ".join(row.statement.split())
        assert not row.statement.startswith("[")


def test_sources_and_capabilities_are_explained_and_used() -> None:
    assert {source for row in CLAUSES.values() for source in row.sources} == set(SOURCES) - {"S3"}
    assert {name for row in CLAUSES.values() for name in row.capabilities} == set(CAPABILITIES)


@pytest.mark.parametrize("clause_id", NEEDS)
def test_a_clause_needs_the_capabilities_of_what_it_speaks_of(clause_id: str) -> None:
    assert clause(clause_id).capabilities == NEEDS[clause_id]


def test_an_unknown_clause_is_refused_with_its_neighbours() -> None:
    with pytest.raises(ConformanceError, match=r"no clause 'result.fast'; there are: result.gated, .*result.states"):
        clause("result.fast")
    with pytest.raises(ConformanceError, match="no clause 'speed'; there are: envelope, channel, namespace"):
        clause("speed")


def test_the_vocabulary_knows_the_types_of_this_runtime_and_their_channels() -> None:
    specific = {name: channel for name, channel in HARNESS_CHANNEL_OF.items() if name in RUNTIME_SPECIFIC}
    assert {**CHANNEL_OF, **specific} == dict(HARNESS_CHANNEL_OF)
    assert set(specific.values()) == {"lifecycle"}
    assert CHANNEL.items() <= CHANNEL_OF.items()


def test_a_type_opens_or_closes_and_is_built_in_once() -> None:
    assert not OPENS.keys() & CLOSES.keys()
    assert not CHANNEL_OF.keys() & RUNTIME_SPECIFIC
    assert set(OPENS.values()) == set(CLOSES.values())
