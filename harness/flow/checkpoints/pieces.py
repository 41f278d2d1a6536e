"""What the checkpoints of one run have in common, encoded once for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import orjson
from msgspec import structs

from harness.flow.engine.run import FlowRun
from harness.flow.plan.story import PastCall, Story
from harness.flow.value_codec import encode_exactly

#: Of these, what a method returned stays as it is; anything else a later method may change.
_UNCHANGING: Final = frozenset({type(None), bool, int, float, str, bytes})


class Pieces:
    """The parts of a run's checkpoints as pieces of JSON: what does not change any more is made when it is first met.

    Each piece is of the run as it is at the call, which may go on while it is written.
    """

    def __init__(self, earlier: Iterable[Story]) -> None:
        self._earlier = [orjson.Fragment(_json(story)) for story in earlier]
        #: By their places, the values of the plan that never change.
        self._values: dict[int, orjson.Fragment] = {}
        #: The calls of the run that have ended, up to the first that has not.
        self._past: list[orjson.Fragment] = []

    def plan(self, run: FlowRun) -> dict[str, Any]:
        """Return the plan in its saved form.

        Raises:
            UsageError: something that a method returned can't be kept.
        """
        return run.plan.encoded([self._value(place, value) for place, value in enumerate(run.plan.values)])

    def _value(self, place: int, value: Any) -> orjson.Fragment:
        piece = self._values.get(place)
        if piece is None:
            piece = orjson.Fragment(orjson.dumps(encode_exactly(value, "what a method returned")))
            if type(value) in _UNCHANGING:
                self._values[place] = piece
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
        return [*self._earlier, orjson.Fragment(_json(current))]


def _piece(call: PastCall) -> orjson.Fragment:
    return orjson.Fragment(_json(call))


def _json(value: Any) -> bytes:
    return orjson.dumps(value, default=structs.asdict)
