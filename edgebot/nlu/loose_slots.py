"""Slots of a known intent, looked for anywhere in a text that no template fits.

Recognisers mishear the small words of a sentence far more often than the words that carry it ("I'd
like *and* iced mocha"), so what a template says *between* its slots is worth little then, and the
values themselves are worth nearly all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hassil.expression import Expression, ListReference, Sentence, TextChunk
from hassil.expression import Sequence as ExpressionSequence
from hassil.intents import RangeSlotList, SlotList, TextSlotList
from hassil.recognize import is_match

from edgebot.core.nlu import NluContext, SlotValue
from edgebot.nlu import slots
from edgebot.nlu.household import household_lists
from edgebot.nlu.slots import Found
from edgebot.nlu.spoken import Spoken
from edgebot.nlu.syntax import literals
from edgebot.nlu.templates import SentenceSet, Template

_LONGEST_VALUE = 7
"""Words of a list value; longer ones are only found by templates."""


@dataclass(frozen=True, slots=True)
class Loose:
    """What a text says about one intent, whatever stands between."""

    intent: str
    slots: Mapping[str, SlotValue]
    explained: float
    """Share of the words that are values or occur in the intent's templates, 0 … 1."""

    complete: bool
    """Some template of the intent needs no more than these slots, and one at least."""


def loose_slots(
    sentences: SentenceSet, intent: str, spoken: Spoken, context: NluContext, now: datetime
) -> Loose:
    """Values in ``spoken`` for the slots that the templates of ``intent`` have.

    The longest piece of text goes first and no piece is used twice. Open words (an item, a
    reminder's text) cannot be told from their surroundings: those slots stay empty.
    """
    templates = [each for each in sentences.templates if each.intent == intent and not each.states]
    places = [
        (name, found)
        for name, list_name, template in _slots(templates)
        for found in _finds(sentences, template, list_name, spoken, context, now)
    ]
    chosen: dict[str, SlotValue] = {}
    taken: list[Found] = []
    for name, found in sorted(places, key=lambda place: place[1].start - place[1].end):
        free = all(found.end <= other.start or found.start >= other.end for other in taken)
        if free and name not in chosen:
            chosen[name] = found.value
            taken.append(found)
    filled = {
        template.slots[name] for template in templates for name in chosen.keys() & template.slots
    }
    return Loose(
        intent,
        chosen,
        _explained(templates, spoken, taken),
        any(template.needs and template.needs <= filled for template in templates),
    )


def _explained(templates: Sequence[Template], spoken: Spoken, taken: Sequence[Found]) -> float:
    known = {
        word
        for template in templates
        for word in literals(template.sentence.expression, template.rules)
    }
    explained = position = 0
    for word in spoken.words:
        inside = any(found.start <= position < found.end for found in taken)
        explained += inside or word.key in known
        position += len(word.text) + 1
    return explained / max(1, len(spoken.words))


def _slots(templates: Sequence[Template]) -> Iterator[tuple[str, str, Template]]:
    seen: set[str] = set()
    for template in templates:
        for name, list_name in template.slots.items():
            if name not in seen:
                seen.add(name)
                yield name, list_name, template


def _finds(
    sentences: SentenceSet,
    template: Template,
    list_name: str,
    spoken: Spoken,
    context: NluContext,
    now: datetime,
) -> Iterator[Found]:
    own, _ = household_lists(sentences, context)
    known = own.get(list_name) or sentences.list_of(template, list_name)
    if isinstance(known, TextSlotList | RangeSlotList):
        yield from _listed(known, spoken, sentences, template)
    kind = sentences.kind_of(template, list_name)
    if kind is not None and sentences.data.language in slots.languages():
        yield from slots.find(kind, spoken.text, sentences.data.language, now)


def _listed(
    known: SlotList, spoken: Spoken, sentences: SentenceSet, template: Template
) -> Iterator[Found]:
    """The longest value of a list at each word."""
    name = "value"
    whole = Sentence(expression=_only(name))
    words = [word.text for word in spoken.words]
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word) + 1)
    begins = _first_words(known)
    for first in range(len(words)):
        if begins is not None and words[first].casefold() not in begins:
            continue
        for behind in range(min(len(words), first + _LONGEST_VALUE), first, -1):
            text = " ".join(words[first:behind])
            match = is_match(
                text,
                whole,
                slot_lists={name: known},
                expansion_rules=dict(template.rules),
                language=sentences.language,
            )
            if match is not None and match.entities:
                yield Found(
                    _value(match.entities[0].value), starts[first], starts[first] + len(text), text
                )
                break


def _only(name: str) -> Expression:
    return ExpressionSequence(items=[ListReference(list_name=name)])


def _first_words(known: SlotList) -> set[str] | None:
    """Words that some value begins with; None where that cannot be told at a glance."""
    if not isinstance(known, TextSlotList):
        return None
    if not all(isinstance(value.text_in, TextChunk) for value in known.values):
        return None
    texts = [value.text_in.text for value in known.values if isinstance(value.text_in, TextChunk)]
    return {text.split()[0].casefold() for text in texts if text.split()}


def _value(value: SlotValue) -> SlotValue:
    """hassil puts the words that were said, blanks and all, where a value has no other meaning."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.strip() if isinstance(value, str) else value
