"""Many recordings and cassettes in one SQLite file, which every command reads in place of their folder."""

from __future__ import annotations

from harness.recording.pack.access import at_hand
from harness.recording.pack.file import Packed, is_pack, pack, unpack

__all__ = ["Packed", "at_hand", "is_pack", "pack", "unpack"]
