"""`python -m benchmarks`: runs contests and shows them. Exit code 0, 1 where a script failed, 2 for wrong usage.

No exit code depends on a time: whether a ratio is as wanted is shown, and left to a person who knows the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.contest import Contest, Outcome, Settings, hold
from benchmarks.contests import recordings, runs, streams
from benchmarks.peers import PEERS, installed_version
from benchmarks.report import as_json, show

#: By name; those that depend on settings are made with them.
CONTESTS: Final[dict[str, Contest | Callable[[Settings], Contest]]] = {
    "frames": streams.frames,
    "stages": streams.stages,
    "closing": streams.CLOSING,
    "importing": runs.IMPORTING,
    "memory": streams.memory,
    "methods": runs.METHODS,
    "first-frame": runs.FIRST_FRAME,
    "crews": runs.CREWS,
    "turns": runs.TURNS,
    "late-turns": runs.LATE_TURNS,
    "providers": streams.PROVIDERS,
    "first-byte": streams.FIRST_BYTE,
    "matching": recordings.MATCHING,
    "folder": recordings.folder,
    "comparing": recordings.COMPARING,
    "suite": recordings.suite,
    "size": recordings.size,
    "size-memory": recordings.size_memory,
}


def main(arguments: list[str] | None = None) -> int:
    """Run what the arguments ask for and return the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in CONTESTS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(CONTESTS)}")
    interpreters = {peer: path for peer in PEERS if (path := getattr(options, peer.replace("-", "_"))) is not None}
    try:
        versions = {peer: installed_version(path, peer) for peer, path in interpreters.items()}
    except LookupError as error:
        parser.error(str(error))
    console = Console(stderr=options.json == "-", soft_wrap=True)
    watched = Console(stderr=True)
    settings = Settings(options.runs, options.chunks, options.cassettes, options.interactions)
    outcomes: list[Outcome] = []
    for name in options.names or CONTESTS:
        with watched.status(name) as status:
            tell: Callable[[str], None] = status.update if watched.is_terminal else lambda _: None
            found = CONTESTS[name]
            contest = found if isinstance(found, Contest) else found(settings)
            outcomes.append(hold(contest, settings.runs, interpreters, tell))
        show(outcomes[-1], console)
    if options.json is not None:
        _write(options.json, json.dumps(as_json(outcomes, versions, settings.runs), indent=2, ensure_ascii=False))
    return 1 if any(outcome.failed for outcome in outcomes) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="How fast this project is, beside its peers: medians of alternating runs, and ratios.",
        epilog="example: python -m benchmarks frames stages --crewai envs/crewai/bin/python",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which to run, by default all: {', '.join(CONTESTS)}")
    parser.add_argument("--runs", type=_positive, default=5, help="turns for each contestant (default %(default)s)")
    parser.add_argument("--chunks", type=_positive, default=100_000, help="chunks per stream (default %(default)s)")
    parser.add_argument(
        "--interactions",
        type=_positive,
        default=recordings.INTERACTIONS,
        help="interactions that are replayed (default %(default)s)",
    )
    parser.add_argument(
        "--cassettes",
        type=Path,
        metavar="DIR",
        default=_cassettes(),
        help="the folder to open (default $HARNESS_CORPUS)",
    )
    for peer, distribution in PEERS.items():
        parser.add_argument(f"--{peer}", type=Path, metavar="PYTHON", help=f"an interpreter that has {distribution}")
    parser.add_argument(
        "--json", metavar="FILE", help="write all numbers there; - is stdout, with the tables on stderr"
    )
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above zero")
    return int(text)


def _cassettes() -> Path | None:
    folder_name = os.environ.get("HARNESS_CORPUS")
    return Path(folder_name) if folder_name else None


def _write(target: str, text: str) -> None:
    if target == "-":
        print(text)
    else:
        Path(target).write_text(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
