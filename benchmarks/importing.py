"""What `import harness` costs in a fresh interpreter."""

from __future__ import annotations

from benchmarks.contest import Contest, Contestant, Ratio, Settings


def contest(settings: Settings) -> Contest:
    """Return the contest of importing this project and importing pydantic, on which it stands.

    `import pydantic` alone loads next to nothing of it: the names are imported when they are asked for.
    """
    del settings
    return Contest(
        "importing",
        "Importing",
        "ms",
        (
            Contestant("import harness", "importing.py", ("harness",)),
            Contestant("from pydantic import BaseModel", "importing.py", ("pydantic", "BaseModel")),
            Contestant("import pydantic", "importing.py", ("pydantic",)),
        ),
        (
            Ratio("import harness", "from pydantic import BaseModel", ("at most", 2)),
            Ratio("import harness", "import pydantic"),
        ),
    )
