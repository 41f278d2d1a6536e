"""The tool calls of an answer, told apart."""
