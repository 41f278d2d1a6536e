"""What takes long to make and is the same for every scenario: made once, in the process that is copied."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from functools import reduce
from typing import Any, Final

from msgspec import Struct
from pydantic import BaseModel


class Made(Struct, frozen=True):
    """What a process has imported and built since `ready` was read, by names that another process can look up."""

    modules: tuple[str, ...]
    #: Module and qualified name of each model whose validator has been built: SDKs put that off until the first use.
    models: tuple[tuple[str, str], ...]


NOTHING: Final = Made((), ())


class Ready(Struct, frozen=True):
    """What a process has imported, and the models of that which are not yet built."""

    modules: frozenset[str]
    unbuilt: tuple[type[BaseModel], ...]

    def made_since(self) -> Made:
        """Return what has been added in this process."""
        modules = tuple(name for name in sys.modules if name not in self.modules)
        # Of modules that are new, all is told: what is built when it is imported is then not built again.
        models = _models() if modules else self.unbuilt
        return Made(
            modules, tuple((model.__module__, model.__qualname__) for model in models if model.__pydantic_complete__)
        )


def ready() -> Ready:
    """Return what there is in this process now."""
    return Ready(frozenset(sys.modules), tuple(model for model in _models() if not model.__pydantic_complete__))


def make(made: Made) -> None:
    """Import and build here what a copy had to, so that the next one need not."""
    for module in made.modules:
        # Not all that stands in sys.modules was imported by its name.
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    for module, path in made.models:
        # Models of functions and parametrised ones can't be looked up by their names.
        with contextlib.suppress(Exception):
            model: Any = reduce(getattr, path.split("."), sys.modules[module])
            if not model.__pydantic_complete__:
                model.model_rebuild()


def _models() -> Iterator[type[BaseModel]]:
    waiting, met = [BaseModel], {BaseModel}
    while waiting:
        for model in waiting.pop().__subclasses__():
            if model not in met:
                met.add(model)
                waiting.append(model)
                yield model
