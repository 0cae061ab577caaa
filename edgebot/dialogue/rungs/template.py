"""Sentence templates: fast, exact, explainable."""

from __future__ import annotations

from edgebot.core.nlu import Parse, Understander
from edgebot.dialogue import intents
from edgebot.dialogue.acts import Act, Commands, Declined, Offer, Say
from edgebot.dialogue.hearing import Hearing
from edgebot.dialogue.resolve import Resolver, Unresolved
from edgebot.dialogue.skillset import SkillSet


class TemplateRung:
    """One command that a template matches, or several in a row."""

    name = "template"
    threshold = 0.0
    last_resort = False

    def __init__(self, understander: Understander, resolver: Resolver, skills: SkillSet) -> None:
        self._understander = understander
        self._resolver = resolver
        self._skills = skills

    def ask(self, hearing: Hearing) -> Offer | Declined:
        """Offer to carry out what the templates understood."""
        if hearing.is_long:
            return Declined("too long for a command")
        parses = [p for p in hearing.parses(self._understander) if p.intent != intents.ANSWER]
        if not parses:
            return Declined("no template matches")
        try:
            act = self._act(parses, hearing)
        except Unresolved as problem:
            return Declined(str(problem), {"template": parses[0].template})
        first = act.calls[0] if isinstance(act, Commands) else None
        details = {
            "templates": [parse.template for parse in parses],
            "intents": [parse.intent for parse in parses],
            "alternatives": [list(pair) for pair in parses[0].alternatives],
        }
        return Offer(
            act,
            min(parse.score for parse in parses),
            intent=first.intent if first else parses[0].intent,
            slots=first.slots if first else dict(parses[0].slots),
            reason="; ".join(str(parse.intent) for parse in parses),
            stands_by=isinstance(act, Commands) and not self._known(act, hearing),
            details=details,
            whole=all(parse.matcher == "template" for parse in parses),
        )

    def _known(self, act: Commands, hearing: Hearing) -> bool:
        person = hearing.turn.person
        return any(self._skills.knows(call.intent, call.slots, person) for call in act.calls)

    def _act(self, parses: list[Parse], hearing: Hearing) -> Act:
        try:
            calls = tuple(self._resolver.call(parse, hearing.state) for parse in parses)
        except Unresolved as problem:
            if problem.reply and len(parses) == 1:
                return Say(problem.reply)
            raise
        unknown = [call for call in calls if self._skills.find(call.intent) is None]
        if not unknown:
            return Commands(calls)
        # A person's own intent file: understood, but nobody here acts on it.
        call = unknown[0]
        words = [f"{name.replace('_', ' ')} {value}" for name, value in call.slots.items()]
        key = "intent.understood_slots" if words else "intent.understood"
        return Say(key, {"intent": call.intent.replace("_", " "), "slots": words})
