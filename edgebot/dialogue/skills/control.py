"""Repeat and help."""

from __future__ import annotations

from edgebot.dialogue.skill import Intent, Outcome, Request, Slot

TOPICS = ("timers", "alarms", "reminders", "lists", "time", "sums", "units", "memory", "volume")
TOPIC = Slot("help_topic", "text", "what help is wanted for", choices=TOPICS)


class Control:
    """What concerns the conversation itself."""

    name = "control"
    intents = (
        Intent("repeat", "Say the last answer again.", aside=True, tool=False),
        Intent("help", "Tell what can be asked.", (TOPIC,), tool=False),
    )

    def handle(self, request: Request) -> Outcome:
        """Say it again, or say what can be said."""
        if request.intent == "repeat":
            if not request.last_reply:
                return Outcome("repeat.nothing")
            return Outcome(text=request.last_reply)
        topic = request.slots.get("help_topic")
        return Outcome(f"help.{topic}" if topic in TOPICS else "help.general")
