"""Reports that people and CI servers read: `html`, `junit`, `markdown` and `sarif` have `write(document, path)`.

It writes in one step, and raises UsageError for a format that it can't tell of, RecordingError where it can't write.
Each is a module here, which is imported by whoever writes it: most runs are told of in the terminal alone.
"""

from __future__ import annotations

from conformance.report.case import Case, replay_cases

__all__ = ["Case", "replay_cases"]
