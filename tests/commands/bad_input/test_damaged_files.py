"""Recordings that were damaged in any way: every command ends in a clear line and with an exit code of its own."""

from __future__ import annotations

import copy
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from harness.errors import HarnessError
from harness.recording.export import PROTOCOLS
from harness.recording.serve.served import Answers, load_served
from harness.recording.wire import WireRequest
from harness.shipped import shipped_folder
from tests.commands.command_line import Run

#: What stands in the place of a value that is of another type, or of none that anybody expects.
_DEEP: Final = json.loads("[" * 90 + "]" * 90)
_VALUES: Final[tuple[Any, ...]] = (
    None, True, 0, -1, 0.5, 10**30, 10**400, float("inf"), float("nan"), "", "x", "9" * 5000, "²", "\ud83d", "\x1b[31m",
    "a" * 10_000, [], {}, [None], {"a": None}, [[1, 2, 3]], _DEEP, "2020-01-01T00:00:00Z",
)  # fmt: skip
_INSERTED: Final = (
    b"\x00", b"\xff", b"[" * 200, b'{"a":' * 300, b"9" * 5000, b"\n", b"&a *a", b"!!python/object:os.system x", b'"', b"\r",
)  # fmt: skip
_FILES: Final = ("recording.json", "cassette.yaml", "frames.jsonl")


def swapped(content: bytes, name: str, dice: random.Random) -> bytes:
    """Return a file with one value in it replaced, taken away or added; in a cassette, also one within a body."""
    if name == "frames.jsonl":
        lines = content.splitlines()
        at = dice.randrange(len(lines))
        lines[at] = _json(_changed(json.loads(lines[at]), dice))
        return b"\n".join(lines) + b"\n"
    if name == "recording.json":
        return _json(_changed(json.loads(content), dice))
    document = yaml.load(content, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    if dice.random() < 0.4:
        part = dice.choice(document["interactions"])["request"]
        part["body"] = _json(_changed(json.loads(part["body"]), dice)).decode()
    elif dice.random() < 0.4:
        _change_event(dice.choice(document["interactions"])["response"], dice)
    else:
        document = _changed(document, dice)
    return (
        _json(document)
        if dice.random() < 0.5
        else yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "replace")
    )


def _change_event(response: dict[str, Any], dice: random.Random) -> None:
    """Change one event of a streamed answer, chunk marks taken away."""
    text = response["body"].get("string")
    events = text.split("\n\n") if isinstance(text, str) else []
    places = [at for at, event in enumerate(events) if event.startswith("data: {") and "\n" not in event]
    if places:
        at = dice.choice(places)
        events[at] = "data: " + _json(_changed(json.loads(events[at][6:]), dice)).decode()
        response["body"] = {"string": "\n\n".join(events)}
        del response["ended"]


def _changed(value: Any, dice: random.Random) -> Any:
    changed = copy.deepcopy(value)
    *above, last = dice.choice(list(_places(changed)))
    around = changed
    for key in above:
        around = around[key]
    how = dice.random()
    if how < 0.1:
        del around[last]
    elif how < 0.2 and isinstance(around, dict):
        around["strange"] = dice.choice(_VALUES)
    else:
        around[last] = dice.choice(_VALUES)
    return changed


def _places(value: Any) -> Iterator[tuple[Any, ...]]:
    keys: Any = value if isinstance(value, dict) else range(min(len(value), 3)) if isinstance(value, list) else ()
    for key in keys:
        yield (key,)
        yield from ((key, *rest) for rest in _places(value[key]))


def _json(value: Any) -> bytes:
    return json.dumps(value, default=lambda part: part.decode("latin-1")).encode()


def cut(content: bytes, name: str, dice: random.Random) -> bytes:
    return content[: dice.randrange(len(content))]


def flipped(content: bytes, name: str, dice: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(dice.randint(1, 8)):
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def inserted(content: bytes, name: str, dice: random.Random) -> bytes:
    at = dice.randrange(len(content))
    return content[:at] + dice.choice(_INSERTED) + content[at:]


def repeated(content: bytes, name: str, dice: random.Random) -> bytes:
    at = dice.randrange(len(content))
    return content[: at + dice.randrange(200)] + content[at:]


#: Values are half of it: what is torn is told by the first parser that sees it.
_WAYS: Final = (swapped, swapped, swapped, swapped, cut, flipped, inserted, repeated)


def _damaged(folder: Path, seed: int) -> tuple[Path, Path]:
    """Make a copy of a shipped recording, or of its cassette alone, with one file damaged; return it and the original."""
    dice = random.Random(seed)
    original = dice.choice(sorted(path.parent for path in shipped_folder().rglob("recording.json")))
    damaged = Path(shutil.copytree(original, folder / "damaged"))
    name = dice.choice(_FILES)
    if dice.random() < 0.3:
        name = "cassette.yaml"
        for other in ("recording.json", "frames.jsonl"):
            (damaged / other).unlink()
    path = damaged / name
    path.write_bytes(dice.choice(_WAYS)(path.read_bytes(), name, dice))
    return (damaged if (damaged / "recording.json").exists() else path), original


def check(run: Run, folder: Path, seed: int) -> None:
    """Give what one seed damages to every command that reads it."""
    damaged, original = _damaged(folder, seed)
    replayed = run("replay", damaged, "--json", folder / "report.json")
    document = json.loads((folder / "report.json").read_text())
    statuses = {one["status"] for one in document["results"]}
    if "error" in statuses or not statuses & {"passed", "failed"}:
        assert replayed.code == 2
    else:
        assert replayed.code == int("failed" in statuses)
    assert replayed.err == ""
    assert "a fault of its own" not in replayed.out
    assert all(one["message"] for one in document["results"] if one["status"] != "passed")
    to = PROTOCOLS[seed % len(PROTOCOLS)]
    for arguments in (
        ("show", damaged),
        ("diff", damaged, original),
        ("scan", damaged),
        ("export", damaged, "--to", to, *(("--content",) if to == "otel" else ())),
        ("show", damaged, "--html", folder / "page.html"),
    ):
        ended = run(*arguments)
        assert ended.code in (0, 1, 2), arguments
        # What can't be shown is told in one line.
        assert ended.err.count("\n") == (1 if ended.err else 0), arguments
        assert ended.out or ended.err.startswith("error: "), arguments
        assert ended.code == 2 or not ended.err, (arguments, ended.err)
    try:
        answers = Answers(load_served(damaged))
    except HarnessError as error:
        assert str(error)
    else:
        assert answers.answer(WireRequest("POST", "http://127.0.0.1/v1", (), b"{}")).status in (*range(1000),)


@pytest.mark.parametrize("seed", range(24))
def test_every_command_ends_in_a_clear_line(run: Run, tmp_path: Path, seed: int) -> None:
    check(run, tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("hundred", range(20))
def test_every_command_ends_in_a_clear_line_for_long(run: Run, tmp_path: Path, hundred: int) -> None:
    for seed in range(1_000 + hundred * 100, 1_100 + hundred * 100):
        folder = tmp_path / str(seed)
        folder.mkdir()
        check(run, folder, seed)
