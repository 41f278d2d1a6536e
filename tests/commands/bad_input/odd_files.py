"""Files that nobody should wait for, follow or read whole, and files of another kind than they are given for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final


def _sparse(path: Path) -> None:
    """A file of 4 GiB that takes no room."""
    path.touch()
    os.truncate(path, 4 << 30)


#: By its name, what makes it at a path.
ODD_FILES: Final[dict[str, Callable[[Path], object]]] = {
    "folder": lambda path: path.mkdir(),
    "deep": lambda path: path.write_bytes(b"[" * 100_000),
    "digits": lambda path: path.write_bytes(b'{"format": ' + b"9" * 5000 + b"}"),
    "UTF-16": lambda path: path.write_bytes("{}".encode("utf-16")),
    "nothing": lambda path: path.write_bytes(b""),
    "control characters": lambda path: path.write_text('{"format": "\\u001b[31m\\u202e"}'),
    "nowhere": lambda path: None,
    "4 GiB": _sparse,
}
if sys.platform != "win32":
    ODD_FILES["FIFO"] = os.mkfifo
    ODD_FILES["endless"] = lambda path: path.symlink_to("/dev/zero")
    ODD_FILES["loop"] = lambda path: path.symlink_to(path.name)
