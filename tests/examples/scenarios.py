"""What the server answers to the examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.servers.openai_chat import OpenAIChatServer
from tests.servers.openai_chat_scenarios import Scenario, say

EXAMPLES: Final[Mapping[str, Scenario]] = {
    "plan": Scenario("Plan a report on tides in three parts.", (say("1. The moon\n2. The sun\n3. The coast"),)),
    "write": Scenario(
        "Write the report that this plan describes",
        (
            say(
                "The moon pulls the sea twice a day, and the sun helps or hinders it. The coast decides how high it comes."
            ),
        ),
    ),
    "sea": Scenario("Describe the sea tonight", (say("Grey, slow, heavy, patient, cold."),)),
    "wind": Scenario("Describe the wind tonight", (say("Westerly, damp, rising, restless, loud."),)),
    "light": Scenario("Describe the lighthouse tonight", (say("Steady, white, turning, tall, awake."),)),
    "night": Scenario(
        "Make one sentence of these", (say("Over a patient sea and under a loud wind the tall light turns."),)
    ),
    "draft": Scenario(
        "Announce that the lighthouse is lit again.",
        (say("After three dark weeks of repairs the lighthouse on the northern point is lit again."),),
    ),
    "redraft": Scenario(
        "Announce that the lighthouse is lit again. Keep in mind: Make it shorter.",
        (say("The lighthouse is lit again."),),
    ),
    "greeting": Scenario("Hello, who keeps the light?", (say("I do, every night since the spring."),)),
    "route of the greeting": Scenario(
        '"current_user_message": "Hello, who keeps the light?"', (say('{"intent":"converse"}'),)
    ),
    "route of the tides": Scenario('"current_user_message": "When is high water?"', (say('{"intent":"TIDES"}'),)),
    "route of the end": Scenario('"current_user_message": "Thank you, goodbye."', (say('{"intent":"end"}'),)),
    "revise": Scenario("The person answered:\nMake it shorter.", (say('{"outcome":"revise"}'),)),
    "approve": Scenario("The person answered:\nGood, send it.", (say('{"outcome":"approved"}'),)),
}


class ExamplesServer(OpenAIChatServer):
    """Answers the examples."""

    def __init__(self) -> None:
        super().__init__(EXAMPLES)
