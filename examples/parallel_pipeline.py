"""Three questions at once, and one answer of all: `python -m examples.parallel_pipeline`."""

from __future__ import annotations

from examples.offline import show
from harness import LLM, Flow, and_, listen, start


async def ask(question: str) -> str:
    """Return what the model answers, without blocking the other branches."""
    return str(await LLM("openai/gpt-4o-mini").acall(question))


class PipelineFlow(Flow):
    """Asks about the sea, the wind and the light side by side, and joins what comes."""

    @start()
    async def sea(self) -> str:
        """The first branch."""
        return await ask("Describe the sea tonight in five words.")

    @start()
    async def wind(self) -> str:
        """The second."""
        return await ask("Describe the wind tonight in five words.")

    @start()
    async def light(self) -> str:
        """The third."""
        return await ask("Describe the lighthouse tonight in five words.")

    @listen(and_(sea, wind, light))
    async def night(self) -> str:
        """Runs once, when all three have ended; the order in which they did does not matter."""
        parts = ", ".join(sorted(self.method_outputs))
        return await ask(f"Make one sentence of these: {parts}")


if __name__ == "__main__":
    show(PipelineFlow(), "pipeline")
