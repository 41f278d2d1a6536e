"""How often Python looks for garbage while a command holds much that is none."""

from __future__ import annotations

import atexit
import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def few_collections() -> Iterator[None]:
    """Have Python look for cycles less often: among the modules of several SDKs, or the values of many frames, that takes
    half of the time, and commands leave few.
    """
    before = gc.get_threshold()
    # All SDKs together make less than half as many objects that Python would look at.
    gc.set_threshold(1_000_000, 5, 5)
    # At its end Python looks for cycles among all that is loaded, though it is about to forget it.
    atexit.register(gc.freeze)
    try:
        yield
    finally:
        # Python would look at once at all that there is now; taken for old, it is looked at when there is more.
        if gc.isenabled():
            gc.freeze()
            gc.unfreeze()
        gc.set_threshold(*before)
