"""A call whose arguments come value by value, each with its JSON path.

Source: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling, "Streaming function call
arguments"; the paths are those of RFC 9535 (2026-11).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from io import StringIO
from itertools import pairwise
from typing import Any, Final

from harness.providers.shared.shapes import as_flag, as_object, as_text

#: One step of a path: `.name`, `["name"]` or `[0]`.
_STEP: Final = re.compile(r"""\.(?P<name>[^.\[\]'"]+)|\[(?:(?P<quoted>'[^']*'|"[^"]*")|(?P<index>\d+))\]""")
_VALUES: Final = ("stringValue", "numberValue", "boolValue")


class GrowingCall:
    """The arguments of one call as far as they have come."""

    def __init__(self, name: str, arguments: dict[str, Any]) -> None:
        """Begin with `arguments`, which grow."""
        self.name = name
        self._arguments = arguments
        #: The path of the text that goes on, and the last text: they may be long, and their pieces short.
        self._path: str | None = None
        self._text = StringIO()

    def take(self, pieces: Sequence[Any]) -> None:
        """Add values, and pieces of texts. Raises ValueError for what has no place among those that have come."""
        for piece in map(as_object, pieces):
            path, goes_on = as_text(piece.get("jsonPath")), as_flag(piece.get("willContinue"))
            value = next((piece[name] for name in _VALUES if piece.get(name) is not None), None)
            # Only a text goes on, and it may begin with nothing.
            is_text = goes_on or isinstance(value, str) or path == self._path
            if path != self._path:
                self._text = StringIO()
                self._put(path, self._text if is_text else value)
            if is_text:
                self._text.write(as_text(value))
            self._path = path if goes_on else None

    def _put(self, path: str, value: Any) -> None:
        steps = _steps(path)
        place: Any = self._arguments
        for step, following in pairwise(steps):
            place = _member(place, step, [] if isinstance(following, int) else {})
        _member(place, steps[-1], None)
        place[steps[-1]] = value

    def text(self, *, is_cut: bool = False) -> str:
        """Return the arguments as JSON; of a call that was cut, without what would close it."""
        whole = json.dumps(self._arguments, ensure_ascii=False, allow_nan=False, default=StringIO.getvalue)
        return whole[:-1] if is_cut else whole


def _steps(path: str) -> list[str | int]:
    steps = list(_STEP.finditer(path))
    if not steps or "".join(["$", *(step[0] for step in steps)]) != path:
        raise ValueError(f"a value at {path!r:.200}, which is no path")
    return [int(step["index"]) if step["index"] else step["name"] or step["quoted"][1:-1] for step in steps]


def _member(place: Any, step: str | int, empty: Any) -> Any:
    """Return what stands in an object or a list, in which it is `empty` where nothing does."""
    if isinstance(place, dict) and isinstance(step, str):
        return place.setdefault(step, empty)
    if isinstance(place, list) and isinstance(step, int) and step <= len(place):
        place[len(place) :] = [empty] if step == len(place) else []
        return place[step]
    raise ValueError(f"a value at {step!r:.200}, where none has a place")
