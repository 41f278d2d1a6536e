"""Claims about the viewer's page: it holds all of a timeline, what carried it and what it breaks, and nothing beside."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import pytest

from conformance.run.failures.carried_runs import carried_scenarios, with_scenarios
from conformance.run.failures.failed_runs import failed_runs
from conformance.run.judge import judge
from conformance.run.result import ScenarioResult
from conformance.run.stored_timeline import broken_clauses
from conformance.timeline.evidence import Evidence
from harness.frames import StreamFrame
from harness.frames.stored import stored_frame
from harness.recording.files.frames_file import header_line, load_frames
from harness.viewer import BrokenClause, ViewedRun, kept_lines, render_replayed, render_viewer, viewed_runs
from tests.commands.command_line import Run, runner
from tests.recording.redact.planted_secrets import BY_FORM
from tests.recording.support.remade import SHIPPED

TEXTS: Final = sorted(path.parent for path in SHIPPED.glob("*/text/recording.json"))
KEY: Final = next(planted for planted in BY_FORM if planted.id == "anthropic")


class _Scripts(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag == "script"
        if self._inside:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.scripts[-1] += data


def data_of(page: str) -> Any:
    """Return the data of a page as a browser finds them."""
    found = _Scripts(page)
    assert len(found.scripts) == 2, "the data, and the viewer"
    return json.loads(found.scripts[0])


def frames_in(run: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the frames as the viewer's script puts them together."""
    names = [row[6] or f"f{row[0]}" for row in run["frames"]]
    return [
        {
            "seq": seq,
            "type": run["types"][kind],
            "channel": run["channels"][channel],
            "namespace": run["namespaces"][namespace],
            "parent_id": names[parent] if isinstance(parent, int) else parent,
            "previous_id": names[previous] if isinstance(previous, int) else previous,
            "id": names[place],
            "data": {**told, **dict.fromkeys(run["shapes"][shape])},
        }
        for place, (seq, kind, channel, namespace, parent, previous, _, shape, told, _) in enumerate(run["frames"])
    ]


@pytest.mark.parametrize("scenario", ["openai/two_step_flow", "openai/parallel_tool_calls", "anthropic/thinking"])
def test_a_page_holds_each_frame_whole(scenario: str) -> None:
    [run] = data_of(render_viewer(viewed_runs(SHIPPED / scenario), "title"))["runs"]
    stored = [stored_frame(frame) for frame in load_frames(SHIPPED / scenario / "frames.jsonl")]

    assert [frame | {"timestamp": None} for frame in frames_in(run)] == [one | {"timestamp": None} for one in stored]
    assert [row[9] for row in run["frames"]] == sorted(row[9] for row in run["frames"])


@pytest.mark.parametrize("folder", TEXTS, ids=[folder.parent.name for folder in TEXTS])
def test_each_text_is_found_in_the_chunk_that_brought_it(folder: Path) -> None:
    [run] = data_of(render_viewer(viewed_runs(folder), "title"))["runs"]
    [answer] = run["answers"]
    chunks = [place for place, frame in enumerate(frames_in(run)) if frame["type"] == "llm_stream_chunk"]

    carried = dict(answer["carried"])
    # Base64 inside of events hides each text.
    assert list(carried) == ([] if folder.parent.name == "bedrock_invoke" else chunks)
    assert list(carried.values()) == sorted(carried.values())
    assert [row[1] for row in answer["chunks"]] == [
        len(row[2].encode()) for row in answer["chunks"]
    ] or "bedrock" in str(folder)
    for place, chunk in carried.items():
        text = json.dumps(run["frames"][place][8]["chunk"], ensure_ascii=False)[1:-1]
        assert text.split("\\")[0] in "".join(one[2] for one in answer["chunks"][max(0, chunk - 1) : chunk + 1])


def test_what_a_frame_breaks_stands_beside_it(tmp_path: Path) -> None:
    lines = (SHIPPED / "openai" / "text" / "frames.jsonl").read_bytes().splitlines(keepends=True)
    # The second session of this file lost its fourth frame.
    path = tmp_path / "two.jsonl"
    path.write_bytes(header_line() + b"".join([*lines[1:], *lines[1:4], *lines[5:]]))
    [run] = data_of(render_viewer(viewed_runs(path, broken_clauses), "title"))["runs"]

    found = {(one["clause"], one["place"]) for one in run["findings"]}
    assert ("order.seq-gapless", len(lines) - 1 + 3) in found
    assert all(place is None or place >= len(lines) - 1 for _, place in found)


@pytest.mark.parametrize("scenario", ["http_error", "stream_error", "tool_call", "truncated", "two_step_flow"])
def test_a_timeline_that_keeps_the_contract_has_no_finding(scenario: str) -> None:
    assert list(broken_clauses(load_frames(SHIPPED / "openai" / scenario / "frames.jsonl"))) == []


def made(seq: int, data: dict[str, Any]) -> StreamFrame:
    """Return a chunk of text with this payload."""
    return StreamFrame.model_validate(
        {
            "id": f"f{seq}",
            "seq": seq,
            "type": "llm_stream_chunk",
            "channel": "llm",
            "namespace": ["llm"],
            "timestamp": "1970-01-01T00:00:00Z",
            "parent_id": None,
            "previous_id": None,
            "data": data,
        }
    )


HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]>",
    "\u2028\u2029",
    "__TIMELINES__",
    "&lt;",
    "'\"`${1}",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_frames_say_stays_data(text: str) -> None:
    frame = made(1, {"chunk": text})
    page = render_viewer([ViewedRun(text, [frame], findings=[BrokenClause("order.delivery", 0, text)])], text)
    document = data_of(page)

    assert (document["title"], document["runs"][0]["title"]) == (text, text)
    assert document["runs"][0]["frames"][0][8] == {"chunk": text}
    assert document["runs"][0]["findings"][0]["message"] == text


def test_an_integer_that_a_browser_would_round_keeps_its_digits() -> None:
    large = 2**53 + 1
    [run] = data_of(
        render_viewer([ViewedRun("run", [made(1, {"chunk": "a", "ids": [large, -large, large - 2]})])], "t")
    )["runs"]
    assert run["frames"][0][8]["ids"] == [{"$int": str(large)}, {"$int": str(-large)}, large - 2]


def test_a_page_tells_no_credential() -> None:
    halves = (KEY.value[: len(KEY.value) // 2], KEY.value[len(KEY.value) // 2 :])
    run = [made(seq, {"call_id": "c", "chunk": half}) for seq, half in enumerate(halves, 1)]
    page = render_viewer(
        [ViewedRun(KEY.value, run, findings=[BrokenClause("order.delivery", 0, KEY.value)])], KEY.value
    )

    assert KEY.value not in page
    assert KEY.core[:12] not in "".join(row[8]["chunk"] for row in data_of(page)["runs"][0]["frames"])


@pytest.mark.parametrize("field", ["id", "parent_id", "previous_id", "type", "namespace"])
def test_a_page_tells_no_credential_that_stands_around_a_payload(field: str) -> None:
    given = (KEY.value,) if field == "namespace" else KEY.value
    run = [made(seq, {}).model_copy(update={field: given}) for seq in (1, 2)]
    page = render_viewer([ViewedRun("run", run)], "run")

    assert KEY.core[:12] not in page
    assert len(data_of(page)["runs"][0]["frames"]) == 2


def test_a_page_loads_nothing() -> None:
    found = _Scripts(render_viewer(viewed_runs(SHIPPED / "openai" / "text"), "title"))
    policy = next(
        attributes["content"] for tag, attributes in found.tags if tag == "meta" and "http-equiv" in attributes
    )

    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert [attributes for tag, attributes in found.tags if attributes.get("src") or tag in {"iframe", "object"}] == []
    assert [attributes["href"][:5] for tag, attributes in found.tags if attributes.get("href")] == ["data:"]  # type: ignore[index]


# The command.


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(capsys)


def test_show_writes_the_page_of_a_recording_and_of_each_call_of_a_cassette(run: Run, tmp_path: Path) -> None:
    both = {"openai/two_step_flow": [[True, True]], "openai/two_step_flow/cassette.yaml": [[True], [True]]}
    for source, answers in both.items():
        out = tmp_path / "viewer.html"
        said = run("show", SHIPPED / source, "--html", out)
        document = data_of(out.read_text("utf-8"))

        assert said.code == 0
        assert f"wrote {out}" in said.out
        assert document["title"] == Path(source).name
        assert [[bool(answer["carried"]) for answer in one["answers"]] for one in document["runs"]] == answers


def test_what_can_not_be_shown_or_written_ends_with_2(run: Run, tmp_path: Path) -> None:
    assert run("show", tmp_path / "nothing", "--html", tmp_path / "x.html").code == 2
    assert run("show", SHIPPED / "openai" / "text", "--html", tmp_path).code == 2
    assert list(tmp_path.glob("*.html")) == []


def test_diff_writes_two_timelines_beside_one_another(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "both.html"
    flow = SHIPPED / "openai" / "two_step_flow"
    said = run("diff", flow, flow / "frames.jsonl", "--html", out)
    document = data_of(out.read_text("utf-8"))

    assert said.code == 0
    assert document["pairs"] == [[place, place, "equal"] for place in range(len(document["runs"][0]["frames"]))]
    several = run("diff", flow / "cassette.yaml", flow / "cassette.yaml", "--html", tmp_path / "none.html")
    assert several.code == 2
    assert "has 2 timelines" in several.err


def test_the_page_of_a_replay_leads_to_the_timeline_of_what_fell_short(run: Run, tmp_path: Path) -> None:
    """A recorded chunk was edited: the replay gives it as it was, and is shown beside the recording."""
    recording = tmp_path / "text"
    shutil.copytree(SHIPPED / "openai" / "text", recording)
    frames = recording / "frames.jsonl"
    frames.write_bytes(frames.read_bytes().replace(b'"chunk":"', b'"chunk":"X', 1))
    said = run("replay", recording, SHIPPED / "openai" / "text", "--html", tmp_path / "report")
    page = (tmp_path / "report" / "index.html").read_text("utf-8")

    assert said.code == 1
    assert page.count('href="timelines/') == 1
    assert [path.name for path in (tmp_path / "report" / "timelines").iterdir()] == ["1.html"]
    document = data_of((tmp_path / "report" / "timelines" / "1.html").read_text("utf-8"))
    kinds = [kind for _, _, kind in document["pairs"]]
    assert kinds.count("changed") == 1
    assert len(document["runs"]) == 2
    assert len(document["runs"][0]["answers"]) == 1


def test_a_violation_in_the_page_of_a_replay_leads_to_its_frame() -> None:
    frames = load_frames(SHIPPED / "openai" / "text" / "frames.jsonl")
    path = SHIPPED / "openai" / "text"
    violations = [("order.delivery", 3, "late"), ("result.value", None, "none")]
    document = data_of(render_replayed(path, None, kept_lines(frames), violations))
    assert [(one["clause"], one["place"]) for one in document["runs"][1]["findings"]] == [
        ("order.delivery", 2),
        ("result.value", None),
    ]
    alone = data_of(render_replayed(path / "cassette.yaml", 1, kept_lines(frames), violations))
    assert "pairs" not in alone
    assert [bool(answer["carried"]) for answer in alone["runs"][0]["answers"]] == [True]
    assert [(one["clause"], one["place"]) for one in alone["runs"][0]["findings"]] == [
        ("order.delivery", 2),
        ("result.value", None),
    ]
    # Two sessions in one: which frame 3 is meant can't be told.
    twice = data_of(
        render_replayed(
            path, None, kept_lines(frames) + b"".join(kept_lines(frames).splitlines(keepends=True)[1:]), violations
        )
    )
    assert {one["place"] for one in twice["runs"][1]["findings"]} == {None}


def test_the_page_of_the_suite_leads_to_the_timeline_of_a_scenario_at_the_violation(run: Run, tmp_path: Path) -> None:
    """A runtime that swaps its first two frames; what JSON says of it stays as it is."""
    said = run(
        "conformance", "--runtime", "conformance.proof:first-two-swapped", "--clause", "order.*",
        "--scenario", "turn/from-history/sync", "--html", tmp_path / "report", "--json", tmp_path / "report.json",
    )  # fmt: skip
    page = (tmp_path / "report" / "index.html").read_text("utf-8")
    at = re.findall(r'href="timelines/1\.html#run=(\d+)&amp;frame=(\d+)"', page)

    assert said.code == 1, said.err
    assert at
    document = data_of((tmp_path / "report" / "timelines" / "1.html").read_text("utf-8"))
    run_at, frame_at = (int(number) - 1 for number in at[0])
    shown = document["runs"][run_at]
    assert [frame[0] for frame in shown["frames"][:2]] == [2, 1]
    assert ("order.delivery", frame_at) in [(one["clause"], one["place"]) for one in shown["findings"]]
    assert "timeline" not in (tmp_path / "report.json").read_text("utf-8")


def test_the_page_of_merged_replays_leads_to_timelines_also_where_the_recordings_are_not(
    run: Run, tmp_path: Path
) -> None:
    recording = tmp_path / "suite" / "text"
    shutil.copytree(SHIPPED / "openai" / "text", recording)
    frames = recording / "frames.jsonl"
    frames.write_bytes(frames.read_bytes().replace(b'"chunk":"', b'"chunk":"X', 1))
    reports = [tmp_path / f"{index}.json" for index in (1, 2)]
    for index, report in enumerate(reports, start=1):
        run("replay", recording, SHIPPED / "openai" / "text", "--shard", f"{index}/2", "--json", report)
    here = run("merge", *reports, "--html", tmp_path / "here")
    shutil.rmtree(recording)
    there = run("merge", *reports, "--html", tmp_path / "there", "--json", tmp_path / "whole.json")

    assert (here.code, there.code) == (1, 1)
    runs = [
        data_of((tmp_path / place / "timelines" / "1.html").read_text("utf-8"))["runs"] for place in ("here", "there")
    ]
    assert [len(one) for one in runs] == [2, 1]
    assert runs[0][1]["frames"] == runs[1][0]["frames"] != []
    assert runs[1][0]["title"].endswith("text, as it was replayed elsewhere")
    assert "shard" not in json.loads((tmp_path / "whole.json").read_text())

    report = json.loads(reports[0].read_text())
    del report["shard"]["runs"]
    reports[0].write_text(json.dumps(report))
    assert run("merge", *reports, "--html", tmp_path / "older").code == 1
    page = (tmp_path / "older" / "index.html").read_text("utf-8")
    assert "timelines/" not in page
    assert f"harness replay {recording} --html report" in page


def test_the_page_of_merged_scenarios_leads_to_timelines_without_credentials(run: Run, tmp_path: Path) -> None:
    reports = [tmp_path / f"{index}.json" for index in (1, 2)]
    given = ("--runtime", "conformance.proof:failed-renamed-to-error", "--clause", "envelope.type-verbatim")
    for index, report in enumerate(reports, start=1):
        run("conformance", *given, "--shard", f"{index}/2", "--json", report)
    said = run("merge", *reports, "--html", tmp_path / "report")
    page = (tmp_path / "report" / "index.html").read_text("utf-8")

    assert said.code == 1, said.err
    at = re.findall(r'href="(timelines/\d+\.html)#run=(\d+)&amp;frame=(\d+)"', page)
    assert at
    for name, number, frame in at:
        shown = data_of((tmp_path / "report" / name).read_text("utf-8"))["runs"][int(number) - 1]
        assert int(frame) - 1 in [one["place"] for one in shown["findings"]]
    secret = tuple(
        ScenarioResult(
            "s",
            (),
            None,
            None,
            failed_runs([(Evidence(frames=swapped, ended="closed"), judge(Evidence(frames=swapped, ended="closed")))]),
        )
        for swapped in [tuple(made(seq, {"call_id": "c", "chunk": KEY.value}) for seq in (2, 1))]
    )
    carried = carried_scenarios(secret)
    [result] = with_scenarios([ScenarioResult("s")], json.loads(json.dumps(carried)))
    assert KEY.value.encode() in secret[0].failed_runs[0].frame_lines
    assert KEY.core[:12].encode() not in result.failed_runs[0].frame_lines
    assert result.failed_runs[0].violations == secret[0].failed_runs[0].violations


def test_runs_that_broke_a_clause_are_kept_within_bounds() -> None:
    frames = tuple(load_frames(SHIPPED / "openai" / "two_step_flow" / "frames.jsonl"))
    good = Evidence(frames=frames, ended="exhausted")
    bad = Evidence(frames=frames[::-1], ended="exhausted", label="backwards")
    many = Evidence(frames=frames[:1] * 5_000, ended="exhausted")
    kept = failed_runs([(each, judge(each)) for each in (good, bad, many, bad, bad)])

    assert [len(each.frame_lines.splitlines()) for each in kept] == [1 + len(frames), 2_001, 1 + len(frames)]
    assert kept[0].label == "backwards"
    assert "order.delivery" in {one.clause for one in kept[0].violations}
