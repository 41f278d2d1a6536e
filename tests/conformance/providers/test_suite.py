"""The provider suite: sound integrations pass it, and each broken one is caught by its clause, known format or not."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from conformance.areas.catalogue import scenarios
from conformance.contract.clauses import CLAUSES
from conformance.providers import closed_call
from conformance.providers.integration import Integration, load_integration
from conformance.providers.runs import RecordedRun
from conformance.run.outcome import SuiteOutcome
from conformance.run.result import ScenarioResult
from conformance.run.suite import Performer, perform, performed, undecided
from harness.errors import UnreadableRecordingError, UsageError
from harness.recording import Target, record
from harness.shipped import shipped_folder, shipped_providers
from tests.conformance.providers import acme, broken_openai
from tests.conformance.providers.provider_outcome import outcome_of
from tests.recording.support.loopback import loopback
from tests.warm import WarmPython

ROOT = Path(__file__).parents[3]
SHIPPED = shipped_folder()
BY_ID = {name: scenario for name, scenario in scenarios().items() if scenario.tests == "integration"}
#: Broken integration of a format that the suite does not know → the clause and the situation that it must be caught in.
BROKEN: Mapping[type[acme.Sound], tuple[str, str]] = {
    acme.TornCharacters: ("llm.rechunk", "provider/re-split/sync"),
    acme.LinesAreChunks: ("llm.rechunk", "provider/re-split/async"),
    acme.ShortIsWhole: ("llm.truncation", "provider/cut/sync"),
    acme.ErrorsPass: ("llm.errors", "provider/malformed/sync"),
    acme.UnreadablePasses: ("llm.errors", "provider/malformed/sync"),
    acme.ErrorsOfPython: ("llm.errors", "provider/http-500/sync"),
    acme.DisconnectsOfPython: ("llm.errors", "provider/reset/sync"),
    acme.NoUsage: ("llm.usage", "provider/whole/sync"),
    acme.NoThinking: ("llm.thinking", "provider/whole/sync"),
    acme.LostWords: ("llm.deltas-equal-final", "provider/whole/async"),
    acme.ToolsForgotten: ("llm.tool-chunks", "provider/whole/sync"),
    acme.ThinksLast: ("llm.sequence", "provider/whole/sync"),
    acme.ArgumentsStripped: ("llm.deltas-equal-final", "provider/whole/sync"),
    acme.ShowsTheWhole: ("llm.sequence", "provider/closed/sync"),
    acme.KeepsConnections: ("cleanup.work-stops", "provider/closed/sync"),
    acme.FailuresKeepConnections: ("cleanup.no-leaks", "provider/malformed/sync"),
    acme.Shorter: ("llm.no-stream", "provider/not-streamed/sync"),
}
#: The same for integrations whose bytes the suite reads by itself, so that their own recordings need not be right.
BROKEN_OPENAI: Mapping[type[broken_openai.Sound], tuple[str, str]] = {
    broken_openai.NoUsage: ("llm.usage", "provider/whole/sync"),
    broken_openai.ShortIsWhole: ("llm.truncation", "provider/no-end-marker/sync"),
    broken_openai.ErrorEventsPass: ("llm.errors", "provider/error-event/sync"),
    broken_openai.FirstToolOnly: ("llm.tool-chunks", "provider/whole/sync"),
    broken_openai.ShorterInLoops: ("llm.deltas-equal-final", "provider/whole/async"),
    broken_openai.OtherReason: ("llm.usage", "provider/whole/sync"),
    broken_openai.NoRequestId: ("llm.errors", "provider/http-429/async"),
}


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the sound integration of Acme recorded."""
    folder = tmp_path_factory.mktemp("acme")
    with loopback(acme.answer) as server:
        for name in ("text", "tool", "refused", "plain"):
            target = Target(f"{acme.__name__}:Sound.{name}")
            record(target, folder / name, base_url=server.url, origin="authored")
    return folder


def _of(folder: Path, targets: type, name: str | None = None) -> Integration:
    """Return recordings as if those targets had been recorded."""
    provider = load_integration(str(folder))

    def renamed(run: RecordedRun) -> RecordedRun:
        attribute = (name or run.target.name).rpartition(".")[2]
        return replace(run, target=replace(run.target, name=f"{targets.__module__}:{targets.__name__}.{attribute}"))

    return replace(provider, runs=tuple(map(renamed, provider.runs)))


def _failed(result: ScenarioResult) -> dict[str, list[str]]:
    assert result.fault is None, result.fault
    return {
        decision.clause: [violation.message for violation in decision.violations]
        for decision in result.decisions
        if decision.status == "failed"
    }


def test_a_sound_integration_of_a_format_that_nobody_knows_passes(recordings: Path) -> None:
    provider = load_integration(str(recordings))
    assert provider.capabilities == {"llm", "tools", "thinking"}
    results = [perform(provider, scenario) for scenario in BY_ID.values()]
    assert {result.scenario: failed for result in results if (failed := _failed(result))} == {}
    assert {decision.clause for result in results for decision in result.decisions} == must_show(provider)


def test_an_integration_may_show_what_has_come_once_its_loop_gets_round_to_it(
    recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_shown = closed_call._is_shown

    def look(session: object) -> bool:
        shown = is_shown(session)
        acme.ShowsLater.looked_for.set()
        return shown

    monkeypatch.setattr(closed_call, "_is_shown", look)

    assert not _failed(perform(_of(recordings, acme.ShowsLater), BY_ID["provider/closed/async"]))


@pytest.mark.parametrize("targets", BROKEN, ids=lambda one: one.__name__)
def test_a_broken_integration_is_caught_by_its_clause(recordings: Path, targets: type[acme.Sound]) -> None:
    clause, situation = BROKEN[targets]
    failed = _failed(perform(_of(recordings, targets), BY_ID[situation]))
    assert clause in failed
    assert all(
        message.split(",")[0].split(":")[0] in ("text", "tool", "refused", "plain") for message in failed[clause][:9]
    )


def test_a_violation_names_the_recording_and_the_place_of_the_cut(recordings: Path) -> None:
    failed = _failed(perform(_of(recordings, acme.ShortIsWhole), BY_ID["provider/cut/sync"]))
    assert any(message.startswith("text, ended in order after 0 of ") for message in failed["llm.truncation"])


@pytest.mark.parametrize(("targets", "says"), [(acme.Exiting, "exit code 7"), (acme.Hanging, "within 3.0 s")])
def test_an_integration_that_does_not_come_back_is_judged(
    recordings: Path, tmp_path: Path, targets: type[acme.Sound], says: str
) -> None:
    for name in ("text", "plain"):
        shutil.copytree(recordings / name, tmp_path / name)
        path = tmp_path / name / "recording.json"
        path.write_text(path.read_text().replace(":Sound.", f":{targets.__name__}."))
    hangs = targets is acme.Hanging
    performer = Performer(partial(load_integration, str(tmp_path)), 3.0 if hangs else None)
    try:
        cut = _failed(performer.perform(BY_ID["provider/reset/sync"]))
        # The next one has a process again.
        assert hangs or not _failed(performer.perform(BY_ID["provider/not-streamed/sync"]))
    finally:
        performer.close()
    assert all(says in messages[0] for messages in cut.values())
    assert "llm.truncation" in cut


@pytest.mark.parametrize("targets", BROKEN_OPENAI, ids=lambda one: one.__name__)
def test_where_the_bytes_are_known_they_are_the_measure(targets: type[broken_openai.Sound]) -> None:
    clause, situation = BROKEN_OPENAI[targets]
    openai = shipped_providers()["openai"]
    failed = []
    for made in (broken_openai.Sound, targets):
        parts = [_of(openai / name, made, name) for name in ("text", "parallel_tool_calls")]
        together = Integration("openai", tuple(run for part in parts for run in part.runs))
        failed.append(_failed(perform(together, BY_ID[situation])))
    assert failed[0] == {}
    assert clause in failed[1]


def test_what_no_recording_shows_is_told_with_what_to_record(recordings: Path) -> None:
    load = partial(load_integration, str(recordings / "plain"))
    chosen = [BY_ID[name] for name in ("provider/not-streamed/sync", "provider/cut/sync", "provider/re-split/sync")]
    results = [*performed(load, chosen)]
    results += undecided(chosen, must_show(load()), results)
    missing = {
        decision.clause: decision
        for result in results
        for decision in result.decisions
        if decision.status == "not-testable"
    }
    assert missing.keys() == {"llm.truncation", "llm.rechunk", "llm.deltas-equal-final", "llm.errors", "llm.sequence"}
    assert "record a streamed call" in missing["llm.rechunk"].violations[0].message


def must_show(integration: Integration) -> set[str]:
    """Return the clauses that recordings must show, by what they hold."""
    clauses = {clause for scenario in BY_ID.values() for clause in scenario.clauses}
    return {clause for clause in clauses if CLAUSES[clause].capabilities <= integration.capabilities}


def test_tools_that_the_model_was_given_must_be_shown(recordings: Path, tmp_path: Path) -> None:
    shutil.copytree(recordings / "text", tmp_path / "text")
    frames = tmp_path / "text" / "frames.jsonl"
    frames.write_text(frames.read_text().replace('"tools":null', f'"tools":[{json.dumps(acme.TOOL)}]'))
    assert "llm.tool-run" in must_show(load_integration(str(tmp_path)))
    assert "llm.tool-run" not in must_show(load_integration(str(recordings / "text")))


@pytest.mark.parametrize("name", ["nobody", "cassettes/nobody"])
def test_a_name_that_stands_for_nothing_is_refused_and_told_what_there_is(name: str) -> None:
    with pytest.raises(UsageError, match=f"provider '{name}': no recordings there; name one of .*bedrock.*openai"):
        load_integration(name)


def test_a_recording_that_was_not_written_to_its_end_is_unreadable(recordings: Path, tmp_path: Path) -> None:
    shutil.copytree(recordings / "text", tmp_path / "text")
    path = tmp_path / "text" / "recording.json"
    path.write_text(path.read_text().replace('"status": "complete"', '"status": "partial"'))
    with pytest.raises(UnreadableRecordingError, match="is partial"):
        load_integration(str(tmp_path))


@pytest.mark.parametrize("beyond", ["text", "text/recording.json"])
def test_a_link_that_leads_out_of_the_folder_is_not_followed(beyond: str, recordings: Path, tmp_path: Path) -> None:
    shutil.copytree(recordings / "text", tmp_path / "text")
    (tmp_path / "link").symlink_to(recordings / beyond)
    with pytest.raises(UnreadableRecordingError, match="/link' is a link that leads out of the folder that was given"):
        load_integration(str(tmp_path))


@pytest.fixture(scope="module")
def outcome(recordings: Path) -> SuiteOutcome:
    return outcome_of([str(recordings), "azure"], ["llm.usage", "llm.truncation"])


def test_several_providers_are_one_document(outcome: SuiteOutcome, recordings: Path) -> None:
    document: dict[str, Any] = outcome.document()
    assert document["format"] == "harness.conformance/1"
    assert document["subject"]["name"] == f"{recordings.name}, azure"
    assert {row["id"]: row["status"] for row in document["clauses"]} == {
        "llm.usage": "passed",
        "llm.truncation": "passed",
    }
    told = {check["scenario"] for row in document["clauses"] for check in row["checks"]}
    assert {f"{recordings.name}/cut/sync", "azure/cut/sync", "azure/whole/async"} <= told
    assert outcome.exit_code() == 0


Harness = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def harness(warm_python: WarmPython, tmp_path: Path) -> Harness:
    """Calls the command in a process of its own."""

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        out, err = (tmp_path / name for name in ("stdout", "stderr"))
        with out.open("wb") as stdout, err.open("wb") as stderr:
            command = ("conformance", *arguments)
            code = warm_python.run("harness", *command, cwd=ROOT, stdout=stdout, stderr=stderr, timeout_s=120)
        return subprocess.CompletedProcess(command, code, out.read_text("utf-8"), err.read_text("utf-8"))

    return call


def test_the_command_takes_providers_and_folders_and_writes_the_document(harness: Harness) -> None:
    ran = harness("--provider", "cassettes/azure/text", "--clause", "llm.truncation", "--json", "-")
    assert ran.returncode == 0, ran.stderr
    document = json.loads(ran.stdout)
    assert document["subject"]["name"] == "text"
    assert {one["scenario"] for one in document["clauses"][0]["checks"]} >= {
        "text/cut/sync",
        "text/no-end-marker/async",
    }
    assert "passed         llm.truncation (MUST)" in ran.stderr


def test_what_recordings_lack_fails_the_command_and_says_what_to_record(harness: Harness) -> None:
    run = harness("--provider", "cassettes/azure/text", "--clause", "llm.no-stream", "--clause", "llm.usage")
    assert run.returncode == 1
    assert "no recording shows it; record a call with stream=False" in run.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--provider", "openai", "--provider", "cassettes/openai"), "both called 'openai' in a report"),
        (("--provider", "openai", "--runtime", "crewai"), "give one of them"),
        (("--provider", "openai", "--clause", "scope.*"), "recordings show none of these; they show cleanup."),
    ],
)
def test_wrong_usage_is_told(arguments: tuple[str, ...], says: str, harness: Harness) -> None:
    run = harness(*arguments)
    assert run.returncode == 2
    assert says in run.stderr


def test_recordings_whose_target_is_not_here_are_told_once(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED / "openai" / "text", tmp_path / "text")
    manifest = tmp_path / "text" / "recording.json"
    manifest.write_text(manifest.read_text().replace("harness.shipped.targets:openai.text", "not_here.targets:text"))
    with pytest.raises(
        UsageError, match=r"target 'not_here\.targets:text': module 'not_here\.targets' can't be imported"
    ):
        outcome_of([str(tmp_path)], ["llm.truncation"])


def test_an_answer_that_was_left_before_its_end_is_no_measure(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED / "openai" / "text", tmp_path / "text")
    cassette = tmp_path / "text" / "cassette.yaml"
    cassette.write_text(cassette.read_text().replace("how: complete", "how: cancelled"))
    assert "how: cancelled" in cassette.read_text()
    assert load_integration(str(tmp_path)).shapes == ()
