"""What `import harness` costs in a fresh interpreter."""

from __future__ import annotations

from benchmarks.contest import Contest, Contestant, Ratio, Settings


def contest(settings: Settings) -> Contest:
    """Return the contest of importing this project and importing pydantic, on which it stands.

    Both packages load their modules when a name is first asked for, so that names are measured, too.
    """
    del settings
    return Contest(
        "importing",
        "Importing",
        "ms",
        (
            Contestant("import harness", "importing.py", ("harness",)),
            Contestant("import pydantic", "importing.py", ("pydantic",)),
            Contestant("from harness import StreamSession", "importing.py", ("harness", "StreamSession")),
            Contestant("from harness import Flow, LLM", "importing.py", ("harness", "Flow, LLM")),
            Contestant("from pydantic import BaseModel", "importing.py", ("pydantic", "BaseModel")),
        ),
        (
            Ratio("import harness", "import pydantic", ("at most", 2)),
            Ratio("from harness import StreamSession", "from pydantic import BaseModel", ("at most", 2)),
            Ratio("from harness import Flow, LLM", "from pydantic import BaseModel", ("at most", 2)),
        ),
    )
