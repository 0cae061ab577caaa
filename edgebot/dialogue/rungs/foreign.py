"""What was said in a language that the assistant does not speak."""

from __future__ import annotations

from edgebot.dialogue.acts import Declined, Offer, Say
from edgebot.dialogue.hearing import Hearing
from edgebot.dialogue.tongues import foreign


class ForeignRung:
    """Says which language it understands, before a language model makes something up.

    Small models take up another language readily and tell the time in it, which they do not know;
    the voice could not pronounce it either.
    """

    name = "foreign"
    threshold = 0.0
    last_resort = False

    def __init__(self, language: str) -> None:
        self._language = language

    def ask(self, hearing: Hearing) -> Offer | Declined:
        """Offer to say so when the text is plainly in another language."""
        heard = foreign(hearing.text, self._language)
        if heard is None:
            return Declined("no other language")
        return Offer(Say("repair.foreign"), 0.9, route="repair", reason=f"sounds like {heard}")
