"""Running a flow once: the engine, the bodies of methods, the hooks around them, and the context of a run."""
