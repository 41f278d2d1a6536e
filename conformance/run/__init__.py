"""Running the suite: processes, judgement, outcome."""
