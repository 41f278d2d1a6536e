"""The viewer that is shipped is what its sources make."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from harness.commands import show
from harness.frames.channels import CHANNELS
from tests.optional import of_checkout

#: What `build.mjs` reads beside `src`, in its order.
_FILES: Final = ("build.mjs", "package-lock.json", "package.json")
#: What texts stand on.
_GROUNDS: Final = ("ground", "card", "sunk", "chosen", "error-ground")
_AGAIN: Final = "build it again: cd viewer && npm ci && npm run build"


def _built() -> str:
    return (of_checkout("viewer").parent / "harness" / "viewer" / "viewer.html").read_text("utf-8")


def test_the_page_belongs_to_its_sources() -> None:
    folder = of_checkout("viewer")
    digest = hashlib.sha256()
    for name in (*_FILES, *(f"src/{path.name}" for path in sorted((folder / "src").iterdir()))):
        digest.update(f"{name}\n".encode() + (folder / name).read_bytes() + b"\n")

    assert f"sources: {digest.hexdigest()} -->" in _built(), _AGAIN


def test_the_page_has_the_licence_of_each_package_that_is_in_it() -> None:
    packages = json.loads((of_checkout("viewer") / "package.json").read_text("utf-8"))["dependencies"]
    notices = _built().partition("</html>")[2]
    named = {name for names in re.findall(r"^([@\w/, -]+):$", notices, re.MULTILINE) for name in names.split(", ")}

    assert packages.keys() <= named
    assert len(re.findall(r"^Copyright .*\d{4}", notices, re.MULTILINE)) >= 4


def test_each_channel_has_a_lane_here_and_in_the_terminal_and_a_colour_by_day_and_by_night() -> None:
    sources = of_checkout("viewer") / "src"
    lanes = re.search(r"CHANNELS = (\[.*?\])", (sources / "model.js").read_text("utf-8"))
    style = (sources / "style.css").read_text("utf-8")

    assert lanes is not None
    assert set(json.loads(lanes[1])) == set(CHANNELS) == set(show._CHANNELS)
    assert {name: len(re.findall(rf"--{name}: #", style)) for name in CHANNELS} == dict.fromkeys(CHANNELS, 2)


def test_what_is_written_is_readable_on_each_ground_by_day_and_by_night() -> None:
    style = (of_checkout("viewer") / "src" / "style.css").read_text("utf-8")
    schemes = [dict(re.findall(r"--([a-z-]+): #([0-9a-f]{6})", block)) for block in style.split(":root {")[1:]]
    pairs = [(text, ground) for text in ("text", "dim", "error", "wire", *CHANNELS) for ground in _GROUNDS]
    pairs.append(("text", "mark"))

    assert len(schemes) == 2
    assert [
        (text, ground)
        for colours in schemes
        for text, ground in pairs
        if _contrast(colours[text], colours[ground]) < 4.5
    ] == []
    assert "opacity" not in style
    assert "mark { background: var(--mark); color: var(--text);" in style


def _contrast(one: str, other: str) -> float:
    """Return the contrast of two colours; WCAG 2.2, 1.4.3, asks for 4.5."""
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (part / 255 for part in bytes.fromhex(colour))
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def test_building_again_gives_the_same_page(tmp_path: Path) -> None:
    folder = of_checkout("viewer")
    if shutil.which("node") is None or not (folder / "node_modules").is_dir():
        pytest.skip("needs node and the viewer's packages: cd viewer && npm ci")
    copy = tmp_path / "viewer"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("node_modules"))
    (copy / "node_modules").symlink_to(folder / "node_modules")
    (tmp_path / "harness" / "viewer").mkdir(parents=True)
    subprocess.run(["node", "build.mjs"], cwd=copy, check=True, timeout=60)

    assert (tmp_path / "harness" / "viewer" / "viewer.html").read_text("utf-8") == _built(), _AGAIN


def test_the_lock_names_each_package_by_its_digest_and_no_host() -> None:
    lock = (of_checkout("viewer") / "package-lock.json").read_text("utf-8")
    packages = json.loads(lock)["packages"]

    assert [name for name, one in packages.items() if name and not one.get("integrity")] == []
    assert re.findall(r"https?://[^\"]*registry[^\"]*", lock) == []
