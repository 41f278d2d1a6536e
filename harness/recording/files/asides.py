"""What stands beside a recording: one that grows, and those that were kept because they could not take its place.

Each is a folder `NAME.MARK-TIME-ID`. Nobody else names a folder so, so that nothing of anybody else's is ever touched.
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, get_args

from msgspec import Struct

#: `recording`: it grows, or its recorder was killed. `refused`: its scan found something. `failed` and `cancelled`: its
#: run ended so, and a better one stands. `second`: another recorder was faster. `replaced`: a newer one stands, and this
#: can go. `moved`: what stood, while a newer one takes its place in two steps, where the system knows no single one.
Mark = Literal["recording", "refused", "failed", "cancelled", "second", "replaced", "moved"]
#: Those that can still take their place.
KEPT_MARKS: Final[frozenset[Mark]] = frozenset({"refused", "failed", "cancelled", "second"})

_NAME: Final = re.compile(
    rf"(?P<name>.+)\.(?P<mark>{'|'.join(get_args(Mark))})-(?P<token>\d{{8}}-\d{{6}}-[0-9a-f]{{8}})", re.DOTALL
)


class Aside(Struct, frozen=True):
    """One of the folders that stand beside a recording."""

    path: Path
    #: The recording that it stands beside.
    final: Path
    mark: Mark
    #: When it was begun, and what tells it from others; sorts by time.
    token: str

    def marked(self, mark: Mark) -> Path:
        """Return its path with another mark."""
        return self.final.with_name(f"{self.final.name}.{mark}-{self.token}")


def new_aside(final: Path) -> Aside:
    """Return a place for a new recording to grow in, beside `final`; nobody else has it."""
    token = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
    return Aside(final.with_name(f"{final.name}.recording-{token}"), final, "recording", token)


def aside_of(path: Path) -> Aside | None:
    """Return what stands at `path` beside a recording, by its name; None for what is none of these."""
    found = _NAME.fullmatch(path.name)
    if found is None:
        return None
    mark: Mark = found["mark"]  # type: ignore[assignment]  # the pattern knows no other
    return Aside(path, path.with_name(found["name"]), mark, found["token"])


def asides_of(final: Path) -> list[Aside]:
    """Return what stands beside the recording at `final`, the oldest first."""
    try:
        names = sorted(entry.name for entry in final.parent.iterdir() if entry.name.startswith(f"{final.name}."))
    except OSError:
        return []
    found = [aside for name in names if (aside := aside_of(final.with_name(name))) and aside.final.name == final.name]
    return sorted(found, key=lambda aside: aside.token)
