"""What importing a module, or names from it, costs in a fresh interpreter.

Usage: importing.py MODULE [NAMES]; prints the milliseconds of `import MODULE`, or of `from MODULE import NAMES`.
"""

from __future__ import annotations

import sys
import time


def main(module: str, names: str | None) -> float:
    statement = f"import {module}" if names is None else f"from {module} import {names}"
    began = time.perf_counter()
    exec(statement)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None))
