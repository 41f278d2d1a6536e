"""States of flows that outlive their process: where they are kept, when they are saved, and how a run finds one again."""
