"""Runs described as data, so that every subject performs the same one.

A program says what happens inside the run; a scenario says what the consumer does meanwhile. The two meet at named
points (`conformance.stage`): nothing sleeps, and no clock decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

# What a model says. The subject's own OpenAI integration asks a server on loopback that plays this.


@dataclass(frozen=True)
class Text:
    """A piece of text."""

    text: str


@dataclass(frozen=True)
class Thinking:
    """A piece of reasoning, as hosts of reasoning models send it."""

    text: str


@dataclass(frozen=True)
class ToolCall:
    """A tool call; its arguments' JSON text comes in these pieces."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class HoldBody:
    """The provider falls silent here, in the middle of its answer, until the point is released."""

    point: str


@dataclass(frozen=True)
class Script:
    """One answer of a model."""

    says: tuple[Text | Thinking | ToolCall | HoldBody, ...] = (Text("Hello"), Text(" there"), Text("."))
    #: `whole` ends with the provider's end marker; the others end early, cleanly or by a reset.
    ending: Literal["whole", "cut", "reset"] = "whole"
    #: How many bytes each piece on the wire has; None sends each event whole.
    piece_bytes: int | None = None
    #: An HTTP error status in place of the answer.
    status: int = 200
    #: The provider is silent before its status line until this point is released.
    hold_head: str | None = None

    @property
    def text(self) -> str:
        """The whole text that the model says."""
        return "".join(piece.text for piece in self.says if isinstance(piece, Text))


# What a run does.


@dataclass(frozen=True)
class Emit:
    """Publish an event of the user's own, of this type, with this note in its payload."""

    note: str = ""
    type: str = "probe"
    #: Use the async emit, in an async method.
    awaited: bool = False


@dataclass(frozen=True)
class EmitPayload:
    """Publish an event of the user's own whose payload is one that `conformance.payloads` makes by this name."""

    payload: str


@dataclass(frozen=True)
class EmitBuiltIn:
    """Publish an event of one of the runtime's own types, as an integration of it would, with these fields."""

    type: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ask:
    """Call a model. Its answer is the step's value."""

    script: Script = Script()
    #: Said of the LLM when it was made; None says nothing.
    stream: bool | None = None
    #: Functions given by name, each with what it returns.
    functions: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reach:
    """Tell the consumer that the run has come here."""

    point: str


@dataclass(frozen=True)
class Block:
    """Block, as user code does, until the consumer releases the point: a thread in a sync method, a task in an async one.

    With `thread` an async run's sync code blocks too.
    """

    point: str


@dataclass(frozen=True)
class Raise:
    """Raise this; the object is kept, so that what surfaces can be compared with it."""

    error: type[BaseException]


@dataclass(frozen=True)
class Spawn:
    """Start a thread that does these steps, and wait for it to end."""

    steps: tuple[Step, ...]
    #: Run it in a copy of the context.
    with_context: bool


@dataclass(frozen=True)
class Nest:
    """Run a flow inside: plainly, or as a session that is read to its end inside."""

    program: FlowProgram
    streamed: bool = False


@dataclass(frozen=True)
class ReadFlag:
    """Note what the flow's `stream` attribute reads as, here."""


@dataclass(frozen=True)
class Give:
    """End the method with this value."""

    value: Any


Step = Emit | EmitPayload | EmitBuiltIn | Ask | Reach | Block | Raise | Spawn | Nest | ReadFlag | Give


@dataclass(frozen=True)
class Method:
    """One method of a flow."""

    name: str
    steps: tuple[Step, ...] = ()
    #: The names of the methods after which it runs: a start method has none.
    after: tuple[str, ...] = ()
    #: Whether it waits for all of `after`, or runs after the first.
    joins: Literal["all", "any"] = "any"
    is_async: bool = False
    #: Its value is a route that others may be `after`.
    is_router: bool = False


@dataclass(frozen=True)
class FlowProgram:
    """A flow to be built and streamed."""

    methods: tuple[Method, ...]
    name: str = "ProbeFlow"


@dataclass(frozen=True)
class CallProgram:
    """A direct call to a model, streamed."""

    ask: Ask = Ask()
    prompt: str = "Say hello."


@dataclass(frozen=True)
class RecordedProgram:
    """A direct call that comes with the project, streamed by the subject's integration of its provider."""

    #: As in `anthropic/thinking`; see `conformance.shipped_calls`.
    name: str
    #: Name → what the function returns; None gives the model its tools and no functions.
    functions: Mapping[str, Any] | None = None


Program = FlowProgram | CallProgram | RecordedProgram
