"""The intent classifier: paraphrases that no template covers."""

from __future__ import annotations

from edgebot.core.nlu import Understander
from edgebot.dialogue.acts import Commands, Declined, Offer
from edgebot.dialogue.hearing import Hearing
from edgebot.dialogue.resolve import Resolver, Unresolved
from edgebot.dialogue.skillset import SkillSet


class ClassifierRung:
    """Offers its best intent; what is out of scope goes on down the ladder."""

    name = "classifier"
    last_resort = False

    def __init__(
        self,
        understander: Understander,
        resolver: Resolver,
        skills: SkillSet,
        threshold: float = 0.6,
    ) -> None:
        self._understander = understander
        self._resolver = resolver
        self._skills = skills
        self.threshold = threshold

    def ask(self, hearing: Hearing) -> Offer | Declined:
        """Offer to carry out the likeliest intent."""
        if hearing.is_long:
            return Declined("too long for a command")
        parse = self._understander.classify(hearing.text, hearing.context)
        details = {"alternatives": [list(pair) for pair in parse.alternatives[:5]]}
        if parse.intent is None:
            return Declined("out of scope", details)
        try:
            call = self._resolver.call(parse, hearing.state)
        except Unresolved as problem:
            return Declined(str(problem), details)
        if self._skills.find(call.intent) is None:
            return Declined(f"no skill does {call.intent}", details)
        return Offer(
            Commands((call,)), parse.score, intent=call.intent, slots=call.slots,
            reason=call.intent, details=details,
            stands_by=not self._skills.knows(call.intent, call.slots, hearing.turn.person),
        )  # fmt: skip
