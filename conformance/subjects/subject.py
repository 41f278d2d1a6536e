"""What a runtime gives to be tested: its name, what it can do, and sessions that perform programs."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Set as AbstractSet
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol, cast

from msgspec import Struct

from conformance.contract.clauses import declared
from conformance.stage.points import Stage
from conformance.stage.programs import ConversationProgram, CrewProgram, FlowProgram, Program
from conformance.stage.server import ScriptedProvider
from harness.errors import ConformanceError, HarnessError, error_text
from harness.import_path import add_current_folder


class Performance(Struct, frozen=True):
    """The place where one program is performed: the points it meets its consumer at, and the provider it asks."""

    stage: Stage
    provider: ScriptedProvider


class NotOfferedError(ConformanceError):
    """A runtime has no such entry: one clause says that it should, and the scenario says nothing about any other."""

    def __init__(self, clause: str, message: str) -> None:
        super().__init__(message)
        #: The clause that the entry's absence breaks.
        self.clause = clause


class UnusableError(ConformanceError):
    """A subject can't be put into scenarios here at all: whoever tests it has to do something first."""


def offered(owner: Any, entry: str, clause: str) -> Any:
    """Return the entry point of a flow or an LLM. Raises NotOfferedError: it has none, which breaks `clause`."""
    if not hasattr(owner, entry):
        raise NotOfferedError(clause, f"{type(owner).__name__} has no {entry}()")
    return getattr(owner, entry)


class Subject(Protocol):
    """A runtime under test.

    Sessions have the surface of the contract: iteration, `events` and the other projections, `frames`, `result`,
    `is_completed`, `is_exhausted`, `is_cancelled`, `close` (and `aclose`).
    """

    #: As reports name it, with the version that was found.
    name: str
    version: str
    #: What it can do, in the contract's words. What is declared must hold; what is not is not applicable.
    capabilities: frozenset[str]
    # It may have `providers: frozenset[str]`: those that its LLM speaks to in their own formats, by the names of the
    # shipped recordings; it is then given `RecordedProgram`s of theirs.
    # It may have `import_provider(name)`, which imports what it takes to speak to one of them: in the process that is
    # copied for each scenario, where it takes no time of theirs.
    # It may have `address: str`, by which `load_subject` finds it in a process of its own; by default that is its class.
    # It may have `event_types: frozenset[str]`: those that it has built in beside the contract's, which are `lifecycle`;
    # what is named neither here nor there is a user's, and `custom`.
    # It may have `declared_flow(text)`, which returns a flow object that is made from its declaration in YAML.
    # It may have `given_files(flow)`, which returns the input files of the run of a flow, inside it.
    # It may have `idle_threads: frozenset[str]`: names of threads that its imports start and that no run of it needs. A
    # process with any other thread can't be copied, so each of its scenarios loads the subject anew, which is slow.

    def session(self, program: Program, performance: Performance) -> Any:
        """Return a sync session that performs `program` when it is iterated, and does nothing before."""

    def asession(self, program: Program, performance: Performance) -> Any:
        """Return an async session that performs `program`; needs the capability async."""

    def flow(self, program: FlowProgram, performance: Performance, **options: Any) -> Any:
        """Return the flow object of a flow program, made with these options, to be streamed by its own entry points.

        Its class makes another such flow of no arguments. `stream` can be set, and the `inputs` of a run are in the payload
        of its `flow_started`.

        One with methods that ask a human has a `persistence` of its own, which keeps it while it waits; its class has
        `from_pending(flow_id, persistence=…)`, which gives one with `resume(feedback)` and `resume_async(feedback)`.
        Options are `input_provider` (feedback), `checkpoint` and `persistence` (checkpoint).
        """

    def conversation(self, program: ConversationProgram, performance: Performance) -> Any:
        """Return a conversational flow object, to be streamed turn by turn; needs the capability turn.

        It has the transcript in `state.messages`, each with `role` and `content`, and `finalize_session_traces()`. The
        LLM of its built-in answer is noted as `llm`.
        """

    def crew(self, program: CrewProgram, performance: Performance, *, stream: bool) -> Any:
        """Return a crew object, to be run by its own entry points; needs the capability crew.

        It has `agents`, `tasks` and `stream`. The LLM of its agent is noted as `llm`; a manager, where the program has one,
        asks it too.
        """

    def kept_in(self, path: str) -> Any:
        """Return a persistence that keeps waiting flows in a file, which processes share; needs the capability feedback."""

    def is_pending(self, value: Any) -> bool:
        """Whether `value` is the object that a run which waits for a human ends with; needs the capability feedback."""

    def checkpoint_config(self, **settings: Any) -> Any:
        """Return what a flow takes as `checkpoint` and `from_checkpoint`; needs the capability checkpoint."""

    def memory(self) -> Any:
        """Return a persistence that keeps states in itself, for a flow's option; needs the capability checkpoint."""

    def llm(self, performance: Performance, **settings: Any) -> Any:
        """Return an LLM that asks the performance's provider, with these constructor settings.

        Its `get_token_usage_summary()` has the `prompt_tokens` and `completion_tokens` of its calls until then.
        """

    def overriding(
        self, llm: Any, *, stream: bool | None = None, stop: list[str] | None = None
    ) -> AbstractContextManager[None]:
        """Return a block in which calls of `llm` stream or don't, or stop at these words: one of the two is given."""

    def legacy_chunk(self, frame: Any) -> Any:
        """Return the legacy chunk that `frame` projects to, or None."""

    def emit(self, source: Any, note: str) -> None:
        """Publish a custom event on the subject's bus, in the caller's context."""

    def bounded(self, program: FlowProgram, performance: Performance, *, kind: str, **limits: Any) -> Any:
        """Return a session of `kind` sync or async with `look_ahead` and `retain`; needs the capability backpressure."""

    def listening(self, listener: Callable[[Any, Any], None]) -> AbstractContextManager[None]:
        """Return a block in which `listener(source, event)` is called for every event on the subject's bus."""

    def sinking(self, sink: Callable[[Any, Any], None]) -> AbstractContextManager[None]:
        """Return a block in which `sink(source, event)` is called for every event of the calling context."""


#: Name → module and attribute.
BUILT_IN: Final[Mapping[str, str]] = {
    "harness": "conformance.subjects.harness:HarnessSubject",
    "crewai": "conformance.subjects.crewai:CrewAISubject",
}
#: Without these, nothing is a subject.
_PARTS: Final = ("name", "version", "capabilities", "session")


def address_of(subject: Subject) -> str:
    """Return the name by which `load_subject` finds a subject in another process."""
    return str(getattr(subject, "address", f"{type(subject).__module__}:{type(subject).__qualname__}"))


def load_subject(name: str) -> Subject:
    """Return a subject by its name or as `module:attribute`, a class to be made or an object.

    Raises:
        ConformanceError: it can't be imported or made, lacks a part of the protocol, has another kind of value there, or
            declares what the contract does not know.
        MissingExtraError: it needs a package that is not installed.
    """
    module_name, colon, attribute = BUILT_IN.get(name, name).partition(":")
    if not colon:
        known = ", ".join(BUILT_IN)
        raise ConformanceError(f"there is no subject {name!r}; name one of {known}, or module:attribute")
    add_current_folder()
    try:
        found: Any = getattr(importlib.import_module(module_name), attribute)
        subject = found() if isinstance(found, type) else found
        missing = [part for part in _PARTS if not hasattr(subject, part)]
        if missing:
            raise ConformanceError(f"subject {name!r} lacks {', '.join(missing)}; see conformance.subjects.Subject")
        _check_parts(name, subject)
    except (HarnessError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a module that ends its process included
        raise ConformanceError(
            f"subject {name!r} can't be loaded: {type(error).__name__}: {error_text(error)}"
        ) from error
    return cast(Subject, subject)


def _check_parts(name: str, subject: Any) -> None:
    for part in ("name", "version"):
        value = getattr(subject, part)
        if not isinstance(value, str):
            raise ConformanceError(f"subject {name!r}: its {part} is {value!r}; expected a text")
    capabilities = subject.capabilities
    if not (isinstance(capabilities, AbstractSet) and all(isinstance(each, str) for each in capabilities)):
        raise ConformanceError(
            f"subject {name!r}: its capabilities are {capabilities!r}; expected a frozenset of texts"
        )
    declared(frozenset(capabilities))
