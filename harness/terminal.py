"""What of a text reaches a terminal.

What a model, a recording or a path says may be meant for the terminal and not for the person in front of it.
"""

from __future__ import annotations

import re
import sys
from typing import Final

#: What a terminal obeys, or that has a reader see another text than there is: controls, C1 included, line and paragraph
#: separators, and what turns the direction of writing. Lone surrogates can't be written at all.
_UNSEEN: Final = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb\ud800-\udfff"
_IN_LINES: Final = re.compile(f"[{_UNSEEN}]")
#: What JSON leaves as it is, and a terminal obeys all the same.
_IN_JSON: Final = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb\ud800-\udfff]")
_IN_A_LINE: Final = re.compile(f"[\t\n{_UNSEEN}]")


def shown(text: str, *, lines: bool = False) -> str:
    """Return `text` as a terminal may have it: all that it would obey is escaped, as in `\\x1b`, and the rest stays.

    A newline and a tab stay with `lines` only, as in an answer: a path or a name with a newline in it could pass for a
    line of ours.
    """
    if lines:
        return _IN_LINES.sub(_escaped, text.replace("\r\n", "\n"))
    return _IN_A_LINE.sub(_escaped, text)


def shown_json(text: str) -> str:
    """Return JSON that says the same, and holds nothing that a terminal obeys."""
    return _IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def write(text: str) -> None:
    """Write `text` to stdout at once, as a terminal may have it; what the encoding of stdout lacks is escaped, too."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    sys.stdout.write(shown(text, lines=True).encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def _escaped(found: re.Match[str]) -> str:
    return repr(found[0])[1:-1]
