"""Which recorded interaction answers a request, and what to say when none does."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from harness.recording.comparison.json_diff import contrast, differences
from harness.recording.tape.request_key import Matching, RequestKey, request_key
from harness.recording.wire import Interaction, WireRequest

_UNLIKE = 1_000_000


class Nearest(Struct, frozen=True):
    """The recorded request that is most like one that was not found."""

    #: Position on the tape, from 1.
    number: int
    #: What differs first, such as `body differs at messages[1].content: recorded "…", sent "…"`.
    difference: str


def _queues_of(key: RequestKey, request: WireRequest, scope: tuple[str, ...]) -> tuple[tuple[Any, ...], ...]:
    """Return the queues in which a request is looked for, one after the other."""
    same = (key, request.url, request.body)
    return (*same, scope), same, (key, scope), (key,)


class InteractionIndex:
    """The interactions of a tape, each to be played once. Not thread-safe."""

    def __init__(
        self,
        interactions: Sequence[Interaction],
        requests: Sequence[WireRequest] | None = None,
        matching: Matching | None = None,
    ) -> None:
        """Index `interactions`; `requests` are their requests as they are to be compared, where that differs."""
        self._matching = matching or Matching()
        self._interactions = interactions
        self._requests = [interaction.request for interaction in interactions] if requests is None else requests
        self._keys = [self._matching.key(request) for request in self._requests]
        self._played = [False] * len(interactions)
        # Each position is in several queues; what one hands out, the others skip later, so that taking is O(1) on average.
        self._queues: dict[tuple[Any, ...], deque[int]] = {}
        for position, interaction in enumerate(interactions):
            for name in _queues_of(self._keys[position], self._requests[position], interaction.response.scope):
                self._queues.setdefault(name, deque()).append(position)

    def take(self, request: WireRequest, scope: tuple[str, ...] = ()) -> Interaction | None:
        """Return the interaction that answers `request`, and count it as played; None where there is none left.

        Of several that match, those come first that are the same in what is not compared, too, such as the length of a
        credential; of these, and of others, the first that was recorded from `scope`, else the first.
        """
        for name in _queues_of(self._matching.key(request), request, scope):
            queue = self._queues.get(name)
            while queue:
                position = queue.popleft()
                if not self._played[position]:
                    self._played[position] = True
                    return self._interactions[position]
        return None

    def has_another(self, request: WireRequest) -> bool:
        """Whether another interaction that answers `request` waits to be played: it was made again when it was recorded."""
        return any(not self._played[position] for position in self._queues.get((self._matching.key(request),), ()))

    def unplayed(self) -> tuple[Interaction, ...]:
        """Return what was not taken, in recorded order."""
        return tuple(
            interaction for interaction, played in zip(self._interactions, self._played, strict=True) if not played
        )

    def nearest(self, request: WireRequest) -> Nearest | None:
        """Return the recorded request most like `request`; None where nothing is recorded. Linear in the tape."""
        sent = self._matching.key(request)
        sent_json = self._matching.body(request)
        best: tuple[tuple[int, int, bool], int] | None = None
        for position, recorded in enumerate(self._keys):
            unlike = sum(mine != theirs for mine, theirs in zip(sent[:-1], recorded[:-1], strict=True))
            if best is not None and unlike > best[0][0]:
                continue
            limit = best[0][1] + 1 if best is not None and unlike == best[0][0] else None
            # Of two as near, the one that still waits to be played is more likely to be meant.
            rank = (unlike, self._body_distance(position, sent, sent_json, limit), self._played[position])
            if best is None or rank < best[0]:
                best = (rank, position)
        if best is None:
            return None
        return Nearest(best[1] + 1, self._difference(best[1], sent, sent_json))

    def _body_distance(self, position: int, sent: RequestKey, sent_json: Any, limit: int | None) -> int:
        """Return in how many places the bodies differ; not counted beyond `limit`, more than the best so far."""
        if self._keys[position].body == sent.body:
            return 0
        count = 0
        for path, _, _ in differences(self._matching.body(self._requests[position]), sent_json, ""):
            # Bodies that have nothing in common are further apart than any two of one shape.
            count += 1 if path else _UNLIKE
            if limit is not None and count >= limit:
                break
        return count

    def _difference(self, position: int, sent: RequestKey, sent_json: Any) -> str:
        recorded = self._keys[position]
        for field in ("method", "scheme", "host", "port", "path", "query", "headers"):
            mine, theirs = getattr(sent, field), getattr(recorded, field)
            if mine != theirs:
                return f"{field} differs: {contrast(_plain(theirs), _plain(mine))}"
        if recorded.body == sent.body:
            return "the same request, already played"
        path, theirs, mine = next(differences(self._matching.body(self._requests[position]), sent_json, ""))
        where = f"body differs at {path}" if path else "body differs"
        played = ", already played" if self._played[position] else ""
        return f"{where}: {contrast(theirs, mine)}{played}"


def unanswered(interactions: Sequence[Interaction]) -> Interaction | None:
    """Return the first request that failed without an answer, and got none when it was made again; None where none did.

    Of a status of 0 alone nobody knows why it is one: archives of browsers are full of what these have blocked.
    """
    waiting: dict[RequestKey, Interaction] = {}
    for taped in interactions:
        key, ended = request_key(taped.request), taped.response.ended
        if ended.how != "no-response":
            waiting.pop(key, None)
        elif ended.error is not None:
            waiting.setdefault(key, taped)
    return next(iter(waiting.values()), None)


def _plain(value: Any) -> Any:
    """Return a part of a key as it reads in a message."""
    return "&".join(f"{name}={content}" for name, content in value) if isinstance(value, tuple) else value
