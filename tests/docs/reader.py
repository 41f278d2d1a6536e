"""Somebody who follows a page: types its commands, runs its snippets, and sees that what it shows is so."""

from __future__ import annotations

import importlib
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tomllib
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.commands.command_line import Run
from tests.docs.blocks import ROOT, Block

_VARIABLE: Final = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)", re.DOTALL)
#: What a page may use that not every machine has.
_MAY_BE_ABSENT: Final = frozenset({"chromium", "curl"})
#: Without clauses, or for many, the suite takes minutes; what the page shows is shown by one that takes a second.
_BRIEF: Final = ("--clause", "entry.flow")
_BRIEF_OF_PROVIDERS: Final = ("--clause", "llm.usage")
_FEWER: Final = {"cleanup.*": "entry.llm", "result.*": "result.after-close"}


class Reader:
    """Follows one page in the current folder."""

    def __init__(self, run: Run, monkeypatch: pytest.MonkeyPatch, stack: ExitStack) -> None:
        self._run = run
        self._monkeypatch = monkeypatch
        self._stack = stack
        self._ports: dict[str, str] = {}
        self._tests = 0
        self._has_spread = False
        #: What the last commands have printed.
        self.said = ""
        #: The names of the snippets so far.
        self.names: dict[str, Any] = {"__name__": "page"}

    def take(self, block: Block) -> None:
        """Do what a block says."""
        match block.kind:
            case "sh":
                self.said = ""
                *before, last = block.commands()
                for words in before:
                    self._type(words, 0)
                self._type(last, block.exit_code)
            case "console" if block.text.startswith("$ "):
                command, _, shown = block.text.removeprefix("$ ").partition("\n")
                typed = Block(block.page, block.line, block.mark, "sh", command)
                self.take(typed)
                assert _plain(shown) in _plain(self.said)
            case "console":
                assert _plain(block.text) in _plain(self.said), block
            case "python" if block.is_test and not block.is_suite:
                self._tests += 1
                Path(f"test_page_{self._tests}.py").write_text(block.text, encoding="utf-8")
            case "python" if block.text.startswith("# ") and block.text.split("\n", 1)[0].endswith(".py"):
                Path(block.text.split("\n", 1)[0][2:]).write_text(block.text, encoding="utf-8")
            case "python":
                exec(compile(block.text, f"{block.page}.md, line {block.line}", "exec"), self.names)
            case "json":
                json.loads(block.text)
            case "toml":
                tomllib.loads(block.text)
            case "yaml":
                yaml.safe_load(block.text)
            case "js":
                self._check_script(block)

    def end(self) -> None:
        """Run the tests that the page has shown."""
        if self._tests:
            self._in_shell(f"{sys.executable} -m pytest -q -p no:cacheprovider --snapshot-update test_page_*.py", 0)

    def type(self, line: str) -> None:
        """Type a command that the page has not, and that is to end well."""
        self.take(Block("", 0, "", "sh", line))

    def _type(self, words: list[str], exit_code: int) -> None:
        words = [re.sub(r"(?<!\d)80\d\d(?!\d)", lambda found: self._port(found[0]), word) for word in words]
        given = {}
        while words and (variable := _VARIABLE.fullmatch(words[0])):
            given[variable[1]] = variable[2]
            words = words[1:]
        if words[0] == "export":
            for word in words[1:]:
                self._monkeypatch.setenv(*word.partition("=")[::2])
            return
        if words[0] in _MAY_BE_ABSENT and shutil.which(words[0]) is None:
            return
        if words[:2] == ["harness", "serve"] and "--help" not in words:
            self._serve(words, given)
        elif words[0] == "harness":
            self._in_process(words, given, exit_code)
        else:
            self._in_shell(" ".join(_quoted(word) for word in words), exit_code)

    def _in_process(self, words: list[str], given: dict[str, str], exit_code: int) -> None:
        if words[1] == "conformance" and "--clause" not in words:
            words = [*words, *(_BRIEF_OF_PROVIDERS if "--provider" in words else _BRIEF)]
        words = [_FEWER.get(word, word) for word in words]
        if "-n" in words and self._has_spread:
            # One command of a page shows that its work is shared by processes.
            del words[words.index("-n") : words.index("-n") + 2]
        self._has_spread |= "-n" in words
        forget()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in given.items():
                patch.setenv(name, value)
            said = self._run(*words[1:])
        self.said += said.out + said.err
        # What a reader's own runs differ in, and runtime falls short in, is no fault of the page's.
        may_differ = words[1] in ("diff", "matrix") or "--runtime" in words
        assert said.code == exit_code or (may_differ and said.code == 1), f"{' '.join(words)}\n{said.out}{said.err}"

    def _in_shell(self, line: str, exit_code: int) -> None:
        ran = subprocess.run(
            ["bash", "-euc", line], capture_output=True, text=True, check=False, env=_environment(), timeout=60
        )
        self.said += ran.stdout + ran.stderr
        assert ran.returncode == exit_code, f"{line}\n{ran.stdout}{ran.stderr}"

    def _serve(self, words: list[str], given: dict[str, str]) -> None:
        """Have a server answer until the page has been followed."""
        if "--port" not in words:
            words = [*words, "--port", "0"]
        process = subprocess.Popen(
            [sys.executable, "-m", *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**_environment(), **given},
        )  # fmt: skip
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        assert process.stdout is not None
        self._stack.callback(process.stdout.close)
        first = process.stdout.readline()
        self.said += first
        at = re.search(r"http://127\.0\.0\.1:\d+", first)
        assert at is not None, f"{' '.join(words)}\n{first}"
        if "--app" in words:
            with urllib.request.urlopen(f"{at[0]}/app.json", timeout=60) as answer:
                assert json.loads(answer.read())["name"]

    def _port(self, shown: str) -> str:
        """Return a port that is free, the same for one that the page shows."""
        if shown not in self._ports:
            with socket.create_server(("127.0.0.1", 0)) as listener:
                self._ports[shown] = str(listener.getsockname()[1])
        return self._ports[shown]

    def _check_script(self, block: Block) -> None:
        node = shutil.which("node")
        if node is not None:
            checked = [node, "--check", "--input-type=module", "-"]
            ran = subprocess.run(checked, input=block.text, capture_output=True, text=True, check=False)
            assert ran.returncode == 0, ran.stderr


def forget() -> None:
    """Forget the modules of the current folder: the page may have had them changed."""
    here = Path.cwd()
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and Path(file).is_relative_to(here):
            del sys.modules[name]
    importlib.invalidate_caches()


def _environment() -> dict[str, str]:
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": beside, "PYTHONPATH": os.pathsep.join((str(Path.cwd()), str(ROOT)))}


def _plain(text: str) -> str:
    """Return a text whose lines may have been broken anywhere as one line."""
    return " ".join(text.split())


def _quoted(word: str) -> str:
    return word if word in ("&&", "|", ">", ".") else shlex.quote(word)
