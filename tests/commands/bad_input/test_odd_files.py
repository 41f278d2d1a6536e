"""Whatever reads a file by its path says of an odd one what it is, in one line, and waits for nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.report.summary_page import main as summary_page, read_known
from conformance.run import baseline
from harness.errors import HarnessError
from harness.flow import Flow
from harness.flow.checkpoints.json_files import JsonProvider
from harness.recording import load_frames
from harness.recording.settings import project_settings
from tests.commands.bad_input.odd_files import ODD_FILES

CREW = """
schema: crewai.flow/v1
name: F
methods:
  a:
    start: true
    do: {call: crew, from_declaration: odd}
"""


def crew_of(path: Path) -> object:
    path.with_name("flow.yaml").write_text(CREW)
    return Flow.from_declaration(path=path.with_name("flow.yaml"))


def newest(path: Path) -> object:
    """Resume from a folder in which a checkpoint is odd."""
    folder = path.with_name("kept") / "main"
    folder.mkdir(parents=True)
    if path.is_symlink() or path.exists():
        path.rename(folder / "1.json")
    return list(JsonProvider().newest(str(folder.parent), "main"))


#: Whatever reads a file called `odd`.
READERS: dict[str, Callable[[Path], object]] = {
    "summary_page": lambda path: summary_page([str(path)]),
    "known faults": read_known,
    "baseline": baseline.read,
    "declaration": lambda path: Flow.from_declaration(path=path),
    "declared crew": crew_of,
    "checkpoint": lambda path: JsonProvider().read(str(path)),
    "newest checkpoint": newest,
    "frames": load_frames,
    "settings": lambda path: project_settings(path.rename(path.with_name("pyproject.toml")).parent),
}
#: What no reader has said otherwise.
SAID = {
    "folder": "is a folder",
    "FIFO": "is a FIFO",
    "endless": "is a device",
    "4 GiB": "is larger than",
    "loop": "symbolic links",
    "nowhere": "No such file",
}
#: What is none of their errors: an empty file has no settings, and no folder is a file of settings.
NONE = {
    "settings": {"folder", "FIFO", "endless", "loop", "nowhere", "nothing"},
    "newest checkpoint": {"nowhere", "loop"},
}


READ = [(reader, kind) for reader in READERS for kind in ODD_FILES if kind not in NONE.get(reader, ())]


@pytest.mark.parametrize(("reader", "kind"), READ, ids=[" of ".join(one) for one in READ])
def test_an_odd_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], reader: str, kind: str) -> None:
    ODD_FILES[kind](tmp_path / "odd")
    try:
        assert READERS[reader](tmp_path / "odd") == 2
        said = capsys.readouterr().err.removesuffix("\n")
    except HarnessError as error:
        said = str(error)
    # A link that leads out of a folder is not asked where to.
    assert SAID.get(kind, "") in said or (kind == "endless" and "leads out of" in said)
    # Of a declaration, all mistakes are told, each in a line.
    (said, *_) = said.splitlines() if kind in ("digits", "control characters") else [said]
    assert ("\n" in said, "\x1b" in said, len(said) < 500) == (False, False, True)
