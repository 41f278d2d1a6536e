"""What docs/security.md says of how much is taken of somebody else's file is what is taken."""

from __future__ import annotations

from pathlib import Path

from conformance.report import summary_page
from harness import regular_file
from harness.flow.declarations import source
from harness.recording import settings
from harness.recording.files import bounds, folder
from harness.recording.pack import file as pack_file
from harness.recording.redact import content_coding


def mib(size: int) -> str:
    assert size % 2**20 == 0
    return f"{size // 2**20} MiB"


def gib(size: int) -> str:
    assert size % 2**30 == 0
    return f"{size // 2**30} GiB"


def test_the_page_tells_the_bounds_that_hold() -> None:
    page = Path("docs/security.md").read_text("utf-8")
    table = page.partition("| what | at most |\n|---|---|\n")[2].partition("\n\n")[0]
    said = [row.strip("| ").split(" | ")[1] for row in table.splitlines()]
    small = {source._LARGEST, settings._LARGEST, summary_page._LARGEST}
    assert bounds.LATEST_MS == 7 * 24 * 3600 * 1000
    assert len(small) == 1
    assert said == [
        f"{mib(regular_file.LARGEST)}; `recording.json` {mib(folder._LARGEST)}",
        mib(small.pop()),
        f"{gib(pack_file.MOST_BYTES)} for a file, {gib(pack_file.MOST_UNPACKED)} in all; its tables are those that `pack` "
        "makes, and no views",
        mib(content_coding.LARGEST),
        f"{bounds.MOST_VALUES:,}",
        f"{bounds.DEEPEST_CASSETTE} levels in a cassette, {bounds.DEEPEST_JSON} in frames and results, "
        f"{bounds.DEEPEST_SCOPE} scopes",
        mib(bounds.LONGEST),
        f"{bounds.MOST_LINES:,}",
        str(bounds.MOST_DIGITS),
        "a week; neither negative nor infinite",
    ]
