"""What a scenario knew was to be seen, beside what was, and how the two are held against each other.

An expectation is equality, or one of a few relations where equality does not say it. An area may have a relation of its
own for what it alone looks at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

#: One place where a run broke a clause: the frame's seq, or None where no single frame shows it, and the message.
Breach = tuple[int | None, str]

#: How much of one value a message shows.
_SHOWN: Final = 400


class Relation(Struct, frozen=True):
    """What must hold of what was seen."""

    def breaches(self, seen: Any) -> Iterator[str]:
        """Yield where `seen` does not fit, in words that follow those for what was looked at."""
        raise NotImplementedError


class Expected(Struct, frozen=True):
    """One thing that was looked at."""

    clause: str
    #: As in `is_cancelled after leaving the block`.
    aspect: str
    #: A value that must be equal, or a relation.
    expected: object
    seen: object
    #: The frame that shows it.
    seq: int | None = None

    @property
    def breaches(self) -> Iterator[Breach]:
        relation = self.expected if isinstance(self.expected, Relation) else Equal(self.expected)
        return ((self.seq, _sentence(self.aspect, message)) for message in relation.breaches(self.seen))


class Equal(Relation, frozen=True):
    """The value; True and 1 are two."""

    value: object

    def breaches(self, seen: Any) -> Iterator[str]:
        if seen != self.value or isinstance(seen, bool) is not isinstance(self.value, bool):
            yield f": {_listed(seen)}, not {_listed(self.value)}"


class Same(Relation, frozen=True):
    """The very object."""

    thing: object

    def breaches(self, seen: Any) -> Iterator[str]:
        if seen is not self.thing:
            yield f": {shown(seen)}, not the very {shown(self.thing)}"


class Raised(Relation, frozen=True):
    """What a call raised, None where it returned: nothing, or an error of this kind, with these words and cause."""

    kind: type[BaseException] | None
    #: In lower case; each stands somewhere in its text.
    words: tuple[str, ...] = ()
    cause: BaseException | None = None

    def breaches(self, seen: Any) -> Iterator[str]:
        if self.kind is None:
            if seen is not None:
                yield f" raised {shown(seen)}"
            return
        fits = isinstance(seen, self.kind) and all(word in _text(seen).lower() for word in self.words)
        if not fits or (self.cause is not None and seen.__cause__ is not self.cause):
            words = f" that says {', '.join(self.words)}" if self.words else ""
            cause = f" from {shown(self.cause)}" if self.cause is not None else ""
            yield f" raised {'nothing' if seen is None else shown(seen)}, not {self.kind.__name__}{words}{cause}"


class InAnyOrder(Relation, frozen=True):
    """These and no others, each as often as it stands here."""

    items: tuple[object, ...]

    def breaches(self, seen: Any) -> Iterator[str]:
        due, found = Counter(self.items), Counter(seen)
        for item in (due - found).elements():
            yield f" lacks {shown(item)}"
        for item in (found - due).elements():
            yield f" has {shown(item)}, {'more than once' if item in due else 'which was not due'}"


class AtMost(Relation, frozen=True):
    """No more than that."""

    limit: int

    def breaches(self, seen: Any) -> Iterator[str]:
        if seen > self.limit:
            yield f": {seen}, more than {self.limit}"


class OneOf(Relation, frozen=True):
    """Any of these."""

    values: tuple[object, ...]

    def breaches(self, seen: Any) -> Iterator[str]:
        if seen not in self.values:
            yield f": {shown(seen)}, none of {_listed(self.values)}"


NOTHING: Final = Raised(None)


def _sentence(aspect: str, message: str) -> str:
    # A comma that ends what is set apart belongs before a verb.
    return f"{aspect.removesuffix(',') if message.startswith(':') else aspect}{message}"


def comes_to(
    clause: str, aspect: str, due: object, value: object, raised: BaseException | None, how: str = "the value of {}"
) -> Iterator[Expected]:
    """Hold what something comes to to what is due, where it raised nothing; `how` words it, from the aspect."""
    yield Expected(clause, aspect, NOTHING, raised)
    if raised is None:
        yield Expected(clause, how.format(aspect), due, value)


def shown(value: object) -> str:
    """Return the repr of a value that a run gave or raised, not all of a long one; its class where its repr fails."""
    text = _text(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _text(value: object) -> str:
    try:
        return repr(value)
    except Exception:
        return f"<{type(value).__name__}>"


def _listed(value: object) -> str:
    if isinstance(value, tuple | list | frozenset) and len(value) < 2:
        return shown(*value) if value else "nothing"
    return shown(value)
