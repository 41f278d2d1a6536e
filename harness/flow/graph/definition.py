"""The graph of a flow class, read from its decorated methods and checked before anything runs."""

from __future__ import annotations

import inspect
import sys
import warnings
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Self

from msgspec import Struct

from harness.annotations import signature_of
from harness.errors import UsageError
from harness.flow.graph.conditions import Condition, names_in
from harness.flow.graph.decorators import Role, role_of
from harness.flow.graph.labels import label_of, labels_of, routed_by

#: The input, and the parameter of starts, by which a flow is told what triggered it.
TRIGGER_PAYLOAD: Final = "crewai_trigger_payload"
#: What a run is begun by, or works with, and no method of a graph can be called.
_EVERY_FLOWS: Final = frozenset({"kickoff", "kickoff_async", "stream_events", "astream", "state"})


class FlowGraphWarning(UserWarning):
    """A graph that can run is perhaps not as it was meant."""


class FlowMethod(Struct, frozen=True):
    """One method of a graph."""

    name: str
    role: Role
    #: The labels that it may return as a router; None where that can't be told.
    labels: tuple[str, ...] | None
    #: Whether it is called with the result of what triggered it.
    takes_result: bool
    #: Whether it has a parameter for what triggered the flow from outside, see `TRIGGER_PAYLOAD`.
    takes_payload: bool = False


#: Methods that wait for a name, in the order of their definition, with their conditions.
Waiting = tuple[tuple[str, Condition], ...]


class FlowGraph:
    """The methods of a flow in the order of their definition, those of base classes first, and who waits for what."""

    def __init__(self, methods: Mapping[str, FlowMethod]) -> None:
        self.methods: Mapping[str, FlowMethod] = MappingProxyType(dict(methods))
        #: By the name that they wait for: the routers, the other listeners, and the starts with a condition.
        self.routers: dict[str, Waiting] = {}
        self.listeners: dict[str, Waiting] = {}
        self.restarts: dict[str, Waiting] = {}
        for method in methods.values():
            role = method.role
            _enter(self.routers if role.is_router else self.listeners, method, role.listens_to)
            _enter(self.restarts, method, role.starts_on)
        #: What takes part in calls of some method; see `harness.flow.engine.hooks`.
        self.hooks = tuple(hook for method in methods.values() for hook in method.role.hooks)
        #: The names that some method waits for.
        self.awaited = frozenset({*self.routers, *self.listeners, *self.restarts})

    def __deepcopy__(self, memo: object) -> Self:
        """Return this one, which nobody changes: a copy of a flow has the graph of its class."""
        return self

    @property
    def entries(self) -> list[FlowMethod]:
        """The methods that a kickoff runs: the starts without a condition; all starts where every one has some."""
        starts = [method for method in self.methods.values() if method.role.is_start]
        return [method for method in starts if method.role.starts_on is None] or starts

    def doubt_of(self, method: FlowMethod, output: Any) -> str | None:
        """Return what to tell of what a router has returned: of a label that nothing waits for, and that was not meant so.

        Text that is like no name that is waited for ends the flow as it says, where the router's labels are left open.
        """
        label = label_of(output)
        if not label or label in self.awaited or label in (method.labels or ()):
            return None
        is_of_its_own = method.labels is None and isinstance(routed_by(output), str)
        if is_of_its_own and _nearest(label, self.awaited) is None:
            return None
        return f"{method.name} returned {label[:60]!r}, which nothing waits for{_hint(label, self.awaited)}"


def _enter(index: dict[str, Waiting], method: FlowMethod, condition: Condition | None) -> None:
    if condition is not None:
        for name in dict.fromkeys(names_in(condition)):
            index[name] = (*index.get(name, ()), (method.name, condition))


_known: weakref.WeakKeyDictionary[type, FlowGraph] = weakref.WeakKeyDictionary()


def graph_of(cls: type) -> FlowGraph:
    """Return the graph of a flow class.

    Raises:
        UsageError: it can't run as it is written: a method that waits for itself, parameters that nothing fills.

    Warns:
        FlowGraphWarning: it runs, but has no start, a name that nothing is known to answer to, or a method with two conditions;
            once for each class.
    """
    definition = _known.get(cls)
    if definition is None:
        methods = {name: _method(cls, name, role) for name, role in _roles(cls).items()}
        _check(cls, methods)
        definition = _known[cls] = FlowGraph(methods)
        for doubt in _doubts(cls, methods):
            warnings.warn(doubt, FlowGraphWarning, stacklevel=3)
    return definition


def _roles(cls: type) -> dict[str, Role]:
    """Return the roles by name. An override without a decorator keeps the role of what it overrides."""
    roles: dict[str, Role] = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            role = role_of(value)
            if role is not None:
                roles[name] = role
            elif name in roles and not callable(getattr(base, name)):
                del roles[name]
    # A class may have methods in its graph that nobody has decorated.
    complete: Callable[[dict[str, Role]], dict[str, Role]] | None = getattr(cls, "_flow_graph_roles", None)
    return roles if complete is None else complete(roles)


def _method(cls: type, name: str, role: Role) -> FlowMethod:
    function = getattr(cls, name)
    where = f"{cls.__name__}.{name}"
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise UsageError(
            f"{where} is a generator, which a flow does not run through: return a list, or emit events while it works"
        )
    positional = 0
    required = 0
    takes_any = False
    takes_payload = False
    written = inspect.getattr_static(cls, name)
    # The first parameter is the flow, but of what is given none, as a static method, or a partial below Python 3.14.
    takes_none = staticmethod | classmethod if sys.version_info >= (3, 14) else staticmethod | classmethod | partial
    takes_flow = hasattr(written, "__get__") and not isinstance(written, takes_none)
    parameters = list(signature_of(function).parameters.values())
    if takes_flow and not parameters:
        raise UsageError(f"{where} has no parameter for the flow: write def {name}(self)")
    for parameter in parameters[takes_flow:]:
        if role.is_start and parameter.name == TRIGGER_PAYLOAD:
            takes_payload = True
            continue
        is_required = parameter.default is parameter.empty
        if parameter.kind is parameter.VAR_POSITIONAL:
            takes_any = True
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            positional += 1
            required += is_required
        elif parameter.kind is parameter.KEYWORD_ONLY and is_required:
            raise UsageError(f"{where} has the keyword parameter {parameter.name!r}, which a flow can't fill")
    if role.is_start and required:
        raise UsageError(f"{where} is a start, which is called without arguments, but it takes {required}")
    if required > 1:
        raise UsageError(f"{where} takes {required} arguments; a listener gets one, the result of what triggered it")
    labels = None
    if role.is_router:
        labels = role.emits if role.emits is not None else labels_of(function)
    return FlowMethod(name, role, labels, takes_result=takes_any or positional > 0, takes_payload=takes_payload)


def _check(cls: type, methods: Mapping[str, FlowMethod]) -> None:
    for method in methods.values():
        where = f"{cls.__name__}.{method.name}"
        role = method.role
        if method.name in _EVERY_FLOWS or hasattr(object, method.name):
            raise UsageError(f"{where} hides the {method.name} that every flow has: give the method another name")
        if not (role.is_start or role.is_router or role.listens_to is not None):
            raise UsageError(f"{where} has a hook and nothing that triggers it: add @start() or @listen(…)")
        if role.is_router and not role.is_start and role.listens_to is None:
            raise UsageError(f"{where} is a router that nothing triggers: give router() a condition, or add @start()")
        for name in _awaited(role):
            if name == method.name:
                raise UsageError(
                    f"{where} listens to {name!r}, which is itself (its condition references the handler name): it would run for "
                    "ever. Rename the method or the label"
                )


def _doubts(cls: type, methods: Mapping[str, FlowMethod]) -> Iterator[str]:
    """Give what of a graph that can run is perhaps not as it was meant."""
    for method in methods.values():
        if method.role.lost is not None:
            yield (
                f"{cls.__name__}.{method.name} listens twice, and what its outer decorator says alone holds: join the two with "
                "or_(…) or and_(…)"
            )
    if not any(method.role.is_start for method in methods.values()):
        yield f"{cls.__name__} has no start method, and gives None: decorate the one that a kickoff runs with @start()"
        return
    answers = _answers(methods)
    if answers is None:
        return
    for method in methods.values():
        for name in _awaited(method.role):
            if name not in answers:
                yield (
                    f"{cls.__name__}.{method.name} waits for {name!r}, but no method has this name and no router returns "
                    f"it{_hint(name, answers)}"
                )


def _hint(name: str, known: Collection[str]) -> str:
    near = _nearest(name, known)
    return f"; there are {', '.join(sorted(known))}" if near is None else f"; did you mean {near!r}?"


def _nearest(name: str, known: Collection[str]) -> str | None:
    import difflib  # only for names that are unknown

    return next(iter(difflib.get_close_matches(name, known, n=1)), None)


def _awaited(role: Role) -> Iterator[str]:
    for condition in (role.starts_on, role.listens_to):
        if condition is not None:
            yield from names_in(condition)


def _answers(methods: Mapping[str, FlowMethod]) -> set[str] | None:
    """Return every name that can happen; None where some router's labels can't be told beforehand."""
    answers: set[str] = set(methods)
    for method in methods.values():
        if method.role.is_router:
            if method.labels is None:
                return None
            answers.update(method.labels)
    return answers
