"""The page on providers of one's own: its code is tested code, and whoever follows it arrives."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.areas.catalogue import scenarios
from conformance.providers.integration import load_integration
from conformance.run.replay import replay
from conformance.run.suite import perform
from harness import BaseLLM
from harness.llm import Finish, Part, ResponseStarted, TextDelta, ToolCallDelta, Usage
from tests import tern
from tests.commands.command_line import runner
from tests.tern import targets
from tests.tern.authoring import TARGETS
from tests.tern.broken import CountsNothing, EndsWhateverCame
from tests.tern.server import TernServer

HERE = Path(__file__).parent
PAGE = (HERE.parent / "docs" / "new-provider.md").read_text(encoding="utf-8")
RECORDINGS = HERE / "tern" / "recordings"
#: Where a block of the page stands in a project → the tested file that it is.
FILES = {
    "my_tern/__init__.py": ("integration", HERE / "tern" / "__init__.py"),
    "my_tern/targets.py": ("targets", HERE / "tern" / "targets.py"),
    "my_tern/row.py": ("row", HERE / "tern" / "row.py"),
    "test_conformance.py": ("pytest", HERE / "tern" / "test_conformance.py"),
}
COMMANDS = [
    shlex.split(line, comments=True)
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("harness ")
]
#: What of a recording is not the same each time.
TIMES = {
    "frames.jsonl": r'"(?:timestamp|started_at|finished_at)":"[^"]*"',
    "cassette.yaml": r"(?<=at_ms: )[\d.]+|(?<=, )[\d.]+(?=\][],])",
    "recording.json": r'"recorded_at": "[^"]*"|"versions": \{[^}]*\}',
}


def block(name: str) -> str:
    """Return the code of the page that stands after the mark of that name."""
    return PAGE.partition(f"<!-- {name} -->\n")[2].partition("\n")[2].partition("```")[0]


def timeless(folder: Path) -> dict[str, str]:
    texts = {name: (folder / name).read_text(encoding="utf-8").replace("my_tern.", "tests.tern.") for name in TIMES}
    # How httpx writes JSON changes from version to version.
    texts["cassette.yaml"] = re.sub(
        r"(?<=body: \|-\n      )\{.*", lambda sent: json.dumps(json.loads(sent[0])), texts["cassette.yaml"]
    )
    return {name: re.sub(times, "", texts[name]) for name, times in TIMES.items()}


@pytest.mark.parametrize("file", FILES)
def test_the_code_of_the_page_is_tested_code(file: str) -> None:
    name, tested = FILES[file]
    assert block(name).replace("my_tern", "tests.tern") == tested.read_text(encoding="utf-8")


def test_the_answer_on_the_page_is_read_as_it_says() -> None:
    said: list[Part] = [
        part for line in block("wire").splitlines() for part in tern.parts(tern.Line.model_validate_json(line))
    ]
    assert said == [
        ResponseStarted("ans_1"),
        TextDelta("The harbour"),
        TextDelta(" is quiet."),
        ToolCallDelta(0, "call_1", "get_weather", '{"city": "Ber'),
        ToolCallDelta(0, None, None, 'gen"}'),
        Usage(9, 4, 13, raw={"in": 9, "out": 4}),
        Finish("tool_calls", "call"),
    ]


@pytest.mark.parametrize("name", TARGETS)
def test_a_recording_replays_green(name: str) -> None:
    (result,) = replay(RECORDINGS / name)
    assert result.status == "passed"
    # What failed when it was recorded, and fails again, is said to be so.
    assert (result.message is not None) is (name == "refused")


@pytest.fixture
def followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with what the page has one write, and nothing else."""
    for file, (name, _) in FILES.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(block(name), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    # Processes of the suite find this project where it is not installed.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")]))
    yield tmp_path
    for module in [name for name in sys.modules if name.partition(".")[0] == "my_tern"]:
        del sys.modules[module]


def test_whoever_follows_the_page_arrives(
    followed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = runner(capsys)
    monkeypatch.setenv("TERN_API_KEY", "tern-key-of-a-test")
    with TernServer() as server:
        elsewhere = ["--base-url", server.origin, "--origin", "authored"]
        codes = {
            command[2].partition(":")[2]: run(*command[1:], *elsewhere).code
            for command in COMMANDS
            if command[1] == "record"
        }
        assert {*server.keys} == {"Bearer tern-key-of-a-test"}
    assert codes == {target: int(target == "refused") for target in TARGETS.values()}
    monkeypatch.delenv("TERN_API_KEY")
    checks = [run(*command[1:]) for command in COMMANDS if command[1] != "record"]
    assert [check.code for check in checks] == [0, 0], [check.out for check in checks]
    # What is kept, in which the key is not, is what was made anew.
    assert {path.name: timeless(path) for path in (followed / "recordings").iterdir()} == {
        path.name: timeless(path) for path in RECORDINGS.iterdir()
    }


@pytest.mark.parametrize(
    ("broken", "clause", "only"),
    [(EndsWhateverCame, "llm.truncation", False), (CountsNothing, "llm.usage", True)],
    ids=["a cut answer passes as a whole one", "usage is dropped"],
)
def test_a_broken_integration_fails_by_its_clause(
    broken: type[BaseLLM], clause: str, only: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "Tern", broken)
    integration = load_integration(str(RECORDINGS))
    chosen = [scenario for scenario in scenarios().values() if scenario.fits(integration)]
    results = [perform(integration, scenario) for scenario in chosen if scenario.id.endswith("/sync")]
    assert [result.fault for result in results if result.fault is not None] == []
    failed = {decision.clause for result in results for decision in result.decisions if decision.status == "failed"}
    # An answer that passes as whole lacks what the wire had in other ways, too.
    assert failed == {clause} if only else clause in failed
