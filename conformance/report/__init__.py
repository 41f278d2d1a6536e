"""Reports that people and CI servers read: `html`, `junit`, `markdown` and `sarif` have `write(document, path)`.

Each is a module here, which is imported by whoever writes it: most runs are told of in the terminal alone.
"""

from __future__ import annotations

from conformance.report.case import Case, replay_cases

__all__ = ["Case", "replay_cases"]
