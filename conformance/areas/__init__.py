"""The areas of the contract, in its order; each is a folder with all that there is of its clauses.

In the folder stand what a clause demands (`clauses.toml`), the deeds that show whether it holds (`scenarios`), the
verdict on frames (`checks`) or on what a scenario looked at (its `Expected`), and what proves that the verdict can be
bad (`saboteurs`).
"""

from __future__ import annotations

from typing import Final

AREAS: Final = (
    "envelope",
    "channel",
    "namespace",
    "order",
    "session",
    "result",
    "error",
    "cleanup",
    "scope",
    "entry",
    "llm",
    "turn",
    "flow",
    "replay",
)
