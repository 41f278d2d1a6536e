"""What a recorded answer says, in the words of nobody's adapter: what the readings of all providers give."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


@dataclass
class Said:
    """An answer as it stands in its bytes."""

    text: str = ""
    thinking: str = ""
    #: Name, id, and arguments as a JSON value.
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    #: Prompt, completion and cached tokens.
    tokens: tuple[int, int, int | None] = (0, 0, None)
    finish_reason: str | None = None


@dataclass(frozen=True)
class Recorded:
    """One interaction of a cassette, as plain YAML gives it."""

    file: str
    number: int
    method: str
    url: str
    request: Any
    content_type: str
    body: bytes
    status: int


def recorded(path: Path) -> Iterator[Recorded]:
    """Yield the interactions of a vcrpy cassette."""
    cassette: Any = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    for number, one in enumerate(cassette["interactions"], start=1):
        request, response = one["request"], one["response"]
        headers = {name.lower(): values for name, values in response["headers"].items()}
        yield Recorded(
            path.name,
            number,
            request["method"],
            request["uri"],
            json.loads(_bytes(request["body"])),
            headers["content-type"][0],
            _bytes(response["body"]["string"]),
            response["status"]["code"],
        )


def _bytes(kept: str | bytes) -> bytes:
    body = kept.encode() if isinstance(kept, str) else kept
    return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
