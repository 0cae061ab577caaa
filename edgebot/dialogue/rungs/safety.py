"""Topics whose answer is fixed, before anybody else is asked."""

from __future__ import annotations

from edgebot.core.language import Guard
from edgebot.dialogue.acts import Declined, Offer, Tell
from edgebot.dialogue.hearing import Hearing


class SafetyRung:
    """Emergencies, self-harm, poisoning: a helpful text that no engine words anew."""

    name = "safety"
    threshold = 0.0
    last_resort = False

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def ask(self, hearing: Hearing) -> Offer | Declined:
        """Offer the fixed answer of the topic, if it is one."""
        fixed = self._guard.check(hearing.text)
        if fixed is None:
            return Declined("no topic with a fixed answer")
        return Offer(
            Tell(fixed.text),
            1.0,
            reason=f"topic {fixed.topic}",
            intent="safety",
            slots={"topic": fixed.topic},
        )
