"""A page as a tree of elements, for tests of what a reader sees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

#: Elements that never have an end tag.
VOID: Final = {"meta", "link", "input", "!doctype"}


@dataclass
class Node:
    tag: str
    attrs: dict[str, str | None] = field(default_factory=dict)
    children: list[Node | str] = field(default_factory=list)

    @property
    def classes(self) -> set[str]:
        return set((self.attrs.get("class") or "").split())

    @property
    def text(self) -> str:
        """The text as a reader sees it where white space collapses."""
        return " ".join("".join(self.strings()).split())

    def strings(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield from child.strings()

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk()

    def all(self, tag: str, css_class: str | None = None) -> list[Node]:
        return [node for node in self.walk() if node.tag == tag and (css_class is None or css_class in node.classes)]


class Tree(HTMLParser):
    """Builds nodes, and fails where an end tag closes another element than the open one."""

    def __init__(self) -> None:
        super().__init__()
        self.open = [Node("document")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, dict(attrs))
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag, f"line {self.getpos()[0]}: </{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


#: What would be more than text on a page.
HOSTILE: Final = '"\'></td></table></pre><script>alert(1)</script><a href="https://example.com">{{ 7 * 7 }}</a>'


def parsed(path: Path) -> Node:
    """Return the page at `path`, every element of which must be closed, and which must need no script and no other file."""
    tree = Tree()
    tree.feed(path.read_text(encoding="utf-8"))
    tree.close()
    assert [node.tag for node in tree.open] == ["document"], "an element is never closed"
    page = tree.open[0]
    if page.all("html"):
        assert page.all("script") == page.all("img") == page.all("iframe") == []
        assert [node.attrs["href"] for node in page.all("link")] == ["data:,"]
        [style] = page.all("style")
        assert not re.search(r"url\(|@import", style.text)
        assert "prefers-color-scheme: dark" in style.text
        policy = next(node for node in page.all("meta") if node.attrs.get("http-equiv") == "Content-Security-Policy")
        assert (policy.attrs["content"] or "").startswith("default-src 'none';")
    return page
