"""One part of several that a run is divided into: every n-th subject, counted from its own number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from msgspec import Struct

from harness.errors import UsageError

T = TypeVar("T")

_WRITTEN: Final = re.compile(r"(\d+)/(\d+)")


class Shard(Struct, frozen=True):
    """The shard `index` of `of`, from 1."""

    index: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Return what `2/5` says. Raises UsageError."""
        found = _WRITTEN.fullmatch(text)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise UsageError(f"shard {text!r}: expected I/N with I from 1 to N, as in 2/5")
        return cls(int(found[1]), int(found[2]))

    def of_all(self, every: Sequence[T]) -> list[T]:
        return list(every[self.index - 1 :: self.of])

    def document(self, total: int) -> dict[str, Any]:
        return {"index": self.index, "of": self.of, "total": total}


def interleaved(shards: Sequence[Sequence[T]], total: int) -> list[T]:
    """Return what shards have, in the order of one run. Raises UsageError: they do not have as many as they say."""
    for number, shard in enumerate(shards, start=1):
        expected = len(range(number - 1, total, len(shards)))
        if len(shard) != expected:
            raise UsageError(
                f"shard {number}/{len(shards)} reports {len(shard)} of its {expected} parts; it was interrupted, run it again"
            )
    return [shards[place % len(shards)][place // len(shards)] for place in range(total)]
