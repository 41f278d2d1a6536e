"""How a crew goes through its tasks."""

from __future__ import annotations

from enum import StrEnum


class Process(StrEnum):
    """Each task by its own agent, in their order; or all by a manager, who hands work to the agents."""

    sequential = "sequential"
    hierarchical = "hierarchical"
