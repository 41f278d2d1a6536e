"""Which characters a report may hold, whatever a provider or an error sent."""

from __future__ import annotations

import re
from typing import Final

from harness.terminal import shown

#: The complement of `Char` in XML 1.0 (fifth edition, 2.2); HTML calls nearly the same ones parse errors. Escape
#: sequences of terminals and lone surrogates are among them.
_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def legal(text: str) -> str:
    """Return `text` with U+FFFD in place of each character that a document can't hold; always encodable as UTF-8.

    What would have a reader see another text than there is, C1 controls and what turns the direction of writing, is
    escaped, as on a terminal.
    """
    return shown(_ILLEGAL.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n")), lines=True)
