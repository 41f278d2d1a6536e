"""`harness record`: run a target, and write one recording."""

from __future__ import annotations

import atexit
import json
import shlex
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.commands.match_options import keep_option, matching_options, replay_options, settings_of
from harness.commands.output import WRITTEN, json_option, tell, text_stream, traceback_option, write_json
from harness.commands.progress import at_work
from harness.commands.run_text import RunText

if TYPE_CHECKING:
    from harness.commands.check import Checked
    from harness.errors import UnsafeRecordingError
    from harness.recording import Recorded

_MODES = ("none", "once", "new", "all")


def _parsed_inputs(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    from harness.recording.files.bounds import DEEPEST_JSON, json_problem

    inputs: dict[str, Any] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"{value!r}: expected K=JSON, as in topic='\"agents\"' or count=3")
        # Around it stand the inputs, and what the recording says beside them.
        problem = json_problem(text, DEEPEST_JSON - 2)
        if problem is not None:
            raise click.BadParameter(f"{name}: {problem}; no recording holds that")
        try:
            inputs[name] = json.loads(text)
        except ValueError as error:
            raise click.BadParameter(
                f"{value!r}: {text!r} is not JSON ({error}); text needs quotes: {name}='\"…\"'"
            ) from error
        if not _is_kept({name: inputs[name]}):
            raise click.BadParameter(
                f"{value!r}: no recording holds that; expected text in UTF-8, and numbers that are finite and, where they "
                "are whole, of 64 bits"
            )
    return inputs


def _kept_text(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    texts = value if isinstance(value, tuple) else (value,)
    for text in texts:
        if not _is_kept(text):
            raise click.BadParameter(f"{text!r}: no recording holds that; expected text in UTF-8")
    return value


def _is_kept(value: Any) -> bool:
    """Whether a recording gives a value back as it was given."""
    import orjson

    try:
        return bool(orjson.loads(orjson.dumps(value)) == value)
    except TypeError:
        return False


@click.command()
@click.argument("target", required=False)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    callback=_parsed_inputs,
    metavar="K=JSON",
    help="An input of the run; repeatable.",
)
@click.option(
    "--turn",
    "turns",
    multiple=True,
    callback=_kept_text,
    metavar="TEXT",
    help="A message of a conversation; repeatable.",
)
@click.option(
    "--entry",
    callback=_kept_text,
    metavar="NAME",
    help="The method that starts the session, in place of the natural one.",
)
@click.option("--runtime", type=click.Choice(["harness", "crewai"]), help="The runtime that the target must belong to.")
@click.option(
    "--mode",
    type=click.Choice(_MODES),
    default="once",
    show_default=True,
    help="once records where nothing stands, and plays what does; new plays what is there and records the rest; all "
    "records anew; none only plays.",
)
@click.option("--base-url", metavar="URL", help="Send requests there; the URL that was asked for is recorded.")
@click.option(
    "--origin",
    type=click.Choice(["live", "authored"]),
    default="live",
    help="Who answers: a provider, or a server of yours.",
)
@click.option("-o", "--output", "out", type=WRITTEN, required=True, metavar="DIR", help="The recording's folder.")
@click.option(
    "--accept", "accepts", is_flag=True, help="Run nothing: publish the latest recording that was kept aside of DIR."
)
@click.option(
    "--check/--no-check",
    "checks",
    default=None,
    help="Replay at once what was recorded, and say whether it holds and why not; without either, as [tool.harness] says.",
)
@traceback_option
@matching_options
@keep_option
@json_option
def record(
    target: str | None,
    inputs: dict[str, Any],
    turns: tuple[str, ...],
    entry: str | None,
    runtime: str | None,
    mode: Any,
    base_url: str | None,
    origin: Any,
    out: Path,
    accepts: bool,
    checks: bool | None,
    with_traceback: bool,
    json_file: Path | None,
    **matching: Any,
) -> int:
    """Run TARGET (package.module:attribute) for real, stream its text, and write one recording.

    What the model thinks and the tools that it asks for go to stderr, apart from the text.

    A recording that can't take its place in DIR is kept beside it, and the last lines say where and why: the scan found
    something in it, its run ended worse than that of the one that stands, or another process was faster.

    With --check the run is made a second time, from the recording, in a process of its own.

    \b
    Example:
      harness record my_app:PlanFlow --input topic='"tides"' -o recordings/plan
      harness record --accept -o recordings/plan

    \b
    JSON: {"format": "harness.record/1", "path", "written", "aside", "frames",
    "interactions", "status", "error", "recording",
    "check": null or {"holds", "reasons"}}
    """
    from harness.commands.check import check, replay_command
    from harness.errors import UnsafeRecordingError
    from harness.recording import Redactor, Target, accept, counted, network_guard, record
    from harness.recording.settings import current_settings, extended

    if accepts:
        return _accepted(accept(out, target=target), json_file)
    if target is None:
        raise click.UsageError("Missing argument 'TARGET': what to run, as package.module:attribute")
    # What goes wrong in a run may tell of a credential, as what is written of it may not.
    redacted = Redactor().text
    out_stream = text_stream(json_file)
    shown = RunText(out_stream)
    refused: UnsafeRecordingError | None = None
    with extended(settings_of(matching)), shown.watch(target):
        try:
            recorded = record(
                Target(target, entry, inputs, turns),
                out,
                mode=mode,
                base_url=base_url,
                origin=origin,
                runtime=runtime,
                on_text=shown.text,
                on_aside=shown.aside,
                on_note=lambda note: tell(redacted(note)),
            )
        except UnsafeRecordingError as error:
            refused, recorded = error, error.recorded
    if not recorded.written and recorded.aside is None:
        # As after a replay: what the run has left for the end of the process comes after this.
        atexit.register(network_guard().__enter__)
    outcome = recorded.recording.outcome
    status = outcome.status if outcome is not None else "cancelled"
    tell("", file=out_stream)
    frames, requests = counted(recorded.frames, "frame"), counted(recorded.interactions, "request")
    tell(f"{_done(recorded)} {frames}, {requests}: {recorded.aside or out}")
    if recorded.error is not None:
        tell(redacted(_ended(recorded.error, status)))
        for note in getattr(recorded.error, "__notes__", ()):
            tell(redacted(f"  {note}"))
        if with_traceback:
            tell(redacted("".join(traceback.format_exception(recorded.error))), lines=True)
    checked = None
    place = recorded.aside or out
    if isinstance(recorded.error, KeyboardInterrupt) or refused is not None:
        pass
    elif current_settings().check if checks is None else checks:
        with at_work(f"replaying {place}"):
            checked = check(place, target, replay_options(matching))
        tell("checked: it replays as it was recorded" if checked.holds else "checked: it does not replay as recorded:")
        for reason in checked.reasons:
            tell(f"  {reason}")
    elif recorded.aside is not None:
        pass  # what has been said of it names what can be done with it
    elif recorded.again:
        tell("there is nothing in it to replay yet; when that is mended, the same command records it again")
    else:
        tell(f"replay it with: {shlex.join(replay_command(place, *replay_options(matching)))}", wrap=False)
    write_json(json_file, _document(recorded, checked))
    if refused is not None:
        raise refused
    return _code(recorded, checked)


def _done(recorded: Recorded) -> str:
    if recorded.aside is not None:
        return "recorded, and kept aside:"
    return "recorded" if recorded.written else "played what was recorded, and left it as it was:"


def _code(recorded: Recorded, checked: Checked | None) -> int:
    if isinstance(recorded.error, KeyboardInterrupt):
        return 130
    held = checked is None or checked.holds
    return 0 if recorded.error is None and recorded.aside is None and held else 1


def _ended(error: BaseException, status: str) -> str:
    from harness.errors import error_text
    from harness.recording import line_in_user_code

    if isinstance(error, KeyboardInterrupt):
        return "the run was interrupted; the same command records it again"
    line = line_in_user_code(error)
    return f"the run {status}: {type(error).__name__}: {error_text(error)}" + (f", at {line}" if line else "")


def _accepted(recorded: Recorded, json_file: Path | None) -> int:
    tell(f"accepted {recorded.aside}: it is {recorded.path} now")
    write_json(json_file, _document(recorded))
    return 0


def _document(recorded: Recorded, checked: Checked | None = None) -> dict[str, Any]:
    outcome = recorded.recording.outcome
    return {
        "format": "harness.record/1",
        "path": str(recorded.path),
        "written": recorded.written,
        "aside": None if recorded.aside is None else str(recorded.aside),
        "frames": recorded.frames,
        "interactions": recorded.interactions,
        "status": "cancelled" if outcome is None else outcome.status,
        "error": None if outcome is None else outcome.error,
        "recording": recorded.recording.model_dump(mode="json"),
        "check": None if checked is None else asdict(checked),
    }
