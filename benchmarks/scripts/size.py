"""Replaying many interactions, made from those of a folder of cassettes, or else of the shipped recordings.

Usage: size.py time|memory 1|2|shards|pack|dask COUNT [CASSETTES]; prints seconds, or the most megabytes that a worker had.
The interactions, and what the first way reported of them, are kept in a folder of the system's for temporary files, so that
each way is held to what the others report.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: Interactions of one cassette.
_OF_ONE = 100
_HARNESS = (sys.executable, "-m", "harness")


def main(what: str, way: str, count: int, cassettes: Path | None) -> float:
    folder = _interactions(count, cassettes)
    report = folder / f"{way}.json"
    # Alone, the process that keeps the report is the worker, too.
    with _watched(alone=way in ("1", "shards")) as most:
        began = time.perf_counter()
        _replay(way, folder, report)
        seconds = time.perf_counter() - began
    _hold(folder, report)
    early = max(most[: len(most) // 10], default=0)
    print(
        f"{way}: {seconds:.0f} s, at most {max(most, default=0) // 1024} MB a worker, {early // 1024} MB at first",
        file=sys.stderr,
    )
    return seconds if what == "time" else max(most, default=0) / 1024


def _interactions(count: int, cassettes: Path | None) -> Path:
    """Return a folder with so many interactions: those of the cassettes, again and again."""
    from harness.recording.files.cassette_reader import read_cassette
    from harness.recording.files.cassette_writer import write_cassette
    from harness.recording.pack import pack
    from harness.shipped import shipped_folder

    source = "shipped" if cassettes is None else hashlib.sha256(os.fsencode(cassettes)).hexdigest()[:8]
    folder = Path(tempfile.gettempdir(), f"harness-size-{os.getuid()}-{source}-{count}")
    if (folder / "whole").exists():
        return folder
    paths = shipped_folder().glob("*/*/cassette.yaml") if cassettes is None else cassettes.rglob("*.yaml")
    every = [
        taped for path in sorted(paths) for taped in read_cassette(path)
        # What waits for a timeout, or breaks off, is as quick as the rest when it is played at once.
        if taped.response.status == 200
    ]  # fmt: skip
    again = itertools.cycle(every)
    (folder / "cassettes").mkdir(parents=True, exist_ok=True)
    for number in range(count // _OF_ONE):
        write_cassette(folder / "cassettes" / f"{number:04}.yaml", itertools.islice(again, _OF_ONE))
    pack(folder / "cassettes", folder / "cassettes.pack")
    (folder / "whole").touch()
    return folder


def _replay(way: str, folder: Path, report: Path) -> None:
    cassettes = folder / "cassettes"
    if way == "shards":
        parts = [report.with_suffix(f".{index}.json") for index in (1, 2)]
        running = [
            _begun("replay", cassettes, "--shard", f"{index}/2", "--json", part) for index, part in enumerate(parts, 1)
        ]
        for one in running:
            one.wait()
        _begun("merge", *parts, "--json", report).wait()
    elif way == "dask":
        with _cluster() as address:
            _begun("replay", cassettes, "--scheduler", address, "--json", report).wait()
    elif way == "pack":
        _begun("replay", folder / "cassettes.pack", "-n", "2", "--json", report).wait()
    else:
        _begun("replay", cassettes, "-n", way, "--json", report).wait()


def _begun(*arguments: str | Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*_HARNESS, *map(str, arguments)], stdout=subprocess.DEVNULL)


@contextmanager
def _cluster() -> Iterator[str]:
    program = (
        "import sys; from distributed import LocalCluster\n"
        "if __name__ == '__main__':\n"
        "    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:\n"
        "        print(cluster.scheduler_address, flush=True); sys.stdin.read()\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "cluster.py")
        script.write_text(program)
        with subprocess.Popen(
            [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as one:
            assert one.stdout is not None
            assert one.stdin is not None
            yield one.stdout.readline().strip()
            one.stdin.close()


@contextmanager
def _watched(*, alone: bool) -> Iterator[list[int]]:
    """Note the memory of workers, in KB: of what is below this process's children, or of the children themselves."""
    most: list[int] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.2):
            parents = {pid: parent for pid, parent, _ in _processes()}
            for _, parent, size in _processes():
                below = parents.get(parent)
                if os.getpid() in ((parent,) if alone else (below, parents.get(below or 0))):
                    most.append(size)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield most
    finally:
        ended.set()
        watching.join()


def _processes() -> Iterator[tuple[int, int, int]]:
    for entry in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":\t", 1) for line in entry.read_text().splitlines() if ":\t" in line)
        except OSError:
            continue
        if "VmRSS" in fields:
            yield int(fields["Pid"]), int(fields["PPid"]), int(fields["VmRSS"].split()[0])


def _hold(folder: Path, report: Path) -> None:
    """End where a report is not what the first one was."""
    document: dict[str, Any] = json.loads(report.read_text())
    summary = document["summary"]
    if sum(summary[status] for status in ("passed", "failed", "errors", "not_a_call")) != summary["interactions"]:
        sys.exit(f"not all was replayed: {summary}")
    told = json.dumps(document["results"]).replace("cassettes.pack", "cassettes").encode()
    digest, kept = hashlib.sha256(told).hexdigest(), folder / "digest"
    if not kept.exists():
        kept.write_text(digest)
    if kept.read_text() != digest:
        sys.exit(f"{report.name} reports something else than the way before it")


if __name__ == "__main__":
    given: Sequence[str] = sys.argv[1:]
    print(main(given[0], given[1], int(given[2]), Path(given[3]) if given[3:] else None))
