"""What importing a name costs in a fresh interpreter.

Usage: importing.py MODULE [NAME]; prints the milliseconds of `import MODULE`, or of `from MODULE import NAME`.
"""

from __future__ import annotations

import sys
import time


def main(module: str, name: str | None) -> float:
    statement = f"import {module}" if name is None else f"from {module} import {name}"
    began = time.perf_counter()
    exec(statement)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None))
