"""Processes that save states into one file, some of them killed: `python -m tests.flow.persistence.processes FOLDER KILLS`.

They are forked from one that has imported everything, which takes a hundredth of the time of starting each.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.flow import Flow, SQLiteFlowPersistence, persist, router, start


class Telling(SQLiteFlowPersistence):
    """Says how many states are on record, each time when one is."""

    def __init__(self, path: str, to: int) -> None:
        super().__init__(path)
        self._to = to

    def save_state(self, flow_uuid: str, method_name: str, state_data: Any) -> None:
        super().save_state(flow_uuid, method_name, state_data)
        os.write(self._to, b"%d\n" % state_data["count"])


@persist()
class Counting(Flow):
    """Counts as far as it is told, and fills its state with what it has counted to."""

    max_method_calls = 1_000_000

    @start("again")
    @router(emit=["again", "enough"])
    def count(self) -> str:
        self.state["count"] = self.state.get("count", 0) + 1
        self.state["filling"] = [self.state["count"]] * 200
        return "again" if self.state["count"] < self.state["limit"] else "enough"


def counting(path: str, flow_id: str, limit: int, to: int) -> None:
    Counting(persistence=Telling(path, to)).kickoff({"id": flow_id, "limit": limit})


def forked(work: Callable[[int], None]) -> tuple[int, int]:
    """Return a process that does `work` with what it may write to, and where to read what it has written."""
    reads, writes = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reads)
        try:
            work(writes)
        finally:
            os._exit(0)
    os.close(writes)
    return process, reads


def killed(path: str, times: int, seed: int) -> list[dict[str, Any]]:
    """Kill that many processes, each at another moment; return what each had said last, and what is on record of it."""
    moments = random.Random(seed)
    report = []
    for number in range(times):
        flow_id = f"killed-{number}"
        process, reads = forked(lambda to: counting(path, flow_id, 1_000_000, to))  # noqa: B023 - forked at once
        with os.fdopen(reads) as lines:
            for _ in range(moments.randint(1, 20)):
                lines.readline()
            # Not to wait for anything: the moment lies anywhere between two saves.
            time.sleep(moments.uniform(0, 0.002))
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            left = lines.read()
        whole = left[: left.rfind("\n") + 1].split()
        with_file = SQLiteFlowPersistence(path)
        state = with_file.load_state(flow_id) or {}
        rows = [
            json.loads(row)
            for (row,) in with_file._database.rows("SELECT state_json FROM flow_states WHERE flow_uuid = ?", (flow_id,))
        ]
        report.append(
            {
                "said": int(whole[-1]) if whole else 0,
                "count": state["count"],
                "rows": [row["count"] for row in rows],
                "torn": [row["count"] for row in rows if row["filling"] != [row["count"]] * 200],
                "check": with_file._database.rows("PRAGMA integrity_check")[0][0],
            }
        )
        with_file.close()
    return report


def together(path: str, processes: int, each: int) -> list[dict[str, Any]]:
    """Have processes save side by side, the file's making included; return how many states of each are on record."""
    begun = [forked(lambda to, n=number: counting(path, f"beside-{n}", each, to)) for number in range(processes)]  # type: ignore[misc]
    report = []
    for number, (process, reads) in enumerate(begun):
        with os.fdopen(reads) as lines:
            said = lines.read().split()
        _, status = os.waitpid(process, 0)
        (rows,) = SQLiteFlowPersistence(path)._database.rows(
            "SELECT count(*) FROM flow_states WHERE flow_uuid = ?", (f"beside-{number}",)
        )
        report.append({"status": status, "said": int(said[-1]) if said else 0, "rows": rows[0]})
    return report


def inherited(path: str) -> dict[str, Any]:
    """Save on both sides of a fork with one object, whose file was open before."""
    shared = SQLiteFlowPersistence(path)
    shared.save_state("parent", "first", {"side": "before"})
    process, reads = forked(lambda to: shared.save_state("child", "second", {"side": "child"}))
    os.waitpid(process, 0)
    os.close(reads)
    shared.save_state("parent", "third", {"side": "after"})
    return {"parent": shared.load_state("parent"), "child": shared.load_state("child")}


def while_saving(path: str, forks: int) -> list[int]:
    """Fork while threads save by the object with which the children save, too; return how these ended."""
    shared, over = SQLiteFlowPersistence(path), threading.Event()

    def busy(flow_id: str) -> None:
        while not over.is_set():
            shared.save_state(flow_id, "m", {"id": flow_id})

    threads = [threading.Thread(target=busy, args=(f"thread-{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    statuses = []
    for number in range(forks):

        def save(to: int, flow_id: str = f"child-{number}") -> None:
            # A child that waits for ever says nothing by itself.
            signal.alarm(10)
            shared.save_state(flow_id, "m", {"id": flow_id})

        process, reads = forked(save)
        os.close(reads)
        statuses.append(os.waitpid(process, 0)[1])
        if statuses[-1]:
            break
    over.set()
    for thread in threads:
        thread.join()
    rows = [shared.load_state(f"child-{number}") for number in range(forks)]
    return [*statuses, sum(row is None for row in rows)]


if __name__ == "__main__":
    folder, times = Path(sys.argv[1]), int(sys.argv[2])
    report = {
        "killed": killed(str(folder / "killed.db"), times, seed=7),
        "together": together(str(folder / "together.db"), processes=2, each=150),
        "inherited": inherited(str(folder / "inherited.db")),
        "while saving": while_saving(str(folder / "saving.db"), forks=20),
    }
    sys.stdout.write(json.dumps(report))
