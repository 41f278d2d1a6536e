"""The graph of a flow class: who waits for what, as its decorators say."""
