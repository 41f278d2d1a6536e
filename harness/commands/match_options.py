"""The options that say what of requests is compared and kept, beside what `[tool.harness]` says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from harness.recording.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


def _pairs(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for value in values:
        path, equals, pattern = value.partition("=")
        if not (path and equals):
            raise click.BadParameter(f"{value!r}: expected PATH=REGEX, as in 'messages[*].content=[0-9]{{4}}'")
        pairs[path] = pattern
    return pairs


#: Option → the setting that it adds to, and its help.
_OPTIONS = {
    "--ignore": ("match_ignore", "PATH", "What is at this JSON path of a body is not compared."),
    "--normalize": (
        *("match_normalize", "PATH=REGEX"),
        "What the pattern matches in texts at this JSON path of a body is not compared.",
    ),
    "--match-header": ("match_headers", "NAME", "Compare this header, too."),
    "--match-by": ("match_by", "module:function", "Returns a request as compared."),
}


def matching_options(command: F) -> F:
    """Give a command the options; their values come as keyword arguments, which `settings_of` takes."""
    for flag, (setting, metavar, text) in reversed(_OPTIONS.items()):
        callback = _pairs if flag == "--normalize" else None
        command = click.option(flag, setting, multiple=True, callback=callback, metavar=metavar, help=text)(command)
    return command


keep_option = click.option(
    "--keep-header",
    "keep_headers",
    multiple=True,
    metavar="NAME",
    help="Keep this header; with - at its end, all that begin so.",
)


def settings_of(options: dict[str, Any]) -> Settings | None:
    """Return what was given, as settings; None where nothing was."""
    from harness.recording.settings import Settings

    given = {setting: value for setting, value in options.items() if value}
    return Settings(**given) if given else None


def replay_options(options: dict[str, Any]) -> list[str]:
    """Return the arguments that have a replay compare in the same way."""
    arguments = []
    for flag, (setting, _, _) in _OPTIONS.items():
        values = options[setting]
        each = [f"{path}={pattern}" for path, pattern in values.items()] if isinstance(values, dict) else values
        arguments += [part for value in each for part in (flag, value)]
    return arguments
