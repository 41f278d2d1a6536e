"""A frame, as far as the suite needs to know it, whatever runtime made it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from harness.frames import FrameLike


class AnyFrame(FrameLike, Protocol):
    """The surface of a frame, whatever runtime made it."""

    @property
    def seq(self) -> int: ...
    @property
    def event(self) -> Mapping[str, Any]: ...
    @property
    def content(self) -> str: ...
