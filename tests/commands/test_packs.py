"""A pack stands in the place of its folder: each command says the same of both."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from harness.errors import UntrustedTargetError
from harness.recording import Trust, recordings_below, replay_recording
from harness.recording.pack import pack
from harness.recording.serve.served import load_served
from harness.shipped import shipped_recording
from tests.commands.command_line import Run
from tests.pytest_plugin.conftest import InnerRun, inner

pytest.importorskip("zstandard", reason="packs need the extra `pack`")
pytest_plugins = ["pytester"]
__all__ = ["inner"]


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of recordings, whole and broken, and of plain cassettes; its pack stands beside it."""
    folder = tmp_path_factory.mktemp("packs") / "suite"
    for name in ("openai/text", "openai/truncated", "anthropic/text"):
        shutil.copytree(shipped_recording(name), folder / name)
    # Sorted by whole paths, this comes before what is in the folder `openai`.
    shutil.copytree(folder / "openai/text", folder / "openai-torn")
    (folder / "openai-torn" / "frames.jsonl").write_text("torn")
    shutil.copytree(folder / "openai/text", folder / ".hidden")
    shutil.copy(folder / "openai/text/cassette.yaml", folder / "plain.yaml")
    (folder / "other.json").write_text('{"interactions": []}')
    (folder / "notes.json").write_text('{"a": 1}')
    pack(folder, folder.with_suffix(".pack"))
    return folder


def as_folder(text: str) -> str:
    return text.replace("suite.pack", "suite")


COMMANDS = [
    ("replay", "."),
    ("replay", "openai"),
    ("replay", "openai/text"),
    ("replay", "plain.yaml"),
    ("show", "openai/text"),
    ("show", "openai/text/frames.jsonl"),
    ("show", "plain.yaml"),
    ("show", "openai-torn"),
    ("show", "nowhere"),
    ("scan", "."),
    ("scan", "openai-torn/frames.jsonl"),
]


@pytest.mark.parametrize(("command", "place"), COMMANDS, ids=lambda value: value)
def test_a_command_says_of_a_pack_what_it_says_of_the_folder(command: str, place: str, suite: Path, run: Run) -> None:
    folder = run(command, suite / place, "--json", "-")
    packed = run(command, suite.with_suffix(".pack") / place, "--json", "-")
    if place == "nowhere":
        assert packed.code == folder.code == 2
        assert f"'{suite}.pack/nowhere': nothing of that name is in the pack" in packed.err
        return
    assert packed.code == folder.code
    assert _timeless(as_folder(packed.out)) == _timeless(folder.out)
    # How long each frame of a call took, which is made again to be shown, stands in the middle of its lines.
    if (command, place) != ("show", "plain.yaml"):
        assert _timeless(as_folder(packed.err)) == _timeless(folder.err)


def _timeless(text: str) -> str:
    return re.sub(r'"(?:seconds|timestamp)": [^,\n]*| in [0-9.]+ s$', "", text, flags=re.MULTILINE)


def test_two_workers_read_one_pack(suite: Path, run: Run) -> None:
    one, two = (run("replay", suite.with_suffix(".pack"), "-n", n, "--json", "-").document for n in ("1", "2"))
    assert one["results"] == two["results"]


def test_two_packs_are_compared(suite: Path, run: Run) -> None:
    packed = suite.with_suffix(".pack")
    assert run("diff", packed / "openai/text", suite / "openai/text").out == "equal: 14 and 14 frames\n"
    assert run("diff", packed / "openai/text", packed / "openai/truncated").code == 1


def test_a_pack_is_served(suite: Path) -> None:
    packed, folder = load_served(suite.with_suffix(".pack") / "openai/text"), load_served(suite / "openai/text")
    assert packed.interactions == folder.interactions
    assert packed.path == suite.with_suffix(".pack") / "openai/text/cassette.yaml"


def test_a_pack_is_no_place_to_write_to(suite: Path, run: Run) -> None:
    packed = suite.with_suffix(".pack")
    before = packed.read_bytes()
    said = run("replay", packed / "openai/text", "--update")
    assert said.code == 2
    assert "is a pack, which is not changed; unpack it" in said.out
    assert packed.read_bytes() == before


def test_what_lies_beside_a_pack_is_not_trusted(suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = tmp_path / "downloads"
    shutil.copytree(suite / "openai", there / "suite")
    about = there / "suite" / "text" / "recording.json"
    about.write_text(about.read_text().replace("harness.shipped.targets:openai.text", "downloads.evil:run"))
    pack(there / "suite", there / "suite.pack")
    (there / "evil.py").write_text("raise SystemExit('it was imported')")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UntrustedTargetError, match="beside or in the recording itself"):
        replay_recording(there / "suite.pack" / "text", trust=Trust.here())


def test_an_integration_is_judged_from_a_pack(suite: Path, run: Run) -> None:
    said = run(
        "conformance", "--provider", suite.with_suffix(".pack") / "openai", "--clause", "llm.usage", "--json", "-"
    )
    assert (said.code, said.document["summary"]["must"]["passed"]) == (0, 1)


TESTS = """
import pytest
from calls import answer

@pytest.mark.cassette("openai/text")
def test_plays(cassette):
    assert answer().result

@pytest.mark.cassette("plain")
def test_plain(cassette):
    assert answer().result

@pytest.mark.cassette("openai/truncated")
def test_recording(recording):
    assert recording.cassette.exists() and recording.frames
"""


def test_pytest_plays_from_a_pack_and_records_into_none(suite: Path, inner: InnerRun) -> None:
    packed = suite.with_suffix(".pack")
    inner("--recordings", str(packed), test_it=TESTS).assert_outcomes(passed=3)
    again = inner("--recordings", str(packed), "--record-mode=all")
    again.assert_outcomes(errors=2, passed=1)
    again.stdout.fnmatch_lines(["*is a pack, which is only played*"])


def test_the_order_is_that_of_the_folder(suite: Path) -> None:
    packed = [str(path) for path in recordings_below(suite.with_suffix(".pack"))]
    assert [as_folder(path) for path in packed] == [str(path) for path in recordings_below(suite)]
    assert len(packed) == 6
