"""Where the recordings lie: inside the installed package, or in `cassettes` beside it in a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
_INSTALLED: Final = _HERE / "recordings"
_IN_A_CHECKOUT: Final = _HERE.parents[1] / "cassettes"


def shipped_folder() -> Path:
    """Return the folder of all recordings that come with the project: `<provider>/<scenario>/`."""
    return _INSTALLED if _INSTALLED.is_dir() else _IN_A_CHECKOUT


def shipped_providers() -> dict[str, Path]:
    """Return the folders of the providers, by their names as in `openai_responses`, in the order of their names."""
    return {folder.name: folder for folder in sorted(shipped_folder().iterdir()) if folder.is_dir()}


def shipped_recording(name: str) -> Path:
    """Return the folder of a recording by its name, as in `anthropic/thinking`, whether there is one or not."""
    return shipped_folder() / name
