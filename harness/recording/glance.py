"""A glance at a recording or a cassette: whose SDK replaying it will load, told without reading it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from harness.errors import RecordingError
from harness.providers.registry import recognized
from harness.recording.files.content import beginning_of
from harness.recording.files.folder import CASSETTE
from harness.recording.pack.access import pack_of, packed_at, packed_content

#: How far into a file the first call is looked for, in bytes.
_NEAR: Final = 65_536
_URL: Final = re.compile(rb"""(?:^|[\s{,])["']?uri["']?:\s*["']?(https?://[^\s"']+)""")


def _beginning(path: Path) -> bytes:
    if pack_of(path) is not None:
        file = next((file for file in packed_at(path) if file == path or file.name == CASSETTE), path)
        return packed_content(file)[:_NEAR]
    return beginning_of(path / CASSETTE if path.is_dir() else path, _NEAR)


def sdk_of(path: Path) -> str:
    """Return a name for what replaying `path` loads, the same for all that load the same; "" where it can't be told."""
    try:
        beginning = _beginning(path)
    except (OSError, RecordingError):
        return ""
    rows = (recognized("POST", url.decode("latin-1")) for url in _URL.findall(beginning))
    row = next((row for row in rows if row is not None), None)
    return "" if row is None else row.name
