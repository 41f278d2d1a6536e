"""Looking for recordings in a folder and below it: in order, and never out of it.

What a link leads to is found at its own place, where that is below the folder too; where it is not, the link itself is
what is found, so that somebody is told.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harness.errors import UnreadableRecordingError
from harness.recording.files.asides import aside_of
from harness.recording.files.content import beginning_of, leads_out
from harness.recording.files.folder import FRAMES, RECORDING, is_recording
from harness.recording.pack.access import pack_of, packed_at, packed_content

#: How cassettes end.
YAML: Final = frozenset({".yaml", ".yml"})

#: How cassettes end that were compressed.
_PACKED: Final = (".yaml.gz", ".yml.gz", ".json.gz", ".har.gz")
#: What the beginning of a JSON file that is a cassette names, and that of an HTTP archive.
_NAMED: Final = re.compile(rb'\s*\{.*?(?:"(?:http_)?interactions"\s*:\s*\[|"log"\s*:\s*\{)', re.DOTALL)
#: How much of a JSON file tells whether it is a cassette, in bytes.
_BEGINNING: Final = 4096

#: What makes a folder a recording.
_MARKS: Final = frozenset({RECORDING, FRAMES})
#: Folders of tools, not of recordings.
_OF_TOOLS: Final = frozenset({"node_modules"})


def recordings_below(path: Path, *, cassettes: bool = True) -> Iterator[Path]:
    """Yield the recordings at and below `path`, and the plain cassettes unless they are not asked for, in order.

    A link that leads out of `path` is yielded as it is; `path` itself may be one. What lies in a pack is yielded as
    `suite.pack/openai/text`.

    Raises:
        UnreadableRecordingError: there is no such path, or a folder can't be listed.
    """
    if pack_of(path) is not None:
        yield from _packed_below(path, cassettes=cassettes)
        return
    if not path.exists():
        raise UnreadableRecordingError(
            f"'{path}' does not exist; expected a recording, a cassette, or a folder of them"
        )
    root = path.resolve() if path.is_symlink() else path
    yield from _below(root, root, cassettes=cassettes)


def check_recording(here: Path, path: Path) -> None:
    """Raise UnreadableRecordingError where what lies `here`, and is called `path`, is a folder and no recording."""
    if not here.is_dir() or is_recording(here):
        return
    # It may be a link.
    root = here.resolve()
    inside = next(recordings_below(root), None)
    advice = "there is none below it; check the path"
    if inside is not None:
        advice = f"name one of those in it, such as '{path / inside.relative_to(root)}'"
    raise UnreadableRecordingError(f"'{path}' is a folder, but no recording: it has no recording.json; {advice}")


def _below(path: Path, root: Path, *, cassettes: bool) -> Iterator[Path]:
    if is_recording(path) or (cassettes and not path.is_dir()):
        yield path
    elif path.is_dir():
        for entry in entries(path, root):
            if entry.is_symlink() or (cassettes and is_cassette(entry)):
                yield entry
            elif holds_recordings(entry):
                yield from _below(entry, root, cassettes=cassettes)


def _packed_below(path: Path, *, cassettes: bool) -> Iterator[Path]:
    """Do as `_below`, by the names of files: a pack holds no links, and no empty folders."""
    # As folders are walked, name by name.
    files = sorted(packed_at(path), key=lambda file: file.parts)
    if files == [path]:
        yield from files if cassettes else ()
        return
    recordings = {file.parent for file in files if file.name in _MARKS}
    yielded: set[Path] = set()
    for file in files:
        within = file.relative_to(path).parts[:-1]
        folders = [path, *(path.joinpath(*within[: depth + 1]) for depth in range(len(within)))]
        if any(_is_hidden(folder) for folder in folders[1:]):
            continue
        recording = next((folder for folder in folders if folder in recordings), None)
        if recording is not None:
            if recording not in yielded:
                yielded.add(recording)
                yield recording
        elif cassettes and _is_packed_cassette(file):
            yield file


def _is_packed_cassette(file: Path) -> bool:
    if is_named_as_cassette(file):
        return True
    return file.suffix == ".json" and _NAMED.match(packed_content(file)[:_BEGINNING]) is not None


def is_cassette(path: Path) -> bool:
    """Whether a file is a cassette by its name; one that ends in .json is one by its beginning, too."""
    if path.is_dir():
        return False
    if is_named_as_cassette(path):
        return True
    if path.suffix != ".json" or not path.is_file():
        return False
    try:
        beginning = beginning_of(path, _BEGINNING)
    except OSError:
        # Whoever reads it will say why that can't be done.
        return True
    return _NAMED.match(beginning) is not None


def is_named_as_cassette(file: Path) -> bool:
    """Whether a file that ends so is a cassette, whatever is in it; one that ends in .json may be one."""
    return file.suffix in YAML or file.suffix == ".har" or file.name.endswith(_PACKED)


def entries(folder: Path, root: Path) -> list[Path]:
    """Return what lies in `folder`, sorted, for a walk that began at `root`: no links that lead to somewhere below it.

    A link that is named as a cassette and leads nowhere, or to itself, is one that somebody should be told of.

    Raises:
        UnreadableRecordingError: the folder can't be listed.
    """
    try:
        found = sorted(folder.iterdir())
    except OSError as error:
        raise UnreadableRecordingError(f"'{folder}' can't be listed: {error.strerror or error}") from error
    return [entry for entry in found if not entry.is_symlink() or leads_out(entry, root) or _is_broken(entry)]


def _is_broken(link: Path) -> bool:
    named = is_named_as_cassette(link) or link.suffix == ".json"
    # Editors lock a file by a link that is hidden and leads nowhere.
    return named and not link.name.startswith(".") and not os.path.exists(link)  # noqa: PTH110 - Path's raises


def link_problem(link: Path) -> str:
    """Return what is wrong with a link that a walk has come to."""
    if not os.path.exists(link):  # noqa: PTH110 - Path's raises
        return "is a link that leads nowhere; put the file itself there"
    return "is a link that leads out of the folder that was given, and is not followed; give what it leads to"


def holds_recordings(folder: Path) -> bool:
    """Whether a folder is one to look into: no link, none of a tool's, and nothing that is kept aside."""
    return not _is_hidden(folder) and not folder.is_symlink() and folder.is_dir()


def _is_hidden(folder: Path) -> bool:
    name = folder.name
    return name.startswith((".", "__")) or name in _OF_TOOLS or aside_of(folder) is not None
