"""What the server answers to the examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.servers.openai.chat import OpenAIChatServer
from tests.servers.openai.chat_scenarios import Call, Scenario, say

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
    "look up": Scenario(
        "Find out when the water is high at each of Bergen and Narvik.",
        (
            say(Call("tide_table", '{"harbour": "Bergen"}'), Call("tide_table", '{"harbour": "Narvik"}')),
            say("Bergen: 06:10 and 18:35. Narvik: 07:40 and 20:05."),
        ),
        frozenset({"tools"}),
    ),
    "notice": Scenario(
        "Write a notice to sailors from these findings: Bergen: 06:10",
        (say("At Bergen the water is high at 06:10 and 18:35. At Narvik it is high at 07:40 and 20:05."),),
    ),
    "shorter notice": Scenario(
        "Shorten the notice.", (say("High water: Bergen 06:10 and 18:35, Narvik 07:40 and 20:05."),)
    ),
    "watch the wind": Scenario(
        "Measure the wind at the pier.",
        (
            say(Call("wind_gauge", '{"place": "the pier"}')),
            say("The wind at the pier blows with force 5 from the west."),
        ),
        frozenset({"tools"}),
    ),
    "watch the sea": Scenario("Describe the sea outside.", (say("The sea is rough, and the swell is two metres."),)),
    "watch the light": Scenario("Tell whether the light is lit.", (say("The light is lit, and it turns."),)),
    "decide": Scenario("Say whether ships may leave.", (say("Yes: the wind is fresh, and the light is lit."),)),
    "approve": Scenario("The person answered:\nGood, send it.", (say('{"outcome":"approved"}'),)),
}


class ExamplesServer(OpenAIChatServer):
    """Answers the examples."""

    def __init__(self) -> None:
        super().__init__(EXAMPLES)
