"""The clauses `llm.*`."""
