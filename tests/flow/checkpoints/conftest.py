"""Where the checkpoints of a test are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.flow import CheckpointProvider, JsonLinesProvider, JsonProvider, SqliteProvider

PROVIDERS: dict[str, CheckpointProvider] = {
    "json": JsonProvider(),
    "lines": JsonLinesProvider(),
    "sqlite": SqliteProvider(),
}


@pytest.fixture(params=PROVIDERS)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Return where checkpoints are kept, as settings of a config."""
    return {"location": str(tmp_path / "kept"), "provider": PROVIDERS[request.param]}
