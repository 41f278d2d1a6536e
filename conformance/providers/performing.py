"""One situation of the provider suite performed and judged, and the whole suite run against a provider."""

from __future__ import annotations

import traceback
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Final

from conformance.contract.clauses import CLAUSES
from conformance.providers.found import RecordedProvider, load_provider
from conformance.providers.scenarios import ProviderScenario, provider_scenarios
from conformance.run.decisions import Decision, Found, ScenarioResult, all_failed
from conformance.run.judge import judge
from conformance.run.processes import Kind, Loaded, Processes
from conformance.run.suite import is_ours
from harness.errors import UsageError
from harness.recording import Trust

#: How long one situation may take, which is put to every recording.
DEADLINE_S: Final = 60.0
#: Of one clause in one situation, so many violations are told; a broken integration breaks it at every place.
_MOST_TOLD: Final = 10
#: What to record, for each clause that recordings must show.
_TO_RECORD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "llm.no-stream": "a call with stream=False inside a flow (stream_events() always streams)",
        "llm.tool-chunks": "a call in which the model asks for a tool",
        "llm.tool-run": "a call in which the model asks for a tool",
        "llm.thinking": "a call in which the model thinks",
    }
)
#: How the failure of a process is told from one of the suite where a target is at fault.
_NO_TARGET: Final = "no target: "
_STREAM: Final = "a streamed call that gives text and ends well"


def perform_on(provider: RecordedProvider, scenario: ProviderScenario) -> ScenarioResult:
    """Put every recording that fits into one situation, here, and judge what came of it."""
    try:
        return ScenarioResult(scenario.id, tuple(_decisions(provider, scenario)))
    except UsageError as error:
        return ScenarioResult(scenario.id, (), fault=f"{_NO_TARGET}{error}")
    except Exception as error:
        if is_ours(error):
            return ScenarioResult(scenario.id, (), fault=traceback.format_exc())
        return all_failed(scenario, f"a target raised {type(error).__name__}: {error}")


def _decisions(provider: RecordedProvider, scenario: ProviderScenario) -> Iterator[Decision]:
    mine = scenario.clauses & clauses_of(provider)
    broken: defaultdict[str, list[Found]] = defaultdict(list)
    held: set[str] = set()
    for seen in scenario.observe(provider):
        if seen.evidence is None:
            for clause in mine:
                broken[clause].append(Found(None, f"{seen.label}: {seen.why}"))
            continue
        for row in judge(seen.evidence, provider.capabilities).clauses:
            if row.status == "passed":
                held.add(row.clause.id)
            for one in row.violations:
                broken[row.clause.id].append(Found(one.seq, f"{seen.label}: {one.message}"))
    for clause in CLAUSES:
        if clause in broken:
            yield Decision(clause, "failed", tuple(_told(broken[clause])))
        elif clause in held & mine:
            yield Decision(clause, "passed")


def _told(found: list[Found]) -> Iterator[Found]:
    yield from found[:_MOST_TOLD]
    if len(found) > _MOST_TOLD:
        yield Found(None, f"and {len(found) - _MOST_TOLD} more")


def clauses_of(provider: RecordedProvider) -> frozenset[str]:
    """Return the clauses that the recordings of a provider must show."""
    decided = frozenset[str]().union(*(one.clauses for one in provider_scenarios()))
    return frozenset(clause for clause in decided if CLAUSES[clause].capabilities <= provider.capabilities)


def undecided(clauses: Iterable[str], results: Collection[ScenarioResult]) -> tuple[ScenarioResult, ...]:
    """Return, for each clause that no situation has decided, that it can't be tested, and what to record."""
    said = {decision.clause for result in results for decision in result.decisions}
    missing = [clause for clause in CLAUSES if clause in set(clauses) - said]
    return tuple(ScenarioResult(_first(clause), (not_shown(clause),)) for clause in missing)


def not_shown(clause: str) -> Decision:
    """Return that recordings do not show a clause, and what to record so that they do."""
    wanted = _TO_RECORD.get(clause, _STREAM)
    return Decision(clause, "not-testable", (Found(None, f"no recording shows it; record {wanted}"),))


def _first(clause: str) -> str:
    return next(one.id for one in provider_scenarios() if clause in one.clauses)


def run_provider(
    name: str, chosen: Collection[str], *, workers: int = 1, trust: Trust | None = None
) -> Iterator[ScenarioResult]:
    """Run the suite against the recordings of one provider; its scenarios are told with its name.

    `chosen` are the clauses to decide, `trust` says what targets may be. Each situation is performed in a process where
    it can do no harm.

    Raises:
        UsageError: a target can't be imported or started here.
    """
    provider = load_provider(name, trust)
    wanted = clauses_of(provider) & set(chosen)
    ids = [one.id for one in provider_scenarios() if one.clauses & wanted]
    processes = Processes(name, DEADLINE_S, Kind(partial(load, trust=trust), provider_scenarios))
    results = []
    try:
        with ThreadPoolExecutor(workers) as pool:
            for result in pool.map(processes.perform, ids):
                if result.fault is not None and result.fault.startswith(_NO_TARGET):
                    raise UsageError(result.fault.removeprefix(_NO_TARGET))
                results.append(result)
                yield _of(provider, result)
    finally:
        processes.close()
    for result in undecided(wanted, results):
        yield _of(provider, result)


def _of(provider: RecordedProvider, result: ScenarioResult) -> ScenarioResult:
    return replace(result, scenario=result.scenario.replace("provider/", f"{provider.name}/", 1))


def load(name: str, trust: Trust | None = None) -> Loaded:
    """Return the recordings that `name` stands for, as processes need them."""
    provider = load_provider(name, trust)
    by_id = {one.id: one for one in provider_scenarios()}
    return Loaded(lambda scenario: perform_on(provider, by_id[scenario]))


#: What processes of this suite do.
PROVIDER: Final = Kind(load, provider_scenarios)
