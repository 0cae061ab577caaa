"""Hello, thank you, who are you."""

from __future__ import annotations

from edgebot.dialogue.skill import Intent, Outcome, Request, Slot

PART = Slot(
    "part_of_day", "text", "part of the day", choices=("morning", "day", "evening", "night")
)

_KINDS = {
    "hello": "Greet the person.",
    "goodbye": "Say goodbye.",
    "thanks": "Answer thanks.",
    "praise": "Answer praise.",
    "blame": "Answer a complaint.",
    "sorry": "Answer an apology.",
    "how_are_you": "Tell how one is.",
    "who_are_you": "Tell who one is.",
    "who_made_you": "Tell who made one.",
    "how_old_are_you": "Tell how old one is.",
    "are_you_human": "Tell what one is.",
    "where_are_you": "Tell where one lives.",
    "do_you_listen": "Tell what becomes of what is heard.",
    "joke": "Tell a joke.",
    "love": "Answer a declaration of love.",
    "are_you_there": "Tell that one listens.",
}


class Courtesies:
    """Small talk that needs no language model."""

    name = "courtesies"
    intents = tuple(
        Intent(name, description, (PART,) if name == "hello" else (), tool=False)
        for name, description in _KINDS.items()
    )

    def handle(self, request: Request) -> Outcome:
        """Say the fitting words."""
        part = request.slots.get("part_of_day")
        if request.intent == "hello" and part in PART.choices:
            return Outcome(f"courtesies.good_{part}")
        return Outcome(f"courtesies.{request.intent}")
