"""An integration of a provider, as its recordings show it: those that come with the project, or a folder of one's own."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import ClassVar, Final

from msgspec import Struct

from conformance.providers.runs import AnsweredCall, RecordedRun, load_run
from harness.errors import UnreadableRecordingError, UsageError
from harness.recording import Trust, link_problem, pack_of, recordings_below
from harness.shipped import shipped_providers

#: The package that a module comes with, where its own name does not say so.
_OURS: Final = {"harness": "stream-harness"}


class Integration(Struct, frozen=True, dict=True):
    """The integration under test."""

    tests: ClassVar = "integration"
    #: As it was asked for: a provider's name, or the name of a folder.
    name: str
    runs: tuple[RecordedRun, ...]

    @cached_property
    def calls(self) -> tuple[AnsweredCall, ...]:
        """Every recorded call."""
        return tuple(call for run in self.runs for call in run.calls)

    @cached_property
    def shapes(self) -> tuple[tuple[RecordedRun, AnsweredCall], ...]:
        """The calls to do faults to: of those that answered with the same kinds of pieces, the one in most chunks.

        What failed when it was recorded is not among them, but for a call that was refused; nor is an answer that was
        left before its end, since nobody knows what was to come.
        """
        found: dict[object, tuple[RecordedRun, AnsweredCall]] = {}
        for run in self.runs:
            for call in run.calls:
                facts = call.facts
                left = call.response.ended.how == "cancelled"
                if left or facts.error_event or not (facts.ended_at_marker or call.was_refused):
                    continue
                shape = (call.wire_format, call.streamed, call.was_refused, facts.kinds, len(facts.tool_calls) > 1)
                if shape not in found or _telling(run, call) > _telling(*found[shape]):
                    found[shape] = (run, call)
        return tuple(found.values())

    @cached_property
    def capabilities(self) -> frozenset[str]:
        """What the recordings claim: tools where the model was given any or asked for one, thinking where it thought."""
        facts = [fact for call in self.calls for fact in (call.facts, call.shown)]
        found = {"llm"}
        if any(call.has_tools for call in self.calls) or any(fact.tool_calls for fact in facts):
            found.add("tools")
        if any(fact.thinking for fact in facts):
            found.add("thinking")
        return frozenset(found)

    @cached_property
    def version(self) -> str:
        """The versions of the packages that the targets are in, where they are installed as such."""
        modules = dict.fromkeys(run.target.name.partition(":")[0].partition(".")[0] for run in self.runs)
        return ", ".join(dict.fromkeys(map(_version, modules)))


def _version(module: str) -> str:
    with suppress(metadata.PackageNotFoundError):
        return metadata.version(_OURS.get(module, module))
    # This reads what every installed package says of itself, and takes a while.
    for package in metadata.packages_distributions().get(module, ()):
        with suppress(metadata.PackageNotFoundError):
            return metadata.version(package)
    return "unversioned"


def _telling(run: RecordedRun, call: AnsweredCall) -> tuple[bool, int]:
    # What goes wrong in one call of several is told by the run and not by the call.
    return len(run.calls) == 1, len(call.response.chunks)


def load_integration(name: str, trust: Trust | None = None) -> Integration:
    """Return the recordings that `name` stands for: a provider's name, or the path of a recording or a folder of them.

    `trust` says what their targets may be; without it, what the project of the current folder vouches for.

    Raises:
        UsageError: there is nothing by that name, or no recording in it that ran to its end.
        UnreadableRecordingError: one of them can't be read.
    """
    known = shipped_providers()
    # A folder of one's own may have a provider's name; then it is asked for as a path.
    folder = known.get(name.replace("-", "_"), Path(name))
    folders = list(recordings_below(folder, cassettes=False)) if folder.exists() or pack_of(folder) else []
    if not folders:
        raise UsageError(
            f"provider {name!r}: no recordings there; name one of {', '.join(known)}, or a recording or a folder of "
            "recordings, as harness record makes them"
        )
    for link in folders:
        if link.is_symlink():
            raise UnreadableRecordingError(f"'{link}' {link_problem(link)}")
    trusted = trust or Trust.here()
    runs = tuple(run for folder in folders if (run := load_run(folder, trusted)) is not None)
    if not runs:
        raise UsageError(f"provider {name!r}: every recording in '{folder}' was closed early; record one to its end")
    shown = folder.resolve().name
    return Integration(
        shown.replace("_", "-") if folder.resolve() in map(Path.resolve, known.values()) else shown, runs
    )
