"""`harness init`: a first target, its recording and its test, which show how the rest is done."""

from __future__ import annotations

import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from harness.commands.output import json_option, tell, text_stream, write_json
from harness.commands.progress import at_work

if TYPE_CHECKING:
    from harness.recording import Recorded

_TARGET: Final = '''"""A flow of two steps: an outline, and a paragraph made from it."""

from harness import LLM, Flow, listen, start


class StoryFlow(Flow):
    @start()
    def outline(self):
        return LLM("openai/gpt-4o-mini").call("Outline a story about a lighthouse in three points.")

    @listen(outline)
    def expand(self, outline):
        return LLM("openai/gpt-4o-mini").call(f"Expand this outline into one paragraph: {outline}")
'''
_TEST: Final = '''"""The flow is run against what was recorded of it: offline, in milliseconds, the same each time."""

import pytest

from story import StoryFlow


@pytest.mark.cassette("story")
def test_the_story_is_told_step_by_step(cassette):
    with StoryFlow().stream_events() as stream:
        text = "".join(frame.content for frame in stream.llm)

    assert stream.result in text
    assert [frame.data["method_name"] for frame in stream.frames if frame.type == "method_execution_finished"] == [
        "outline",
        "expand",
    ]
'''
_FILES: Final = {"story.py": _TARGET, "test_story.py": _TEST}
_RECORDING: Final = Path("cassettes", "story")
#: What answers the first recording: it comes with the package, and was asked the same.
_PLAYED: Final = "openai/two_step_flow"
_NEEDED: Final = {"openai": "openai", "h11": "serve", "pytest": "pytest", "syrupy": "pytest"}


@click.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=".")
@json_option
def init(folder: Path, json_file: Path | None) -> None:
    """Write a first flow, a recording of it and a test that passes: all of them, or nothing.

    They go into DIR, which is made where it is missing, or the current folder.

    Nothing leaves this machine: a server on loopback answers as the provider does, from a recording that comes with the
    package. What is there already is left alone.

    \b
    Example:
      harness init my_project && cd my_project && python -m pytest

    \b
    JSON: {"format": "harness.init/1", "files", "recording", "frames",
    "interactions"}
    """
    # First: what else is imported names one of them alone.
    _check_extras()
    from harness.errors import UsageError

    files, recording = [folder / name for name in _FILES], folder / _RECORDING
    there = [path for path in (*files, recording) if path.exists()]
    if there:
        raise UsageError(f"'{there[0]}' is there already, and stays as it is; start in an empty folder")
    with _folder(folder), tempfile.TemporaryDirectory(dir=folder, prefix=".harness-init-") as made:
        recorded = _made(Path(made))
        recording.parent.mkdir(exist_ok=True)
        for path in (recording, *files):
            Path(made, path.relative_to(folder)).rename(path)
    out = text_stream(json_file)
    for path in files:
        tell(f"wrote {path}", file=out)
    tell(f"wrote {recording}, a recording of it: {recorded.frames} frames, {recorded.interactions} requests", file=out)
    for line in (
        "",
        "Replay it, look at it, and test with it, all offline:",
        *([] if folder == Path() else [f"  cd {shlex.quote(str(folder))}"]),
        "  harness replay",
        f"  harness show {_RECORDING}",
        "  python -m pytest",
        "Then, with a key, record what the model says to you:",
        f"  OPENAI_API_KEY=… harness record story:StoryFlow -o {_RECORDING} --mode all",
    ):
        tell(line, file=out, wrap=False)
    write_json(
        json_file,
        {
            "format": "harness.init/1",
            "files": [str(path) for path in files],
            "recording": str(recording),
            "frames": recorded.frames,
            "interactions": recorded.interactions,
        },
    )


@contextmanager
def _folder(path: Path) -> Iterator[None]:
    """Have a folder be there; where it was made here and the block fails, it is taken away."""
    new = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with suppress(OSError):
            for folder in new:
                folder.rmdir()
        raise


def _made(folder: Path) -> Recorded:
    """Write the files into `folder`, and record the flow there. Raises what its run did."""
    from harness.recording import Target, record, write_atomically
    from harness.recording.serve.emulator import emulated
    from harness.shipped import shipped_recording

    for name, text in _FILES.items():
        write_atomically(folder / name, text.encode())
    # Before the current folder, which may have a module of that name.
    here = str(folder.absolute())
    sys.path.insert(0, here)
    try:
        with at_work("recording StoryFlow"), emulated(shipped_recording(_PLAYED)) as provider:
            recorded = record(Target("story:StoryFlow"), folder / _RECORDING, base_url=provider.url, origin="authored")
    finally:
        # Whoever calls the command in a process of theirs finds there what they had.
        sys.path.remove(here)
        sys.modules.pop("story", None)
    if recorded.error is not None:
        raise recorded.error
    return recorded


def _check_extras() -> None:
    from harness.errors import MissingExtraError

    absent = sorted({extra for package, extra in _NEEDED.items() if not _is_installed(package)})
    if absent:
        raise MissingExtraError(f"a first project needs more: pip install 'stream-harness[{','.join(absent)}]'")


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False
