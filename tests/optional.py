"""What is not everywhere, and the tests that need it: packages with environments of their own, and the checkout."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

_ROOT: Final = Path(__file__).parents[1]

#: Names packages, with spaces between, without which a run of the tests fails instead of skipping what needs them.
REQUIRED = "HARNESS_REQUIRED"


def needs(package: str, reason: str) -> None:
    """Skip the module that calls this where `package` is missing; nothing is imported, since imports may do much."""
    if find_spec(package) is not None:
        return
    if package in os.environ.get(REQUIRED, "").split():
        raise ModuleNotFoundError(f"{REQUIRED} names {package}, which is not installed: {reason}")
    pytest.skip(reason, allow_module_level=True)


def of_checkout(name: str) -> Path:
    """Return a file of the checkout; skip the test that asks where the tests stand alone, as beside an installed wheel."""
    if not (_ROOT / "harness").is_dir():
        pytest.skip(f"needs the checkout, for its {name}")
    return _ROOT / name
