"""What the checkpoints of one run have in common, encoded once for all of them."""

from __future__ import annotations

import contextlib
import marshal
import pickle
from collections.abc import Iterable
from typing import Any, Final

import orjson
from msgspec import structs

from harness.flow.engine.run import FlowRun
from harness.flow.plan.story import Story
from harness.flow.value_codec import encode_exactly

#: What is of these classes never changes.
_UNCHANGING: Final = frozenset({type(None), bool, int, float, str, bytes})
#: The form of `marshal` in which equal values are equal bytes, whoever else refers to them.
_BY_VALUE: Final = 2


class Pieces:
    """The parts of a run's checkpoints as pieces of JSON: what has not changed is made when it is first met.

    Each piece is of the run as it is at the call, which may go on while it is written.
    """

    def __init__(self, earlier: Iterable[Story]) -> None:
        self._earlier = [_piece(story) for story in earlier]
        #: By their places, the values of the plan, each with what tells whether it is still the same.
        self._values: dict[int, tuple[object, orjson.Fragment]] = {}
        #: The calls of the run that have ended, up to the first that has not.
        self._past: list[orjson.Fragment] = []

    def plan(self, run: FlowRun) -> dict[str, Any]:
        """Return the plan in its saved form.

        Raises:
            UsageError: something that a method returned can't be kept.
        """
        saved = run.plan.saved()
        return {**saved, "values": [self._value(run, place, value) for place, value in enumerate(saved["values"])]}

    def _value(self, run: FlowRun, place: int, value: Any) -> orjson.Fragment:
        mark = _mark(value)
        known, piece = self._values.get(place, (None, None))
        if piece is None or mark is None or mark != known:
            piece = orjson.Fragment(orjson.dumps(encode_exactly(value, lambda: f"what {_method(run, place)} returned")))
            self._values[place] = mark, piece
        return piece

    def runs(self, run: FlowRun) -> list[orjson.Fragment]:
        """Return what has happened in the runs before, and in this one up to here."""
        story = run.story
        if story is None:
            return self._earlier
        calls = iter(story.calls[len(self._past) :])
        begun = None
        for call in calls:
            if call.ended is None:
                begun = call
                break
            self._past.append(_piece(call))
        ahead = [] if begun is None else [_piece(begun), *map(_piece, calls)]
        current = {"flow_name": story.flow_name, "started": story.started, "calls": [*self._past, *ahead]}
        return [*self._earlier, _piece(current)]


def _mark(value: Any) -> object:
    """Return what differs once a later method has changed a value; None where that can't be told."""
    if type(value) in _UNCHANGING:
        return True
    with contextlib.suppress(ValueError):
        # A tenth of what its form costs, where it is made of Python's own classes.
        return marshal.dumps(value, _BY_VALUE)
    # A third or less, where there are models in it. Classes of somebody's own may raise whatever they like.
    with contextlib.suppress(Exception):
        return pickle.dumps(value)
    return None


def _method(run: FlowRun, place: int) -> str:
    """Return the name of the method that came to the value of this place, as messages have it."""
    calls = run.story.calls if run.story is not None else []
    return next((repr(call.method) for call in calls if call.output == place), "a method")


def _piece(value: Any) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps(value, default=structs.asdict))
