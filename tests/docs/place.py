"""What stands in the folder in which a page is followed, and the model that its flows ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from tests.docs.blocks import ROOT, blocks_of
from tests.servers.openai.chat import OpenAIChatServer
from tests.servers.openai.chat_scenarios import say
from tests.servers.script import Turn
from tests.servers.scripted_server import RefusedError

#: What a reader has by then: files by their names.
FILES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "my_app/__init__.py": "",
        "my_app/flows.py": """
from harness import LLM, Flow, listen, start


class StoryFlow(Flow):
    @start()
    def outline(self):
        return LLM("openai/gpt-4o-mini").call("Outline a story about a lighthouse in three points.")

    @listen(outline)
    def expand(self, outline):
        return LLM("openai/gpt-4o-mini").call(f"Expand this outline into one paragraph: {outline}")


class PlanFlow(StoryFlow):
    pass
""",
        "my_app/tools.py": """
from harness import tool


@tool("Get tide")
def tide(place: str) -> str:
    \"\"\"Tell how high the water is at a place.\"\"\"
    return f"high at {place}"
""",
        "my_app/matching.py": "def without_dates(request):\n    return request\n",
        "my_pkg/__init__.py": "",
        "my_pkg/targets.py": """
from harness import LLM


def text():
    return LLM("openai/gpt-4o-mini").stream_events("How is the harbour tonight?")
""",
    }
)
#: Page → what its reader has done before.
DONE: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {
        "README": (
            "harness record my_app.flows:StoryFlow -o recordings/story-new",
            "harness record my_app.flows:StoryFlow -o cassettes/story",
        ),
        "bridges": ("harness record my_app.flows:PlanFlow -o recordings/plan",),
        "conformance": ("harness record my_pkg.targets:text -o cassettes/openai/text",),
        "recording": (
            "harness record my_app.flows:StoryFlow -o recordings/story",
            "harness record my_pkg.targets:text -o cassettes/openai/text",
            "harness pack cassettes -o recordings.pack",
        ),
        "viewer": (
            "harness record my_app.flows:PlanFlow -o recordings/plan",
            "harness record my_app.flows:PlanFlow -o recordings/plan-new",
        ),
        "web": ("harness init",),
    }
)


def prepare(folder: Path) -> None:
    """Write `FILES`, and the subject that the page about the suite shows, under a name that the README has for it."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    [tiny] = [block for block in blocks_of(ROOT / "docs" / "conformance.md") if block.text.startswith("# tiny.py\n")]
    (folder / "my_runtime").mkdir()
    (folder / "my_runtime" / "subject.py").write_text(f"{tiny.text}\n\nSubject = Tiny\n", encoding="utf-8")


class DocsServer(OpenAIChatServer):
    """Answers whatever the pages ask."""

    def next_answer(self, body: Mapping[str, Any], turns: Sequence[Turn], **options: Any) -> Any:
        try:
            return super().next_answer(body, turns, **options)
        except RefusedError:
            return "anything", say("Come in at noon, with the tide.")
