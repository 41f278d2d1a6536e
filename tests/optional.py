"""Packages that stand in environments of their own, and the tests that need one."""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest

#: Names packages, with spaces between, without which a run of the tests fails instead of skipping what needs them.
REQUIRED = "HARNESS_REQUIRED"


def needs(package: str, reason: str) -> None:
    """Skip the module that calls this where `package` is missing; nothing is imported, since imports may do much."""
    if find_spec(package) is not None:
        return
    if package in os.environ.get(REQUIRED, "").split():
        raise ModuleNotFoundError(f"{REQUIRED} names {package}, which is not installed: {reason}")
    pytest.skip(reason, allow_module_level=True)
