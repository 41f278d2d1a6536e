"""Where the cassette of a test is: by its marker, else by its name."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from harness.pytest_plugin.options import vcr_config_of

if TYPE_CHECKING:
    from harness.recording import Mode

#: What file systems or shells make something else of; most come from the ids of parametrised tests.
_UNFIT: Final = re.compile(r"[<>?%*:|\"'/\\\s]+")
#: What pytest-recording replaces of it, one by one.
_UNFIT_THERE: Final = str.maketrans(dict.fromkeys("<>?%*:|\"'/\\", "-"))
#: How long the name of a test's file may be, in bytes: 255 with what is added to it while it is written.
_LONGEST: Final = 240
#: Which test has recorded a cassette in this run.
OWNERS: Final = pytest.StashKey[dict[Path, str]]()


def cassette_path(request: pytest.FixtureRequest, mode: Mode) -> Path:
    """Return where the cassette of a test is, or is to be recorded; of a recording, the one in its folder."""
    from harness.recording import Redactor, is_folder
    from harness.recording.files.walk import is_named_as_cassette
    from harness.shipped import shipped_recording

    folder = folder_of(request)
    name = marked_name(request)
    if name is None:
        owner = f"{request.cls.__name__}." if request.cls is not None else ""
        # Its parameters are in its name, and one may be a key.
        test = Redactor().text(owner + request.node.name)
        path = folder / request.path.stem / f"{_file_name(test)}.yaml"
        if not path.exists():
            # A Path is not asked with a name that is too long.
            theirs = filter(os.path.isfile, _named_by_others(path.parent, f"{owner}{request.node.name}.yaml", mode))
            path = next(theirs, path)
        other = request.config.stash.get(OWNERS, {}).get(path, request.node.nodeid)
        if mode != "none" and other != request.node.nodeid:
            pytest.fail(
                f"cassette '{shown(path)}' has just been recorded by {other}: as files, both tests have one name; give one "
                "of them another with the marker cassette",
                pytrace=False,
            )
        return path
    # Recordings of an installed package are played, and never written to.
    places = [folder / name, shipped_recording(name)] if mode in ("none", "once") else [folder / name]
    whole, own = folder / name, folder / f"{name}.yaml"
    # A Path is not asked with a name that is too long.
    is_whole_name = is_named_as_cassette(whole) or whole.suffix == ".json" or os.path.isfile(whole)  # noqa: PTH113
    if is_whole_name and not os.path.isfile(own):  # noqa: PTH113
        own = whole
    for place in places:
        # One's own comes before one of the same name that comes with the project.
        if place != places[0] and own.is_file():
            break
        if is_folder(place):
            return place / "cassette.yaml"
    return own


def _named_by_others(folder: Path, name: str, mode: Mode) -> tuple[Path, ...]:
    """Return where pytest-recording and pytest-vcr may have put the cassette of a test: what they have made stays there.

    `folder` is that of the test's module. pytest-vcr has one for all modules, as many have who use the other, and takes
    names as they are. What lies there may be of another module's test of that name, so it is not recorded over.
    """
    fit = name.translate(_UNFIT_THERE)
    return (folder / fit,) if mode == "all" else (folder / fit, folder.parent / fit, folder.parent / name)


def _file_name(test: str) -> str:
    """Return what a test's file is called; one that is too long ends in what tells it from others that begin so."""
    name = _UNFIT.sub("-", test)
    if len(name.encode()) <= _LONGEST:
        return name
    ending = f"-{hashlib.sha256(test.encode()).hexdigest()[:16]}"
    return name.encode()[: _LONGEST - len(ending)].decode(errors="ignore") + ending


def marked_name(request: pytest.FixtureRequest) -> str | None:
    """Return what the marker `cassette` names; None where a test has none, or one that names nothing."""
    marker = request.node.get_closest_marker("cassette")
    if marker is None or not (marker.args or marker.kwargs):
        return None
    if len(marker.args) != 1 or marker.kwargs or not isinstance(marker.args[0], str):
        from harness.errors import UsageError

        raise UsageError(
            f"the marker cassette takes one name, as in cassette('openai/text'), or none, not "
            f"{', '.join((*map(repr, marker.args), *marker.kwargs))}; the fixture vcr_config has options"
        )
    return marker.args[0]


def folder_of(request: pytest.FixtureRequest) -> Path:
    """Return the folder in which a test's cassettes and recordings are, or the pack."""
    named: Any = request.config.getoption("--recordings")
    if named is None:
        named = vcr_config_of(request).get("cassette_library_dir")
    return request.path.parent / "cassettes" if named is None else request.config.invocation_params.dir / named


def shown(path: Path) -> Path:
    """Return a path as somebody writes it who is in the current folder."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
