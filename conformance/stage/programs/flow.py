"""What a flow does: its methods, and the steps in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from conformance.stage.programs.crew import CrewProgram
from conformance.stage.programs.script import GREETING, Script


@dataclass(frozen=True)
class Emit:
    """Publish an event of the user's own, of this type, with this note in its payload."""

    note: str = ""
    type: str = "probe"
    #: Use the async emit, in an async method.
    awaited: bool = False


@dataclass(frozen=True)
class EmitPayload:
    """Publish an event of the user's own whose payload is one that `conformance.stage.payloads` makes by this name."""

    payload: str


@dataclass(frozen=True)
class EmitBuiltIn:
    """Publish an event of one of the runtime's own types, as an integration of it would, with these fields."""

    type: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ask:
    """Call a model. Its answer is the step's value."""

    script: Script = GREETING
    #: Said of the LLM when it was made; None says nothing.
    stream: bool | None = None
    #: Functions given by name, each with what it returns.
    functions: Mapping[str, Any] = field(default_factory=dict)
    #: Whether the LLM is told that its host marks the end of no stream.
    without_end_marker: bool = False


#: A call that says nothing of its own.
GREET: Final = Ask()


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
class RunCrew:
    """Run a crew inside: what it gives is the step's value, as text."""

    program: CrewProgram
    #: As a stream of chunks, which is read to its end inside.
    streamed: bool = False
    #: For each of so many inputs, by `kickoff_for_each`; what they give is joined.
    times: int | None = None


@dataclass(frozen=True)
class Reply:
    """In a turn: add this to the conversation as the assistant's message, as a handler does that returns it, too."""

    text: str


@dataclass(frozen=True)
class AskHuman:
    """Ask the flow's input provider. What it says is the step's value; needs the capability feedback."""

    message: str


@dataclass(frozen=True)
class Give:
    """End the method with this value."""

    value: Any


Step = (
    Emit
    | EmitPayload
    | EmitBuiltIn
    | Ask
    | Reach
    | Block
    | Raise
    | Spawn
    | Nest
    | ReadFlag
    | RunCrew
    | Reply
    | AskHuman
    | Give
)


@dataclass(frozen=True)
class Feedback:
    """A human is asked for feedback on a method's value."""

    message: str = "Is that right?"
    #: What the human says at once; None lets the flow wait until it is resumed.
    answer: str | None = None
    #: A provider of the user's own, or none: then the runtime asks on the terminal.
    asked_by: Literal["provider", "terminal"] = "provider"
    #: The outcomes that the answer may come to, which are the method's routes; none where it is taken as it is.
    outcomes: tuple[str, ...] = ()


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
    #: Asked for after the steps, on their value; a flow of such a method needs the capability feedback.
    feedback: Feedback | None = None


@dataclass(frozen=True)
class FlowProgram:
    """A flow to be built and streamed."""

    methods: tuple[Method, ...]
    name: str = "ProbeFlow"
    #: Said of streaming by its class; None says nothing.
    stream: bool | None = None
