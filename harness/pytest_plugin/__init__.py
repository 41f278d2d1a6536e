"""The pytest plugin: recorded traffic, whole recordings and timeline snapshots as fixtures, with the network blocked.

It imports pytest alone when it is loaded, and the rest when a test asks for it. Of the names here, pytest takes the hooks
and the fixtures.
"""

from __future__ import annotations

from harness.pytest_plugin.environment import _environment, pytest_itemcollected, pytest_load_initial_conftests
from harness.pytest_plugin.fixtures import (
    LoadedRecording,
    _marked_cassette,
    _offline,
    cassette,
    frames,
    pytest_runtestloop,
    recording,
)
from harness.pytest_plugin.options import pytest_addoption, pytest_configure
from harness.pytest_plugin.shards import pytest_collection_modifyitems, pytest_sessionfinish
from harness.pytest_plugin.verdict import pytest_runtest_call, pytest_runtest_makereport, pytest_terminal_summary

__all__ = [
    "LoadedRecording",
    "_environment",
    "_marked_cassette",
    "_offline",
    "cassette",
    "frames",
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_itemcollected",
    "pytest_load_initial_conftests",
    "pytest_runtest_call",
    "pytest_runtest_makereport",
    "pytest_runtestloop",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "recording",
]
