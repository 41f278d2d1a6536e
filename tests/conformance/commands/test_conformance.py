"""`harness conformance`: exit codes, what is said and where, baselines, and reports; each against a clause or two."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from conformance.report.reruns import scenario_rerun
from conformance.run import baseline, command
from conformance.run.outcome import SuiteOutcome
from tests.commands.command_line import Run, Said, runner
from tests.conformance.report.html_tree import parsed
from tests.optional import of_checkout

#: Runtimes broken on purpose, each with a clause that fails in all of its scenarios.
CLOSES_ONCE = ("--runtime", "conformance.proof:closes-only-once", "--clause", "cleanup.idempotent")
#: What it fails.
CLOSED_TWICE = ["close/twice/async", "close/twice/call/async", "close/twice/call/sync", "close/twice/sync"]
BREAKS_A_SHOULD = ("--runtime", "conformance.proof:unknown-types-by-name", "--clause", "channel.by-table")
SOUND = ("--clause", "cleanup.idempotent")
#: Runtimes without crews, whose clauses do not apply then.
CREWLESS = ("--runtime", "tests.conformance.without_crews:SOUND")
CREWLESS_CLOSES_ONCE = ("--runtime", "tests.conformance.without_crews:CLOSES_ONCE", "--clause", "cleanup.idempotent")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def conformance(*arguments: str | Path) -> Said:
        return runner(capsys)("conformance", *arguments)

    return conformance


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (SOUND, 0, "passed         cleanup.idempotent (MUST)\n"),
        (CLOSES_ONCE, 1, "failed         cleanup.idempotent (MUST)\n"),
        (BREAKS_A_SHOULD, 0, "failed         channel.by-table (SHOULD)\n"),
        ((*CREWLESS, "--clause", "entry.crew"), 2, "0 failed, 0 not testable; 1 not applicable"),
    ],
    ids=["sound", "a broken MUST", "a broken SHOULD", "nothing that applies"],
)
def test_the_exit_code_is_that_of_the_musts(arguments: tuple[str, ...], code: int, told: str, run: Run) -> None:
    said = run(*arguments)

    assert said.code == code
    assert told in said.out
    assert said.err == ""


def test_what_fails_is_shown_with_its_scenario_and_place(run: Run) -> None:
    lines = run(*CLOSES_ONCE).out.splitlines()

    assert lines[0] == "failed         cleanup.idempotent (MUST)"
    assert lines[1].strip().startswith("close/twice/sync")
    assert lines[-1].startswith("harness ")
    assert lines[-1].endswith(
        ": MUST 0 passed, 1 failed, 0 not testable; SHOULD 0 passed, 0 failed, 0 not testable; 0 not applicable"
    )


def test_of_a_program_that_fails_what_it_says_last_is_told(run: Run) -> None:
    said = run("--runtime", f"{__name__}:Unlicensed", "--scenario", "exit/sync-method/sync")
    assert said.out.splitlines()[1].strip() == (
        "exit/sync-method/sync: the program with a sync session blocked in its sync method did not come to block: "
        "ValueError: no licence was found"
    )


def test_a_cause_is_told_once_unless_all_is_asked_for_and_where_it_arose_if_that_is(run: Run) -> None:
    arguments = ("--runtime", f"{__name__}:Unlicensed", "--clause", "order.*")
    told = "flow/failing/sync: there was no session to be had: ValueError: no licence was found"
    folded, verbose, traced = (run(*arguments, *more).out for more in ((), ("--verbose",), ("--traceback",)))

    assert told not in folded
    assert verbose.count(told) == 6
    assert set(folded.splitlines()) < set(verbose.splitlines())
    lines = traced.splitlines()
    at = lines.index("the subject raised in flow/failing/sync:")
    assert (lines[:at], lines[at + 1].strip()) == (folded.splitlines(), "Traceback (most recent call last):")
    assert 'raise ValueError("no licence was found")' in traced


def test_two_workers_say_the_same(run: Run) -> None:
    one, two = (run(*CLOSES_ONCE, "-n", workers, "--json", "-").document for workers in ("1", "2"))

    assert [row["status"] for row in one["clauses"]] == ["failed"]
    assert _without_ids(one) == _without_ids(two)


def _without_ids(document: dict[str, Any]) -> list[Any]:
    return [
        (row["id"], row["status"], [(check["scenario"], len(check["violations"])) for check in row["checks"]])
        for row in document["clauses"]
    ]


class Fanciful:
    name, version, capabilities = "fanciful", "1", frozenset({"flow", "flying"})

    def session(self) -> None: ...


class Leaving:
    """A subject that ends its process."""

    def __init__(self) -> None:
        sys.exit(0)


class Mute(Exception):  # noqa: N818 - what it says is the error
    def __str__(self) -> str:
        raise ValueError


class Silent:
    """A subject whose error can't say what it is."""

    def __init__(self) -> None:
        raise Mute


class Nameless(Fanciful):
    @property
    def name(self) -> str:  # type: ignore[override]
        raise RuntimeError("not named yet")


class Unlicensed:
    """A subject that gives no session."""

    name, version, capabilities = "unlicensed", "1", frozenset({"flow"})

    def session(self, program: object, performance: object) -> None:
        raise ValueError("no licence was found")


LISTED, NUMBERED, UNVERSIONED = (Fanciful() for _ in range(3))
LISTED.capabilities = ["flow"]  # type: ignore[assignment]
NUMBERED.capabilities = frozenset({1})  # type: ignore[arg-type]
UNVERSIONED.version = 1  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--clause", "nonsense.*"), "--clause 'nonsense.*' fits no clause"),
        ((*SOUND, "--clause", "cleanup"), "--clause 'cleanup' fits no clause"),
        (("--runtime", "nobody"), "there is no subject 'nobody'; name one of harness, crewai, or module:attribute"),
        (("--runtime", "no_such_module:it"), "subject 'no_such_module:it' can't be loaded: ModuleNotFoundError"),
        (("--runtime", "conformance.contract.clauses:CLAUSES"), "lacks name, version, capabilities, session"),
        (("--runtime", f"{__name__}:Fanciful"), "unknown capabilities flying; there are: flow, "),
        (("--runtime", f"{__name__}:Leaving"), "can't be loaded: SystemExit: 0"),
        (("--runtime", f"{__name__}:Silent"), "can't be loaded: Mute: <its text raised ValueError>"),
        (("--runtime", f"{__name__}:Nameless"), "can't be loaded: RuntimeError: not named yet"),
        (("--runtime", f"{__name__}:LISTED"), "its capabilities are ['flow']; expected a frozenset of texts"),
        (("--runtime", f"{__name__}:NUMBERED"), "its capabilities are frozenset({1}); expected a frozenset of texts"),
        (("--runtime", f"{__name__}:UNVERSIONED"), "its version is 1; expected a text"),
        (("-n", "0"), "--workers"),
        (("--expect", "missing.json"), "'missing.json': No such file or directory; write a baseline with"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_was_expected(
    arguments: tuple[str, ...], told: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = run(*arguments, "--junit", "junit.xml", "--html", "html", "--json", "report.json")

    assert said.code == 2
    assert told in said.err
    assert said.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is no baseline"),
        (b"\x89PNG\r\n\x00", "is no baseline"),
        (b"[]", "has the format None; expected 'harness.conformance-baseline/1'"),
        (b'{"format": "harness.conformance-baseline/2", "expected_failures": {}}', "conformance-baseline/2'; expected"),
        *(
            (b'{"format": "harness.conformance-baseline/1"%b}' % more, "is no baseline")
            for more in (
                b"",
                b', "expected_failures": []',
                b', "expected_failures": {"llm.usage": 3}',
                b', "expected_failures": {"llm.usage": [null, "x"]}',
                b', "expected_failures": {}, "subject": {"name": 1}',
            )
        ),
    ],
)
def test_a_baseline_that_can_not_be_read_ends_with_2_before_anything_is_run(
    content: bytes, told: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ran(*arguments: Any, **options: Any) -> SuiteOutcome:
        raise AssertionError("the suite was run")

    monkeypatch.setattr(command, "plan_suite", ran)
    (tmp_path / "known.json").write_bytes(content)
    said = run("--expect", tmp_path / "known.json")

    assert said.code == 2
    assert "known.json' " in said.err
    assert told in said.err
    assert len(said.err.splitlines()) == 1
    assert said.out == ""


def test_the_failures_that_were_written_are_the_ones_to_expect(run: Run, tmp_path: Path) -> None:
    known = tmp_path / "known.json"

    assert run(*CLOSES_ONCE, "--write-expect", known).code == 1
    document = json.loads(known.read_text())
    assert document["format"] == baseline.FORMAT
    assert document["subject"]["name"] == "harness"
    assert document["expected_failures"] == {"cleanup.idempotent": CLOSED_TWICE}
    held = run(*CLOSES_ONCE, "--expect", known)
    assert held.code == 0
    assert "new failure" not in held.out
    assert "stale entry" not in held.out
    assert held.out.endswith("as expected: 4 known failures, no new one\n")


def test_known_failures_of_another_subject_are_refused_before_anything_is_run(run: Run, tmp_path: Path) -> None:
    known = tmp_path / "known.json"
    document = {"format": baseline.FORMAT, "subject": {"name": "acme", "version": "1"}, "expected_failures": {}}
    known.write_text(json.dumps(document))

    for arguments, name in ((CLOSES_ONCE, "harness"), (("--provider", "anthropic"), "anthropic")):
        said = run(*arguments, "--expect", known)
        assert (said.code, said.out) == (2, "")
        assert f"has the known failures of 'acme', and '{name}' is tested" in said.err


def test_a_new_failure_fails_and_reports_say_so(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "known.json", {"cleanup.idempotent": CLOSED_TWICE[1:]})

    said = run(*CLOSES_ONCE, "--expect", tmp_path / "known.json", "--json", "-", "--html", tmp_path)

    assert said.code == 1
    assert "new failure: cleanup.idempotent in close/twice/async\n" in said.err
    new = {"clause": "cleanup.idempotent", "scenario": "close/twice/async"}
    assert said.document["baseline"] == {"new": [new], "stale": []}
    assert parsed(tmp_path / "index.html").all("h1")[0].text == "1 new failure"


@pytest.mark.parametrize(
    ("arguments", "entries", "code", "told"),
    [
        (BREAKS_A_SHOULD, {}, 1, "new failure: channel.by-table in "),
        (
            SOUND,
            {"cleanup.idempotent": ["close/twice/sync"]},
            1,
            "stale entry: cleanup.idempotent in close/twice/sync\n",
        ),
        (SOUND, {"llm.usage": ["ask/usage/sync"]}, 0, "as expected: 0 known failures"),
        ((*CREWLESS, "--clause", "entry.crew"), {}, 2, "1 not applicable"),
    ],
    ids=["new of a SHOULD", "stale", "of a clause that was not run", "nothing that applies"],
)
def test_what_is_not_as_expected_fails(
    arguments: tuple[str, ...], entries: dict[str, list[str]], code: int, told: str, run: Run, tmp_path: Path
) -> None:
    write(tmp_path / "known.json", entries)

    said = run(*arguments, "--expect", tmp_path / "known.json")
    assert said.code == code
    assert told in said.out


def test_held_and_written_at_once_the_old_baseline_is_held_and_the_new_one_written(run: Run, tmp_path: Path) -> None:
    known = tmp_path / "known.json"
    write(known, {})

    assert run(*CLOSES_ONCE, "--expect", known, "--write-expect", known).code == 1
    assert run(*CLOSES_ONCE, "--expect", known).code == 0


def write(path: Path, entries: dict[str, list[str]]) -> None:
    path.write_text(json.dumps({"format": baseline.FORMAT, "expected_failures": entries}))


def test_the_json_document_is_alone_on_stdout_and_as_documented(run: Run) -> None:
    said = run(*CLOSES_ONCE, "--json", "-")
    document = said.document

    assert said.code == 1
    assert set(document) == {"format", "command", "subject", "summary", "clauses", "faults"}
    assert document["format"] == "harness.conformance/1"
    assert set(document["subject"]) == {"name", "version", "capabilities"}
    assert document["summary"] == {
        "must": {"passed": 0, "failed": 1, "not_testable": 0},
        "should": {"passed": 0, "failed": 0, "not_testable": 0},
        "not_applicable": 0,
    }
    [row] = document["clauses"]
    assert (set(row), row["id"], row["level"], row["status"]) == (
        {"id", "level", "status", "checks"}, "cleanup.idempotent", "MUST", "failed"
    )  # fmt: skip
    assert {check["status"] for check in row["checks"]} == {"failed"}
    assert next(set(one) for check in row["checks"] for one in check["violations"]) == {"seq", "message"}
    assert "failed         cleanup.idempotent (MUST)" in said.err


def test_the_junit_report_has_a_case_for_each_clause_and_scenario(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    said = run(*CREWLESS_CLOSES_ONCE, "--clause", "entry.crew", "--junit", path)
    cases = {case.attrib["name"]: [child.tag for child in case] for case in ET.parse(path).iter("testcase")}

    assert said.code == 1
    assert cases == {
        **{f"cleanup.idempotent[{scenario}]": ["failure"] for scenario in CLOSED_TWICE},
        "entry.crew": ["skipped"],
    }


def test_beside_the_page_are_timelines_of_what_breaks_clauses_that_were_asked_for(run: Run, tmp_path: Path) -> None:
    said = run(
        "--runtime", "conformance.proof:foreign-parent", "--clause", "scope.aemit", "--html", tmp_path
    )  # what it breaks is order.parent-closed

    assert said.code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def test_an_interrupt_ends_with_130_and_leaves_no_report(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: Any, **options: Any) -> SuiteOutcome:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "plan_suite", interrupted)
    said = run("--json", tmp_path / "report.json", "--html", tmp_path, "--write-expect", tmp_path / "known.json")

    assert (said.code, said.err.strip()) == (130, "interrupted")
    assert list(tmp_path.iterdir()) == []


def test_the_help_has_an_example_and_names_the_document(run: Run) -> None:
    said = run("--help")

    assert said.code == 0
    assert "harness conformance --runtime " in said.out.partition("Example:")[2]
    assert '"harness.conformance/1"' in said.out


def test_the_subject_of_the_documentation_gives_the_output_of_the_documentation(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = of_checkout("docs/conformance.md").read_text(encoding="utf-8")
    [source] = re.findall(r"^```python\n# tiny\.py\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    [(command, output)] = re.findall(
        r"^```console\n\$ harness conformance (.*?)\n(.*?)^```", page, re.DOTALL | re.MULTILINE
    )
    (tmp_path / "tiny.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)

    said = run(*command.split())

    assert (said.code, said.out) == (1, output)


def test_the_command_of_a_cell_makes_that_cell_again(run: Run) -> None:
    first = run(*CLOSES_ONCE, "--json", "-").document
    [check] = [check for row in first["clauses"] for check in row["checks"]][:1]
    words = shlex.split(scenario_rerun(first, "cleanup.idempotent", check["scenario"]) or "")

    again = run(*words[2:], "--json", "-")
    assert words[:2] == ["harness", "conformance"]
    assert again.code == 1
    assert [row["checks"] for row in again.document["clauses"]] == [[check]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("--scenario", "nix/*"),
            r"--scenario 'nix/\*' fits no scenario of these clauses; there are, for example, close/",
        ),
        (("--scenario", "close/*", "--shard", "1/2"), "give no --shard and no baseline with it"),
    ],
)
def test_scenarios_that_there_are_not_are_a_usage_error(arguments: tuple[str, ...], words: str, run: Run) -> None:
    said = run(*SOUND, *arguments)
    assert said.code == 2
    assert re.search(words, said.err)
