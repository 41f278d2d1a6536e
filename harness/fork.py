"""What a process does that was forked from this one, where the system forks."""

from __future__ import annotations

import os
from collections.abc import Callable


def after_fork(action: Callable[[], None]) -> None:
    """Have `action` called in every process that is forked from now on, before anything else of it; Windows forks none."""
    register = getattr(os, "register_at_fork", None)
    if register is not None:
        register(after_in_child=action)
