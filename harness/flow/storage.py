"""What goes wrong where runs are kept."""

from __future__ import annotations

from harness.errors import HarnessError


class StorageError(HarnessError, RuntimeError):
    """A file in which runs are kept can't be read or written."""
