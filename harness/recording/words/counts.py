"""Numbers of things, as a sentence has them."""

from __future__ import annotations


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return `1 frame`, `2,000 frames`; `plural` for nouns that don't end in s."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"
