"""`python -m conformance.proof [FILE]`: run the whole proof, and write its table to FILE or standard output.

Ends with 1 where a saboteur went free, failed more than is listed beside its clauses, or a MUST has an empty row.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from conformance.proof.proof import page, prove, wrong


def main(arguments: list[str]) -> int:
    rows = prove(workers=os.cpu_count() or 1)
    if arguments:
        Path(arguments[0]).write_text(page(rows), encoding="utf-8")
    else:
        sys.stdout.write(page(rows))
    complaints = wrong(rows)
    for message in complaints:
        sys.stderr.write(f"{message}\n")
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
