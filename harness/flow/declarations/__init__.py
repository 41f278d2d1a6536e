"""Flows written down in YAML or JSON: read, checked with line and column, and made into flows."""
