"""Reports that people and CI servers read: `junit.write(cases, path)`, and `html`, `markdown` and `sarif` of a document.

Each is a module here, which is imported by whoever writes it: most runs are told of in the terminal alone.
"""

from __future__ import annotations

from conformance.report.case import Case, replay_cases

__all__ = ["Case", "replay_cases"]
