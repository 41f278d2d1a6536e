"""A conversation whose router gives each message to a handler: `python -m examples.chat_with_routes`."""

from __future__ import annotations

from examples.offline import show
from harness import Flow, listen
from harness.conversation import ConversationConfig, ConversationState, RouterConfig

MODEL = "openai/gpt-4o-mini"
#: What is said in the recording; with `--live` other things can be.
TURNS = ("Hello, who keeps the light?", "When is high water?", "Thank you, goodbye.")


@ConversationConfig(
    system_prompt="You are the keeper of a lighthouse. Answer in one sentence.",
    llm=MODEL,
    router=RouterConfig(prompt="These are messages to the keeper of a lighthouse."),
)
class ChatWithRoutes(Flow[ConversationState]):
    """Chats, knows when the tide is high, and hears when somebody says goodbye."""

    @listen("TIDES")
    def tides(self) -> str:
        """Says when the tide is high or low."""
        return "High water is at 14:20."


if __name__ == "__main__":
    show(ChatWithRoutes(), "chat", *TURNS)
