"""Slots of a known intent, looked for anywhere in a text that no template fits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from hassil.expression import TextChunk
from hassil.intents import TextSlotList

from edgebot.core.nlu import NluContext, SlotValue
from edgebot.nlu import slots
from edgebot.nlu.household import household_lists
from edgebot.nlu.slots import Found
from edgebot.nlu.spoken import Spoken
from edgebot.nlu.templates import SentenceSet, Template


def loose_slots(
    sentences: SentenceSet, intent: str, spoken: Spoken, context: NluContext, now: datetime
) -> Mapping[str, SlotValue]:
    """Values in ``spoken`` for the slots that the templates of ``intent`` have.

    The longest piece of text goes first and no piece is used twice. Open words (an item, a
    reminder's text) cannot be told from their surroundings: those slots stay empty.
    """
    places = [
        (name, found)
        for name, list_name, template in _slots(sentences, intent)
        for found in _finds(sentences, template, list_name, spoken.text, context, now)
    ]
    chosen: dict[str, SlotValue] = {}
    taken: list[Found] = []
    for name, found in sorted(places, key=lambda place: place[1].start - place[1].end):
        free = all(found.end <= other.start or found.start >= other.end for other in taken)
        if free and name not in chosen:
            chosen[name] = found.value
            taken.append(found)
    return chosen


def _slots(sentences: SentenceSet, intent: str) -> Iterator[tuple[str, str, Template]]:
    seen: set[str] = set()
    for template in sentences.templates:
        if template.intent != intent or template.states:
            continue
        for name, list_name in template.slots.items():
            if name not in seen:
                seen.add(name)
                yield name, list_name, template


def _finds(
    sentences: SentenceSet,
    template: Template,
    list_name: str,
    text: str,
    context: NluContext,
    now: datetime,
) -> Iterator[Found]:
    own, _ = household_lists(sentences, context)
    known = own.get(list_name) or sentences.list_of(template, list_name)
    if isinstance(known, TextSlotList):
        yield from _listed(known, text)
    kind = sentences.kind_of(template, list_name)
    if kind is not None and sentences.data.language in slots.languages():
        yield from slots.find(kind, text, sentences.data.language, now)


def _listed(known: TextSlotList, text: str) -> Iterator[Found]:
    """Values of a list that are written out in the text."""
    for value in known.values:
        if not isinstance(value.text_in, TextChunk):
            continue
        said = value.text_in.text.strip()
        for match in re.finditer(rf"(?<!\w){re.escape(said)}(?!\w)", text, re.IGNORECASE):
            out = said if value.value_out is None else value.value_out
            yield Found(out, match.start(), match.end(), match.group())
