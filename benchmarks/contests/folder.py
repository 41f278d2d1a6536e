"""Opening and closing every cassette of a folder."""

from __future__ import annotations

from benchmarks.contest import Contest, Contestant, Ratio, Settings


def contest(settings: Settings) -> Contest:
    """Return the contest of players over the folder that the settings name; nobody takes part where they name none."""
    title = "Opening and closing every cassette of a folder"
    if settings.cassettes is None:
        return Contest("folder", f"{title} (none was given: --cassettes DIR)", "s", ())
    folder = str(settings.cassettes.resolve())
    return Contest(
        "folder",
        title,
        "s",
        (
            Contestant("harness", "folder.py", ("harness", folder)),
            Contestant("vcrpy", "folder.py", ("vcrpy", folder)),
            Contestant("cassetter", "folder.py", ("cassetter", folder), "cassetter"),
        ),
        (Ratio("vcrpy", "harness", ("at least", 1)), Ratio("cassetter", "harness")),
    )
