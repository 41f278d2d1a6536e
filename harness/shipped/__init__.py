"""The recordings that come with the project, `<provider>/<scenario>`, and the one table of what they are recordings of.

Importing this package reads no recording and imports no integration.
"""

from __future__ import annotations

from harness.shipped.place import shipped_folder, shipped_providers, shipped_recording

__all__ = ["shipped_folder", "shipped_providers", "shipped_recording"]
