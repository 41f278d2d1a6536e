"""Runs described as data, so that every subject performs the same one.

A program says what happens inside the run; a scenario says what the consumer does meanwhile. The two meet at named
points (`conformance.stage.points`): nothing sleeps, and no clock decides. What a model says in a run is a script, which a
server on loopback plays to the subject's own OpenAI integration.

What a step is to note goes to `stage.note(topic, value)`, by the topic that is named there; what is not noted is taken for
not done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from msgspec import Struct, field


class Thinking(Struct, frozen=True):
    """A piece of reasoning, as hosts of reasoning models send it."""

    text: str


class ScriptedToolCall(Struct, frozen=True):
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


class Block(Struct, frozen=True):
    """Nothing goes on here until the consumer releases the point.

    User code blocks a thread in a sync method and a task in an async one; a provider falls silent in the middle of its
    answer.
    """

    point: str


class Script(Struct, frozen=True):
    """One answer of a model."""

    #: Each piece of text is a str.
    says: tuple[str | Thinking | ScriptedToolCall | Block, ...] = ("Hello", " there", ".")
    #: `whole` ends with the provider's end marker, `unmarked` with all but that; the others end early, cleanly or by a reset.
    ending: Literal["whole", "unmarked", "cut", "reset"] = "whole"
    #: How many bytes each piece on the wire has; None sends each event whole.
    piece_bytes: int | None = None
    calls_as: CallsAs = "plain"
    #: Whether the provider says what was used; some hosts never do.
    counted: bool = True
    #: The answer fails after what it says, and its end marker comes all the same.
    failing: Failing | None = None
    #: An HTTP error status in place of the answer; None resets the connection in place of any.
    status: int | None = 200
    #: The provider is silent before its status line until this point is released.
    hold_head: str | None = None

    @property
    def text(self) -> str:
        """The whole text that the model says."""
        return "".join(piece for piece in self.says if isinstance(piece, str))


#: What a model says where a program does not care.
GREETING: Final = Script()


class ToolProgram(Struct, frozen=True):
    """A tool of the agent's, which takes a `place` and returns this text; the model calls it before it answers."""

    name: str
    place: str
    returns: str
    #: It raises such an error in place of returning it.
    fails: type[BaseException] | None = None


class TaskProgram(Struct, frozen=True):
    """One task of the crew's agent, which asks its model once, and once more where that calls a tool."""

    name: str
    script: Script = GREETING
    tool: ToolProgram | None = None
    #: Whether the tasks after it begin at once.
    is_async: bool = False
    #: How often a guardrail refuses its answer before it lets the same one pass.
    refused: int = 0


class CrewProgram(Struct, frozen=True):
    """A crew that does its tasks in turn, and does not ask a model that refuses again; needs the capability crew."""

    tasks: tuple[TaskProgram, ...] = (TaskProgram("greet"),)
    role: str = "Greeter"
    #: Said of the agent's LLM when it was made; None says nothing.
    stream: bool | None = None
    #: What a manager says of each task, once it has delegated it to the agent and been told the answer.
    manager: Script | None = None
    #: How often the agent may ask its model before it has to answer without tools.
    max_iter: int | None = None


class Emit(Struct, frozen=True):
    """Publish an event of the user's own, of this type, with this note in its payload; or one of the runtime's types.

    The event's id is noted as `emitted`.
    """

    note: str = ""
    type: str = "probe"
    #: In place of a note: the name of what `conformance.stage.payloads` makes.
    payload: str | None = None
    #: The type is one of the runtime's own, and these are the event's fields, as an integration of it would publish them.
    fields: Mapping[str, Any] | None = None
    #: The type is the user's own all the same: that of a class of theirs which is derived from the class of this one.
    derived_from: str | None = None
    #: Use the async emit, in an async method.
    awaited: bool = False


class Ask(Struct, frozen=True):
    """Call a model. Its answer is the step's value; the LLM is noted as `llm`."""

    script: Script = GREETING
    #: Said of the LLM when it was made; None says nothing.
    stream: bool | None = None
    #: Functions given by name, each with what it returns, or the `Block`, `Reach` or `Raise` that it does instead. What one
    #: is called with may be noted as `called`: its name, and its arguments by their names.
    functions: Mapping[str, Any] = field(default_factory=dict)
    #: Inside a flow: as a session of its own, which is read to its end there; the list of its frames is noted as `inner`.
    as_session: bool = False
    #: Whether the LLM is told that its host marks the end of no stream.
    without_end_marker: bool = False


#: A call that says nothing of its own.
GREET: Final = Ask()


class Reach(Struct, frozen=True):
    """Tell the consumer that the run has come here."""

    point: str


class Raise(Struct, frozen=True):
    """Raise this; the object is noted as `raised`, so that what surfaces can be compared with it."""

    error: type[BaseException]


class Spawn(Struct, frozen=True):
    """Start a thread that does these steps, and wait for it to end."""

    steps: tuple[Step, ...]
    #: Run it in a copy of the context.
    with_context: bool


class Nest(Struct, frozen=True):
    """Run a flow or a crew inside. What it gives is the step's value; of a crew it is text."""

    program: FlowProgram | CrewProgram
    #: As a session or a stream of chunks, which is read to its end inside; what was read is noted as `inner` or `chunks`.
    streamed: bool = False
    #: Of a crew: for each of so many inputs, by `kickoff_for_each`; what they give is joined.
    times: int | None = None
    #: Of a flow's session: the note of the event at whose frame it is closed, and read no further.
    left_at: str | None = None


class ReadFlag(Struct, frozen=True):
    """Note, as `flag`, what the flow's `stream` attribute reads as, here."""


class ReadFiles(Struct, frozen=True):
    """Note, as `files`, which files the run was given, here; for subjects that tell."""


class Reply(Struct, frozen=True):
    """In a turn: add this to the conversation as the assistant's message, as a handler does that returns it, too."""

    text: str


class AskHuman(Struct, frozen=True):
    """Ask the flow's input provider. What it says is the step's value; needs the capability feedback."""

    message: str


class Give(Struct, frozen=True):
    """End the method with this value."""

    value: Any


Step = Emit | Ask | Reach | Block | Raise | Spawn | Nest | ReadFlag | ReadFiles | Reply | AskHuman | Give


class Feedback(Struct, frozen=True):
    """A human is asked for feedback on a method's value."""

    message: str = "Is that right?"
    #: What the human says at once; None lets the flow wait until it is resumed.
    answer: str | None = None
    #: A provider of the user's own, or none: then the runtime asks on the terminal.
    asker: Literal["provider", "terminal"] = "provider"
    #: The outcomes that the answer may come to, which are the method's routes; none where it is taken as it is.
    outcomes: tuple[str, ...] = ()


class Method(Struct, frozen=True):
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


class FlowProgram(Struct, frozen=True):
    """A flow to be built and streamed."""

    methods: tuple[Method, ...]
    name: str = "ProbeFlow"
    #: Said of streaming by its class; None says nothing.
    stream: bool | None = None


class CallProgram(Struct, frozen=True):
    """A direct call to a model, streamed."""

    ask: Ask = GREET
    prompt: str = "Say hello."


class RecordedProgram(Struct, frozen=True):
    """A direct call that comes with the project, streamed by the subject's integration of its provider."""

    #: As in `anthropic/thinking`; see `conformance.stage.shipped_calls`.
    name: str
    #: Name → what the function returns; None gives the model its tools and no functions.
    functions: Mapping[str, Any] | None = None


class ConversationProgram(Struct, frozen=True):
    """A conversational flow, to be streamed turn by turn; needs the capability turn.

    The user's message says what becomes of its turn: `[route NAME]` gives it to the handler of that name, and
    `[script N]`, which `ScriptedProvider.prompt_for` writes, is how the model of the built-in answer answers it.
    """

    #: Each answers the turns that name it, and has no `after`. All other turns are left to the built-in answer.
    handlers: tuple[Method, ...] = ()
    #: Said of the LLM of the built-in answer when it was made; None says nothing.
    stream: bool | None = None
    #: Whether one flow is started by the first turn and finished when the conversation is, or each turn has its own.
    deferred: bool = True
    #: How a model answers that is asked for the route of each turn, or that classifies a turn with intents. Messages then
    #: name no handlers. None asks no such model.
    chooses: Script | None = None
    #: Who asks it: a router; a turn that is given `intents`; or whatever answers from history where that model says so.
    asker: Literal["router", "intents", "history"] = "router"
    name: str = "ProbeConversation"


def label_of(handler: str) -> str:
    """Return the label that a handler listens to, which must not be its own name."""
    return f"to_{handler}"


def route_to(handler: str) -> str:
    """Return what a message says to be given to that handler."""
    return f"[route {handler}]"


#: A run that fails, and a call whose answer is cut off.
FAILING: Final = FlowProgram((Method("fails", (Emit("one"), Raise(LookupError))),))
CUT_CALL: Final = CallProgram(Ask(Script(("Half",), ending="cut")))
#: What `Subject.session` and `asession` are asked to perform.
Program = FlowProgram | CallProgram | RecordedProgram
