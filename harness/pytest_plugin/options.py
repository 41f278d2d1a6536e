"""What users ask for: the options, the marker, and the fixture `vcr_config`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

from harness.pytest_plugin.environment import OUTSIDE

if TYPE_CHECKING:
    from harness.recording import Mode

_MODES: Final = ("none", "once", "new", "all")
#: What pytest-recording calls the same modes.
_OTHER_NAMES: Final = {None: "none", "new_episodes": "new", "rewrite": "all"}


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    group = parser.getgroup("stream-harness", "recorded LLM traffic")
    # pytest-recording has an option of this name and means the same by it; which of the two is loaded first is chance.
    if find_spec("pytest_recording") is None or pluginmanager.is_blocked("recording"):
        group.addoption(
            "--record-mode",
            choices=_MODES,
            default=None,
            help="none: play cassettes only (default); once: record where there is none; new: play what is there and "
            "record the rest; all: record anew",
        )
    group.addoption(
        "--shard",
        metavar="I/N",
        default=None,
        help="run every N-th test only, from the I-th; what shares costly work stays together",
    )
    group.addoption(
        "--recordings",
        metavar="DIR",
        default=None,
        help="where cassettes and recordings are, instead of the folder `cassettes` beside each test module: a folder, or a pack",
    )


def pytest_configure(config: pytest.Config) -> None:
    # Where a conftest brings this plugin, nothing earlier is known.
    config.stash.setdefault(OUTSIDE, dict(os.environ))
    config.addinivalue_line(
        "markers",
        "cassette(name): play, or record, the cassette or the recording of this name; sought in the folder of cassettes, "
        "then among the recordings that come with stream-harness; without a name, the cassette of the test's own",
    )


def mode_of(config: pytest.Config, otherwise: Any = None) -> Mode:
    """Return the mode that was asked for, else the one that `vcr_config` says, which is `otherwise`."""
    mode_name = config.getoption("--record-mode", default=None) or getattr(otherwise, "value", otherwise)
    mode = _OTHER_NAMES.get(mode_name, mode_name)
    if mode not in _MODES:
        raise pytest.UsageError(f"record_mode of vcr_config is {mode_name!r}; expected one of {', '.join(_MODES)}")
    return cast("Mode", mode)


def vcr_config_of(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    """Return what the fixture `vcr_config` says, which vcrpy's plugins know; nothing where there is no such fixture."""
    from harness.recording.vcr_config import checked

    try:
        return checked(request.getfixturevalue("vcr_config"))
    except pytest.FixtureLookupError:
        return {}
