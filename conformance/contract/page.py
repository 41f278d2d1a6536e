"""The contract page of the documentation, made from the catalogue.

`python -m conformance.contract.page` prints it; a test holds it and `docs/contract.md` together.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

from conformance.contract.clauses import AREAS, CAPABILITIES, Area

#: What the last column of the tables refers to. S0 to S3 are pages of CrewAI's public documentation.
SOURCES: Mapping[str, str] = {
    "S0": 'the page "Streaming", the overview of frames, channels and sessions',
    "S1": 'the page "Streaming Runtime Contract", as first published in June 2026',
    "S2": 'the page "Streaming Flow Execution", the guide to streamed flows',
    "S3": 'the page "LLM streaming responses", on events for the pieces of an answer',
    "S4": "the change to CrewAI that introduced frames; its facts are restated here in our words",
    "H": "added by this project, because the sources leave a hole that users fell into",
    "design": "what this project promises of its own recorder",
}

_INTRODUCTION = """\
<!-- Made from conformance/areas/*/clauses.toml by `python -m conformance.contract.page`; edit those files, not this page. -->
# The streaming contract

What a runtime that streams frames owes its readers. The runtime in `harness/` is built to it, and the suite in
`conformance/` holds any runtime to it.

Every row is one clause: a stable id, never renamed or reused; a level, MUST or SHOULD; a statement that one check can
decide. Ids are grouped `area.name`. A clause that only some runtimes can meet names the capabilities it needs in
[brackets], all of them; a runtime declares its capabilities, and a clause of an undeclared capability is *not
applicable*, which is shown and never counted as a pass. A clause that a run gave nothing to decide is *not testable*,
which is no pass either.
"""

_REPORTS = """\
## Where these holes were seen

Public reports that a clause answers:

| where | reports | what was seen |
|---|---|---|
| crewAIInc/crewAI | 5505, 4347, 3108, 3008 | frames crossing runs, empty task data, repeats |
| crewAIInc/crewAI | 6391 | review of the change that introduced frames: a blocking join, dropped data |
| crewAIInc/crewAI | 6451 | crew frames hidden |
| crewAIInc/crewAI | 7438, 7497 | tool calls lost |
| crewAIInc/crewAI | 6733, 4056, 4170 | usage of zero |
| crewAIInc/crewAI | 6360 | a user message lost when streaming |
| crewAIInc/crewAI | 6056 | an event record that grows for ever |
| ag-ui-protocol/ag-ui | 2423, 2310 | close blocks on a join; "generator already executing" |
| ag-ui-protocol/ag-ui | 1322, 2813, 2408 | rules of order |
"""


def render_markdown() -> str:
    return "\n".join(
        (
            _INTRODUCTION,
            f"The capabilities are: {', '.join(CAPABILITIES)}.\n",
            _sources(),
            *(_section(area) for area in AREAS),
            _REPORTS,
        )
    )


def _sources() -> str:
    rows = "".join(f"| {key} | {text} |\n" for key, text in SOURCES.items())
    return (
        f"## Sources\n\n| key | source |\n|---|---|\n{rows}\n"
        "Where the sources contradict each other the newest wins, and the row says so.\n"
    )


def _section(area: Area) -> str:
    return "\n".join(
        (f"## {area.title}", "", "| id | level | statement | source |", "|---|---|---|---|", *_rows(area), "")
    )


def _rows(area: Area) -> Iterator[str]:
    for row in area.clauses:
        needs = "".join(f"[{name}] " for name in CAPABILITIES if name in row.capabilities)
        yield f"| {row.id} | {row.level} | {needs}{row.statement} | {' '.join(row.sources)} |"


if __name__ == "__main__":
    sys.stdout.write(render_markdown())
