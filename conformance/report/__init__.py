"""Reports that people and CI servers read: `junit.write(cases, path)` and `html.write(document, folder)`."""

from __future__ import annotations

from conformance.report import html, junit
from conformance.report.case import Case, replay_cases

__all__ = ["Case", "html", "junit", "replay_cases"]
