"""The dialogue that is open: what was said may answer a question of ours."""

from __future__ import annotations

from edgebot.core.nlu import Parse, SlotValue, Understander
from edgebot.dialogue import intents
from edgebot.dialogue.acts import Act, AskAgain, Commands, Declined, Offer, Say
from edgebot.dialogue.hearing import Hearing
from edgebot.dialogue.resolve import Resolver
from edgebot.dialogue.session import Call, State
from edgebot.dialogue.skill import Question, Slot

ALL = "*"
"""The answer that means every option."""

TRIES = 1
"""How often we ask again before we let the matter rest."""


class OpenQuestionRung:
    """Takes answers: a slot asked for, a yes or no, a choice."""

    name = "dialogue"
    threshold = 0.0
    last_resort = False

    def __init__(self, understander: Understander, resolver: Resolver) -> None:
        self._understander = understander
        self._resolver = resolver

    def ask(self, hearing: Hearing) -> Offer | Declined:
        """Offer to go on with what the question was about."""
        question = hearing.state.question
        if question is None:
            return Declined("no question is open")
        if hearing.is_long:
            return Declined("too long for an answer")
        parses = hearing.parses(self._understander)
        others = [parse for parse in parses if parse.intent not in intents.OWN]
        same = next((parse for parse in parses if parse.intent == question.intent), None)
        if same is not None and same.slots:
            slots = {**question.slots, **same.slots}
            return self._go_on(hearing.state, question, slots, same.score, same.template)
        given = next((parse for parse in parses if parse.intent == intents.ANSWER), None)
        if given is not None and "value" not in given.slots and given.slots:
            slots = {**question.slots, **given.slots}  # "when?" – "every Monday at eight"
            return self._go_on(hearing.state, question, slots, given.score, given.template)
        value = given.slots.get("value") if given else None
        if value is None and (not others or question.slot_kind == "text"):
            value = self._read(question, hearing.text)
        if question.kind == "choice" and value == ALL:
            return self._take_all(hearing.state, question, given)
        if question.kind == "choice" and value is not None:
            value = choose(question, value)
        if value is None:
            return self._unanswered(hearing.state, question, bool(others))
        return self._take(hearing.state, question, value, given)

    def _take_all(self, state: State, question: Question, parse: Parse | None) -> Offer:
        """Carry on with every option: the answer to "which one?" was "both"."""
        calls = tuple(
            Call(question.intent, {**question.slots, question.slot: option.value})
            for option in question.options
        )
        act = Commands((*calls, *state.queue))
        template = parse.template if parse else ""
        return self._offer(act, question, {}, 1.0, "answers our question: all", template)

    def _take(
        self, state: State, question: Question, value: SlotValue, parse: Parse | None
    ) -> Offer:
        score = parse.score if parse else 0.9
        template = parse.template if parse else ""
        if question.kind != "yes_no":
            slots = {**question.slots, question.slot: value}
            return self._go_on(state, question, slots, score, template)
        if value:
            return self._go_on(state, question, dict(question.slots), score, template, True)
        return self._offer(Say(question.no), question, {}, score, "answered no", template)

    def _go_on(
        self,
        state: State,
        question: Question,
        slots: dict[str, SlotValue],
        score: float,
        template: str,
        confirmed: bool = False,
    ) -> Offer:
        call = Call(question.intent, slots, confirmed=confirmed)
        act = Commands((call, *state.queue))
        return self._offer(act, question, slots, score, "answers our question", template)

    @staticmethod
    def _offer(
        act: Act,
        question: Question,
        slots: dict[str, SlotValue],
        score: float,
        reason: str,
        template: str,
    ) -> Offer:
        details = {"question": question.reply, "template": template}
        return Offer(
            act,
            score,
            intent=question.intent,
            slots=slots,
            reason=reason,
            details=details,
            whole=True,
        )

    @staticmethod
    def _unanswered(state: State, question: Question, other: bool) -> Offer | Declined:
        if other:
            return Declined(f"no answer to {question.reply!r}, but something else")
        if state.tries >= TRIES:
            return Declined(f"no answer to {question.reply!r} again: the matter rests")
        return Offer(
            AskAgain(),
            0.5,
            route="repair",
            intent=question.intent,
            slots=dict(question.slots),
            reason=f"no answer to {question.reply!r}: ask again",
        )

    def _read(self, question: Question, text: str) -> SlotValue | None:
        if question.kind == "yes_no":
            return self._resolver.read(Slot("value", "yes_no"), text)
        if question.kind == "choice":
            ordinal = self._resolver.read(Slot("value", "ordinal"), text)
            return text if ordinal is None else ordinal
        return self._resolver.read(Slot(question.slot, question.slot_kind), text)


def choose(question: Question, said: SlotValue) -> SlotValue | None:
    """The option that ``said`` means: by position (1 is the first) or by what it is called."""
    options = question.options
    if isinstance(said, int | float) and not isinstance(said, bool):
        place = int(said)
        if place == -1 or 1 <= place <= len(options):
            return options[place - 1 if place > 0 else -1].value
        return None
    words = set(str(said).casefold().split())
    overlaps = [len(words & set(str(option.label).casefold().split())) for option in options]
    best = max(overlaps, default=0)
    if best and overlaps.count(best) == 1:
        return options[overlaps.index(best)].value
    return None
