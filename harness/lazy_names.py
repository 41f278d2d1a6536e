"""Packages whose public names are loaded when they are first used, so that a program loads what it uses."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(
    package: str, names: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return `__getattr__`, `__dir__` and `__all__` of a package, whose `names` are, by module, those that come from it.

    Under the package itself stand those of its modules that are public. A name that has been used is an attribute of the
    package like any other. A type checker is shown the imports themselves instead, under `if TYPE_CHECKING`.
    """
    module_of = {name: module for module, listed in names.items() for name in listed.split()}
    attributes = vars(sys.modules[package])

    def load(name: str) -> Any:
        module = module_of.get(name)
        if module is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if module == package:
            return import_module(f"{package}.{name}")
        value = attributes[name] = getattr(import_module(module), name)
        return value

    return load, lambda: sorted({*attributes, *module_of}), sorted(module_of)
