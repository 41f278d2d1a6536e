"""A run with side effects, killed after each of its frames and gone on with: `python -m tests.flow.checkpoints.killed_runs …`.

Each process is forked from one that has imported everything, which takes a hundredth of the time of starting it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, Literal

from harness.flow import CheckpointConfig, Flow, and_, frames_by_run, listen, or_, router, start
from tests.flow.persistence.processes import forked


class Paying(Flow):
    """Every method leaves a line behind; there are branches, a router and a round that is gone through twice."""

    def __init__(self, folder: Path, provider: Any) -> None:
        super().__init__(checkpoint=CheckpointConfig(location=str(folder / "kept"), provider=provider))
        self._lines = folder / "lines"

    def leave(self, what: str) -> str:
        with self._lines.open("a") as lines:
            lines.write(f"{what}\n")
        return what

    @start()
    def order(self) -> str:
        self.state["rounds"] = 0
        return self.leave("order")

    @start()
    async def stock(self) -> str:
        return self.leave("stock")

    @listen(order)
    def invoice(self) -> str:
        return self.leave("invoice")

    @listen(and_(stock, invoice))
    async def pay(self) -> str:
        return self.leave("pay")

    @router(or_(pay, "again"))
    def ship(self) -> Literal["again", "done"]:
        self.state["rounds"] += 1
        self.leave(f"ship {self.state['rounds']}")
        return "again" if self.state["rounds"] < 2 else "done"

    @listen("done")
    def thank(self) -> list[Any]:
        self.leave("thank")
        return [self.state["rounds"], len(self.method_outputs)]


def read_in_pieces(folder: Path, provider: str, until: int, to: int) -> None:
    """Read a run, going on with what there is; after frame `until` of its own kill this process. Tell of each frame."""
    with os.fdopen(to, "wb", buffering=0) as out:

        def tell(row: dict[str, Any]) -> None:
            out.write(json.dumps(row).encode() + b"\n")

        # Nothing is produced that this has not asked for, so that what is killed has come exactly this far.
        session = Paying(folder, provider).stream_events({"asked": folder.name}, resume=True, look_ahead=1)
        for number, frame in enumerate(session, 1):
            method = frame.data.get("method_name")
            tell({"type": frame.type, "method": method, "id": frame.id, "at": str(frame.timestamp)})
            if number == until:
                os.kill(os.getpid(), signal.SIGKILL)
        runs = frames_by_run(session.frames)
        tell({"result": session.result, "runs": [[frame.type for frame in run] for run in runs]})


def read(folder: Path, provider: str, until: int) -> list[dict[str, Any]]:
    """Return what a process had read before it ended or was killed."""
    process, reads = forked(lambda to: read_in_pieces(folder, provider, until, to))
    with os.fdopen(reads) as lines:
        rows = [json.loads(line) for line in lines]
    os.waitpid(process, 0)
    return rows


def lines_in(folder: Path) -> list[str]:
    return (folder / "lines").read_text().splitlines() if (folder / "lines").exists() else []


def killed_after(folder: Path, provider: str, until: int) -> dict[str, Any]:
    """Kill a run after a frame, and go on with it."""
    folder.mkdir()
    first = read(folder, provider, until)
    second = read(folder, provider, 0)
    return {"first": first, "second": second, "lines": lines_in(folder)}


if __name__ == "__main__":
    folder, provider = Path(sys.argv[1]), sys.argv[2]
    report: list[dict[str, Any]] = []
    # The last run is killed after none of its frames: it ends, and is gone on with all the same.
    while not report or "result" not in report[-1]["first"][-1]:
        report.append(killed_after(folder / str(len(report) + 1), provider, len(report) + 1))
    sys.stdout.write(json.dumps(report))
