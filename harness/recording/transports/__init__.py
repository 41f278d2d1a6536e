"""The HTTP libraries through which requests reach a tape, each patched once per process and for good.

A patched library asks `harness.recording.tape.tape` about each request. Where no tape is open and the network is not
blocked, the request goes straight through.

To add one: a module here with `install()`, which patches what its row names, and a row.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, cast

__all__ = ["install"]

#: The library, and the module here that patches it by its name.
_PATCHED_BY = {
    "httpx": "harness.recording.transports.httpx",
    "httpx2": "harness.recording.transports.httpx",
    "urllib3": "harness.recording.transports.urllib3",
    "aiohttp": "harness.recording.transports.aiohttp",
    # urllib.request stands on it.
    "http.client": "harness.recording.transports.http_client",
    # What none of the above opens.
    "socket": "harness.recording.transports.sockets",
    # Its sockets are not Python's.
    "uvloop": "harness.recording.transports.uvloop",
}

_lock = threading.Lock()
_patched: set[str] = set()


def install() -> None:
    """Patch every known HTTP library that is imported, and see to it that each other one is patched where it is imported.

    Safe to call again, from any thread.
    """
    with _lock:
        if sys.meta_path[:1] != [_finder]:
            # Before those of others, which may find a library, too.
            sys.meta_path[:] = [_finder, *(finder for finder in sys.meta_path if finder is not _finder)]
    for library in _PATCHED_BY:
        if library not in _patched and _is_loaded(sys.modules.get(library)):
            # Another thread may still be at it: this waits until it is imported.
            _patch(library, import_module(library))


def _is_loaded(module: ModuleType | None) -> bool:
    """Whether something has been loaded: what somebody has put in a library's place, as tests do, has no spec or no loader."""
    spec = getattr(module, "__spec__", None)
    return isinstance(spec, ModuleSpec) and spec.loader is not None


def _patch(library: str, module: ModuleType) -> None:
    # Not under the lock: what this imports may be what another thread imports, who will ask for the lock, too.
    patcher = import_module(_PATCHED_BY[library])
    with _lock:
        if library not in _patched:
            patcher.install(module)
            _patched.add(library)


class _Finder(MetaPathFinder):
    """Finds what others find, and has it patched before anybody gets it who imports it."""

    def __init__(self) -> None:
        #: What is being looked for, by thread.
        self._searches: set[tuple[int, str]] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        search = (threading.get_ident(), fullname)
        # Another finder may ask all the others, too, as those that trace or check modules do.
        if fullname not in _PATCHED_BY or fullname in _patched or search in self._searches:
            return None
        self._searches.add(search)
        try:
            # Python passes over finders of the old kind as well.
            others = [finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec")]
            spec = next(filter(None, (finder.find_spec(fullname, path, target) for finder in others)), None)
        finally:
            self._searches.discard(search)
        # A loader of the old kind loads by itself.
        if spec is not None and spec.loader is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = cast(Loader, _PatchingLoader(spec.loader))
        return spec


class _PatchingLoader:
    """The loader of a library, until that is loaded."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def exec_module(self, module: Any) -> None:
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        _patch(module.__name__, module)


_finder = _Finder()
