"""Runtimes under test, behind one small protocol: this one, the reference, or anybody's."""

from __future__ import annotations

from conformance.subjects.subject import Performance, Subject, load_subject

__all__ = ["Performance", "Subject", "load_subject"]
