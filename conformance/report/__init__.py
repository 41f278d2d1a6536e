"""Reports that people and CI servers read: `junit.write(cases, path)`, and `html`, `markdown` and `sarif` of a document."""

from __future__ import annotations

from conformance.report import html, junit, markdown, sarif
from conformance.report.case import Case, replay_cases

__all__ = ["Case", "html", "junit", "markdown", "replay_cases", "sarif"]
