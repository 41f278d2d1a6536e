"""What a recorded answer says, in the words of nobody's adapter, and the traffic that it is read from."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from conformance.wire import read as read_wire

#: How the URL of a call ends: other requests of the same recordings are no matter of providers.
_CALL = re.compile(
    r"/(?:chat/completions|responses|messages|converse|converse-stream|invoke"
    r"|[^/]*:(?:generateContent|streamGenerateContent))(?:\?.*)?$",
)


@dataclass
class Said:
    """An answer as it stands in its bytes."""

    text: str = ""
    thinking: str = ""
    #: Id, name, and the arguments as a JSON value.
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    #: Under the names that all providers share.
    usage: dict[str, int] | None = None
    finish_reason: str | None = None


def said(wire_format: str, content_type: str, body: bytes) -> Said:
    """Return what an answer says by the readers that the provider suite has, which know no adapter and no SDK."""
    streamed = content_type.startswith(("text/event-stream", "application/vnd.amazon.eventstream"))
    reading = read_wire(wire_format, body, streamed=streamed)
    assert reading.ended
    assert not reading.failed
    return Said(
        text=reading.text,
        thinking=reading.thinking,
        calls=[(call.id or "", call.name, json.loads(call.arguments)) for call in reading.calls],
        usage=reading.usage,
        finish_reason=reading.finish_reason,
    )


@dataclass(frozen=True)
class Exchange:
    """One interaction of a cassette, as plain YAML gives it."""

    path: Path
    #: From 1.
    number: int
    url: str
    asked: bytes
    status: int
    content_type: str
    body: bytes

    @property
    def request(self) -> Any:
        """The JSON of the request."""
        return json.loads(self.asked)

    def __str__(self) -> str:
        return f"{self.path.name} {self.number}"


def exchanges(path: Path) -> Iterator[Exchange]:
    """Yield the interactions of a vcrpy cassette."""
    cassette: Any = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    for number, one in enumerate(cassette["interactions"], start=1):
        request, response = one["request"], one["response"]
        headers = {name.lower(): values for name, values in response["headers"].items()}
        yield Exchange(
            path,
            number,
            request["uri"],
            _bytes(request["body"] or b""),
            response["status"]["code"],
            headers["content-type"][0],
            _bytes(response["body"]["string"]),
        )


def live_exchanges(corpus: Path, provider: str) -> list[Exchange]:
    """Return the calls of a provider that the corpus has."""
    with (corpus / "INDEX.tsv").open(newline="") as index:
        files = [
            row["file"] for row in csv.DictReader(index, delimiter="\t") if provider in row["providers"].split(",")
        ]
    found = [exchange for file in files for exchange in exchanges(corpus / file) if _CALL.search(exchange.url)]
    assert found, f"the corpus has nothing of {provider}"
    return found


def _bytes(kept: str | bytes) -> bytes:
    body = kept.encode() if isinstance(kept, str) else kept
    return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
