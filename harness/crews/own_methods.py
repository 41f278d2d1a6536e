"""Methods that stand in the place of this project's: a subclass's own, or what a test has put there. A crew goes through them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from harness.agents.driver import Driver
from harness.workers import in_thread

_LIBRARIES: Final = ("harness.", "pydantic.")


class StandIn:
    """Is read, set and taken for an object, but for some methods, which are given here as its class would have them.

    A method of the user's whose `self` it is calls these, by `super()` and in other methods of the user's; the rest of what
    the object's class has sees the object itself.
    """

    __slots__ = ("__methods", "__original")

    def __init__(self, original: Any, methods: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_StandIn__original", original)
        object.__setattr__(self, "_StandIn__methods", methods)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self.__original)

    def __getattr__(self, name: str) -> Any:
        method = inspect.getattr_static(type(self.__original), name, None)
        if not inspect.isfunction(method) or method.__module__.startswith(_LIBRARIES):
            if name not in self.__methods:
                return getattr(self.__original, name)
            method = self.__methods[name]
        return bound(method, self)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__original, name, value)

    def __reduce_ex__(self, protocol: Any) -> Any:
        # A copy is one of the object.
        return self.__original.__reduce_ex__(protocol)


class Replaceable:
    """A method and its async twin as a class of this project has them, for whose objects a crew's run looks for others."""

    def __init__(self, method: Callable[..., Any], twin: Callable[..., Any]) -> None:
        #: As it is in this project, whatever a test puts in its place.
        self.method: Final = method
        self._twin: Final = twin

    def is_replaced(self, original: Any) -> bool:
        """Return whether the class of an object has one of its own."""
        return self._found(original) != (self.method, self._twin)

    async def call(
        self,
        driver: Driver,
        original: Any,
        arguments: dict[str, Any],
        methods: Mapping[str, Any],
        twin_methods: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return what the one gives that fits the driver, called for the object with other `methods`, the twin with its own.

        A loop awaits the twin where that is replaced, else the method works in a thread.
        """
        found, found_twin = self._found(original)
        method = bound(found, StandIn(original, methods))
        twin = bound(found_twin, StandIn(original, twin_methods or methods))

        async def in_loop() -> Any:
            if found_twin is self._twin:
                return await in_thread(lambda: method(**arguments))
            return await twin(**arguments)

        return await driver.either(lambda: method(**arguments), in_loop)

    def _found(self, original: Any) -> tuple[Any, Any]:
        kind = type(original)
        return getattr(kind, self.method.__name__), getattr(kind, self._twin.__name__)


def bound(method: Any, owner: StandIn) -> Callable[..., Any]:
    """Return a method of `owner`; what a test puts in the place of one need not be a function."""
    made: Callable[..., Any] = method.__get__(owner) if hasattr(type(method), "__get__") else method
    return made
