"""What is recorded: `package.module:attribute`, the entry that starts it, and the inputs it is started with."""

from __future__ import annotations

import difflib
import importlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Protocol, cast

from msgspec import Struct, field

from harness.annotations import signature_of
from harness.errors import UsageError, error_text
from harness.frames.stored import FrameLike
from harness.import_path import add_current_folder
from harness.llm.pump import iterated_in_loop
from harness.recording.trust.factories import starts_runs
from harness.recording.trust.gate import Gate

#: So many names of a module are told where another was asked for.
_NAMED: Final = 5


class Session(Protocol):
    """What the recorder needs of a session, whichever runtime made it."""

    def __iter__(self) -> Iterator[FrameLike]: ...
    @property
    def frames(self) -> Sequence[FrameLike]: ...
    @property
    def result(self) -> Any: ...
    def close(self) -> None: ...


class Target(Struct, frozen=True):
    """A run that can be started again: the object's name, its entry, and what it is given."""

    #: `package.module:attribute`; the attribute may have dots.
    name: str
    #: The method that starts a session; None for the natural one.
    entry: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    #: Messages of a conversation, each a session of its own.
    turns: tuple[str, ...] = ()
    #: What lets it in, where a recording names it; None where the caller does.
    gate: Gate | None = None
    #: Told of the object before it is started.
    prepare: Callable[[Any], None] | None = None

    def sessions(self) -> Iterator[Session]:
        """Start the run: yield its session, or one for each turn. Nothing runs before a session is iterated.

        Raises:
            UsageError: the target can't be imported, has no such entry, or gave something else than a session.
            UntrustedTargetError: a recording names it, and nobody vouches for it; nothing of it has been run.
        """
        subject, inputs = self.subject(), self.inputs
        if callable(subject) and not starts_runs(subject) and not hasattr(subject, self.entry or ""):
            # What it makes may be a flow or a crew, which takes the inputs that it does not.
            own = _accepted_inputs(subject, inputs)
            made = _called(subject, (), own, self.name)
            if not starts_runs(made):
                if len(own) < len(inputs):
                    _close(made)
                    _check(subject, (), inputs, self.name)
                if self.turns or self.entry is not None:
                    _close(made)
                    raise UsageError(
                        f"target {self.name!r} returns {type(made).__name__}, which takes no turn and has no entry; name what "
                        "has, or have it returned"
                    )
                if self.prepare is not None:
                    self.prepare(subject)
                yield _session(made, self.name)
                return
            subject = made() if isinstance(made, type) else made
            inputs = {key: value for key, value in inputs.items() if key not in own}
        if self.prepare is not None:
            self.prepare(subject)
        entry = self.entry or _natural_entry(subject, self)
        start = _method(subject, entry, self.name)
        for turn in self.turns:
            yield _session(_called(start, (turn,), inputs, self.name), self.name)
        if self.turns:
            return
        # Flows and crews take them as one mapping, LLMs one by one.
        if "inputs" in signature_of(start).parameters:
            inputs = {"inputs": dict(inputs)} if inputs else {}
        yield _session(_called(start, (), inputs, self.name), self.name)

    def subject(self) -> Any:
        """Import and return what is named; of a class whose instances start runs, a new one.

        Raises:
            UsageError: it can't be imported, or there is no such attribute.
            UntrustedTargetError: as `sessions`.
        """
        module_name, colon, attribute = self.name.partition(":")
        if not (colon and all(part.isidentifier() for part in [*module_name.split("."), *attribute.split(".")])):
            raise UsageError(f"target {self.name!r}: expected package.module:attribute, as in {_as_module(self.name)}")
        add_current_folder()
        gate = self.gate
        if gate is not None:
            gate.check_module(module_name)
        subject: Any = self._module(module_name)
        for step in attribute.split("."):
            owner = subject
            try:
                subject = getattr(owner, step)
            except AttributeError:
                raise UsageError(
                    f"target {self.name!r}: {module_name!r} has no attribute {attribute!r}{_suggestion(owner, step)}"
                ) from None
            if gate is not None:
                gate.check_step(owner, step, subject)
        if gate is not None:
            gate.check_kind(subject, self.entry)
        # A class is recorded by an instance made without arguments; a class whose instances start nothing is called.
        if isinstance(subject, type) and (hasattr(subject, "stream_events") or hasattr(subject, "kickoff")):
            subject = subject()
        return subject

    def _module(self, name: str) -> ModuleType:
        try:
            return importlib.import_module(name) if self.gate is None else self.gate.imported(name)
        except UsageError:
            raise
        except (Exception, SystemExit) as error:
            why = error if isinstance(error, ImportError) else f"it raised {type(error).__name__}: {error_text(error)}"
            if name.endswith(".py"):
                why = f"a module is named without its suffix, as in {_as_module(self.name)}"
            raise UsageError(
                f"target {self.name!r}: module {name!r} can't be imported from {Path.cwd()}: {why}"
            ) from error


def _as_module(name: str) -> str:
    """Return how a target is written, by the file that may have been meant."""
    module, _, attribute = name.partition(":")
    path = re.fullmatch(r"(?:\./)?((?:\w+/)*\w+)\.py", module)
    return f"{path[1].replace('/', '.')}:{attribute or 'PlanFlow'}" if path else "my_app.flows:PlanFlow"


def _suggestion(owner: Any, name: str) -> str:
    """Return what may have been meant, for the end of a message."""
    own = [known for known, value in vars(owner).items() if not known.startswith("_") and _is_own(owner, value)]
    near = difflib.get_close_matches(name, own, n=1)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; it has {', '.join(sorted(own)[:_NAMED])}" if own else ""


def _is_own(owner: Any, value: Any) -> bool:
    # A crew or an LLM that a module has made is of a class of ours; of what is imported little is meant to be recorded.
    if starts_runs(value) and not isinstance(value, type):
        return True
    return not isinstance(value, ModuleType) and getattr(value, "__module__", None) == getattr(owner, "__name__", None)


def _natural_entry(subject: Any, target: Target) -> str:
    if target.turns:
        return "stream_turn"
    for entry in ("stream_events", "kickoff"):
        if callable(getattr(subject, entry, None)):
            return entry
    raise UsageError(
        f"target {target.name!r} is {type(subject).__name__}; expected a flow, an LLM, a crew, or a callable that "
        "returns one, or a session"
    )


def _method(subject: Any, entry: str | None, name: str) -> Callable[..., Any]:
    method = getattr(subject, entry or "", None)
    if not callable(method):
        raise UsageError(f"target {name!r}: {type(subject).__name__} has no entry {entry!r}")
    return cast(Callable[..., Any], method)


def _accepted_inputs(start: Callable[..., Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the inputs that a callable takes."""
    parameters = signature_of(start).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return dict(inputs)
    return {name: value for name, value in inputs.items() if name in parameters}


def _check(start: Callable[..., Any], turn: tuple[str, ...], inputs: Mapping[str, Any], name: str) -> None:
    try:
        signature_of(start).bind(*turn, **inputs)
    except TypeError as error:
        names = ", ".join(inputs) or "none"
        raise UsageError(f"target {name!r} can't be started with the inputs given ({names}): {error}") from error


def _called(start: Callable[..., Any], turn: tuple[str, ...], inputs: Mapping[str, Any], name: str) -> Any:
    _check(start, turn, inputs, name)
    return start(*turn, **inputs)


def _close(session: Any) -> None:
    close = getattr(session, "close", None)
    if callable(close):
        close()


def _session(session: Any, name: str) -> Session:
    if hasattr(type(session), "__aiter__"):
        return cast(Session, _AsyncSession(session))
    # By name: asking for the result itself raises before the end.
    if {"__iter__", "frames", "result", "close"} <= set(dir(session)):
        return cast(Session, session)
    if inspect.iscoroutine(session):
        session.close()
        raise UsageError(
            f"target {name!r}: its entry is a coroutine function, and nobody awaits it here; make it a plain function that "
            "returns the session, an async one too: return llm.astream(…)"
        )
    raise UsageError(
        f"target {name!r}: its entry returned {type(session).__name__}, which is no session (a session is iterated, and "
        "has frames, result and close); return the flow or the crew itself, or what its stream_events gives"
    )


#: What an async session has as a sync one does; its projections are async.
_ALIKE: Final = frozenset({"frames", "result", "close", "is_completed", "is_exhausted", "is_cancelled"})


class _AsyncSession:
    """An async session, read by a thread."""

    def __init__(self, session: Any) -> None:
        #: The session itself, for those who want to know what it is.
        self.wrapped = session

    def __iter__(self) -> Iterator[FrameLike]:
        return iterated_in_loop(self.wrapped.__aiter__)

    @property
    def events(self) -> Iterator[FrameLike]:
        """Every frame, from the first."""
        return iterated_in_loop(self.wrapped.events.__aiter__)

    def __getattr__(self, name: str) -> Any:
        if name not in _ALIKE:
            raise AttributeError(f"an async session that is read by a thread has no {name!r}")
        return getattr(self.wrapped, name)
