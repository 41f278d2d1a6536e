"""What stands above the results on every page: the verdict, the numbers, and links to what fell short."""

from __future__ import annotations

from msgspec import Struct


class Headline(Struct, frozen=True):
    """What a reader sees first; it agrees with the exit code of the command that made the report."""

    #: `passed`, `failed`, or `error` where something could not be judged; gives the headline its colour and mark.
    status: str
    text: str


class Tile(Struct, frozen=True):
    label: str
    count: float
    #: Gives the number its colour where it is not zero.
    status: str | None = None


class Fallen(Struct, frozen=True):
    """One thing that fell short, with the places on the page that tell all of it: several, where one cause made them."""

    status: str
    #: The anchor and the title of each.
    links: tuple[tuple[str, str], ...]
    message: str | None
