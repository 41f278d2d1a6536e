"""Where a body that streams events can be divided, and whether its last word was heard.

Used for recordings without chunk marks, such as plain vcrpy cassettes, and to tell a client that stopped reading
after the end from one that stopped before it.
"""

from __future__ import annotations

from functools import cache
from itertools import accumulate, repeat
from operator import sub

from harness.providers.registry import dialects
from harness.providers.shared.dialect import Dialect, Framing
from harness.recording.wire import Chunk


def pieces(content_type: str, body: bytes) -> tuple[int, ...]:
    """Return the lengths of the pieces that `body` falls into: one per event where it streams events, else one.

    A tail that is no whole event is a piece of its own; an empty body has none.
    """
    if not body:
        return ()
    framing = framing_of(content_type)
    ends = [] if framing is None else list(framing.ends(body))
    if not ends or ends[-1] < len(body):
        ends.append(len(body))
    return tuple(map(sub, ends, [0, *ends]))


def chunks_of(content_type: str, body: bytes) -> tuple[Chunk, ...]:
    """Return `pieces` as the chunks of a recording that tells no times."""
    lengths = pieces(content_type, body)
    return tuple(map(Chunk, accumulate(lengths, initial=0), lengths, repeat(0.0)))


def framing_of(content_type: str) -> Framing | None:
    """Return how a body of that type is divided into events; None where it streams none."""
    return _framings().get(media_type(content_type))


@cache
def _framings() -> dict[str, Framing]:
    return {dialect.framing.media_type: dialect.framing for dialect in dialects()}


def end_was_seen(content_type: str, body: bytes) -> bool:
    """Return whether `body` holds the mark with which its provider ends a stream."""
    kind = media_type(content_type)
    return any(dialect.has_ended(body) for dialect in dialects_of(body) if dialect.framing.media_type == kind)


def dialects_of(body: bytes) -> tuple[Dialect, ...]:
    """Return the formats whose marks `body` holds, so that one format's end is not looked for in another; all for none."""
    return tuple(dialect for dialect in dialects() if dialect.mark.search(body)) or dialects()


def media_type(content_type: str) -> str:
    """Return `content_type` in lower case without its parameters."""
    return content_type.partition(";")[0].strip().lower()
