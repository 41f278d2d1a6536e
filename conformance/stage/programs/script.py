"""What a model says. The subject's own OpenAI integration asks a server on loopback that plays this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True)
class Text:
    """A piece of text."""

    text: str


@dataclass(frozen=True)
class Thinking:
    """A piece of reasoning, as hosts of reasoning models send it."""

    text: str


@dataclass(frozen=True)
class ScriptedToolCall:
    """A tool call; its arguments' JSON text comes in these pieces."""

    name: str
    arguments: tuple[str, ...]


#: How a host sends its tool calls: each in its place with its id at once; the ids late; all in one place; without a place;
#: or all as one, so that nobody can tell them apart.
CallsAs = Literal["plain", "ids late", "one index", "no index", "as one"]
#: How a host tells of a failure inside a 200: the form of an error event; a reason for the answer's end; or nothing but an end.
Failing = Literal["object", "text", "flat", "detail", "named event", "reason", "nothing"]
#: What it writes of the failure.
WORDS: Final = "the model runner at Bergen has stopped"


@dataclass(frozen=True)
class HoldBody:
    """The provider falls silent here, in the middle of its answer, until the point is released."""

    point: str


@dataclass(frozen=True)
class Script:
    """One answer of a model."""

    says: tuple[Text | Thinking | ScriptedToolCall | HoldBody, ...] = (Text("Hello"), Text(" there"), Text("."))
    #: `whole` ends with the provider's end marker, `unmarked` with all but that; the others end early, cleanly or by a reset.
    ending: Literal["whole", "unmarked", "cut", "reset"] = "whole"
    #: How many bytes each piece on the wire has; None sends each event whole.
    piece_bytes: int | None = None
    calls_as: CallsAs = "plain"
    #: The answer fails after what it says, and its end marker comes all the same.
    failing: Failing | None = None
    #: An HTTP error status in place of the answer.
    status: int = 200
    #: The provider is silent before its status line until this point is released.
    hold_head: str | None = None

    @property
    def text(self) -> str:
        """The whole text that the model says."""
        return "".join(piece.text for piece in self.says if isinstance(piece, Text))


#: What a model says where a program does not care.
GREETING: Final = Script()
