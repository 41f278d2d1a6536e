"""A plain cassette of one call, and its replay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from harness.recording import Replayed, replay_cassette


def cassette(folder: Path, url: str, asked: Any, sent: str | bytes, kind: str = "application/json") -> Path:
    """Write a cassette: `asked` as JSON was posted to the URL, and `sent` came as of that media type."""
    recorded = {
        "request": {"method": "POST", "uri": url, "headers": {}, "body": json.dumps(asked)},
        "response": {
            "status": {"code": 200, "message": "OK"}, "headers": {"content-type": [kind]}, "body": {"string": sent}
        },
    }  # fmt: skip
    path = folder / "cassette.yaml"
    path.write_text(yaml.safe_dump({"interactions": [recorded]}))
    return path


def played(folder: Path, url: str, asked: Any, sent: str | bytes, kind: str = "application/json") -> Replayed:
    """Replay that cassette."""
    (run,) = replay_cassette(cassette(folder, url, asked, sent, kind))
    return run
