"""Modules run in copies of a warm process are run as `python -m` runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.warm import WarmPython

PROGRAM = """
import os, sys, threading
print(__name__, sys.argv[1:], os.getcwd(), os.environ["PLACE"], "openai" in sys.modules, "harness" in sys.modules)
print("beside", file=sys.stderr)
if sys.argv[1] == "waits":
    threading.Event().wait()
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


def run(warm: WarmPython, folder: Path, *arguments: str, timeout_s: float = 60.0) -> tuple[int, str, str]:
    out, err = (folder / name for name in ("out", "err"))
    with out.open("wb") as stdout, err.open("wb") as stderr:
        env = {"PLACE": "quay"}
        code = warm.run("program", *arguments, cwd=folder, env=env, stdout=stdout, stderr=stderr, timeout_s=timeout_s)
    return code, out.read_text(), err.read_text()


@pytest.mark.parametrize("code", [0, 3])
def test_it_has_its_arguments_folder_environment_and_exit_code(
    warm_python: WarmPython, program: Path, code: int
) -> None:
    shown = f"__main__ ['{code}', 'more'] {program} quay True False\n"

    assert run(warm_python, program, str(code), "more") == (code, shown, "beside\n")


def test_what_does_not_end_in_time_is_killed_and_the_next_has_a_process_again(program: Path) -> None:
    warm = WarmPython()
    try:
        with pytest.raises(TimeoutError):
            run(warm, program, "waits", timeout_s=0.01)
        code, _, _ = run(warm, program, "0")
    finally:
        warm.close()

    assert code == 0
