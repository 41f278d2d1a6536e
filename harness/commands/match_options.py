"""The options that say what of requests is compared and kept, beside what `[tool.harness]` says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from harness.recording.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

#: Option → the setting that it adds to.
_LISTS = {"ignored": "match_ignore", "compared_headers": "match_headers", "filters": "match_by", "kept": "keep_headers"}


def matching_options(command: F) -> F:
    """Give a command the options; their values come as keyword arguments, which `settings_of` takes."""
    for option in (
        click.option(
            "--match-by", "filters", multiple=True, metavar="module:function", help="Returns a request as compared."
        ),
        click.option(
            "--match-header", "compared_headers", multiple=True, metavar="NAME", help="Compare this header, too."
        ),
        click.option(
            "--normalize",
            "normalized",
            multiple=True,
            callback=_pairs,
            metavar="PATH=REGEX",
            help="What the pattern matches in texts at this JSON path of a body is not compared.",
        ),
        click.option(
            "--ignore",
            "ignored",
            multiple=True,
            metavar="PATH",
            help="What is at this JSON path of a body is not compared.",
        ),
    ):
        command = option(command)
    return command


keep_option = click.option(
    "--keep-header",
    "kept",
    multiple=True,
    metavar="NAME",
    help="Keep this header; with - at its end, all that begin so.",
)


def settings_of(options: dict[str, Any]) -> Settings | None:
    """Return what was given, as settings; None where nothing was."""
    from harness.recording.settings import Settings

    values: dict[str, Any] = {name: options[option] for option, name in _LISTS.items() if options.get(option)}
    if options.get("normalized"):
        values["match_normalize"] = options["normalized"]
    return Settings(**values) if values else None


def replay_options(options: dict[str, Any]) -> list[str]:
    """Return the arguments that have a replay compare in the same way."""
    flags = {"ignored": "--ignore", "compared_headers": "--match-header", "filters": "--match-by"}
    arguments = [
        part for option, flag in flags.items() for value in options.get(option) or () for part in (flag, value)
    ]
    pairs = options.get("normalized") or {}
    return arguments + [part for path, pattern in pairs.items() for part in ("--normalize", f"{path}={pattern}")]


def _pairs(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for value in values:
        path, equals, pattern = value.partition("=")
        if not (path and equals):
            raise click.BadParameter(f"{value!r}: expected PATH=REGEX, as in 'messages[*].content=[0-9]{{4}}'")
        pairs[path] = pattern
    return pairs
