"""One command matched against the sentence templates, with hassil doing the matching.

hassil tries every template; with hundreds of them that takes tens of milliseconds. So templates
whose literal words or needed values are not in the text are left out first, which never loses a
match.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hassil.errors import HassilError
from hassil.intents import (
    Intent,
    Intents,
    IntentsSettings,
    SlotList,
    TextSlotList,
)
from hassil.models import MatchEntity
from hassil.recognize import RecognizeResult, recognize_all

from edgebot.core.nlu import NluContext, SlotValue
from edgebot.nlu import slots
from edgebot.nlu.closed_values import CLOSED_KINDS, ClosedValues, stands_firm
from edgebot.nlu.household import RUNTIME_LISTS, household_lists, relaxed
from edgebot.nlu.prefilter import Prefilter
from edgebot.nlu.spoken import MAX_CHARS, Spoken, variants
from edgebot.nlu.templates import SentenceSet, Template

MAX_RESULTS = 300
"""Ways to match one text that are looked at; wildcards can multiply."""


@dataclass(frozen=True, slots=True)
class Match:
    """A template that fits a text, and how tightly."""

    template: Template
    slots: Mapping[str, SlotValue]
    open_chars: int
    """Characters taken by wildcards: words that nothing vouches for."""

    open_slots: int
    fixed_chars: int
    """Characters that the template or a known value vouches for."""

    answers: bool
    """The template is for the question that is open."""

    order: int
    """Ties go to what was read first."""

    @property
    def score(self) -> float:
        """0.7 … 1: all that is certain is what the template itself says."""
        return 1.0 - 0.3 * self.open_chars / max(1, self.open_chars + self.fixed_chars)

    @property
    def rank(self) -> tuple[Any, ...]:
        """Sorts the best first: fewest open characters, fewest wildcards, most literal text."""
        return (
            self.open_chars,
            self.open_slots,
            not self.answers,
            -self.fixed_chars,
            self.order,
        )


class TemplateMatcher:
    """All templates of one set. Safe to use from several threads."""

    def __init__(self, sentences: SentenceSet) -> None:
        self._sentences = sentences
        self._prefilter = Prefilter(sentences)
        self._relaxed = {id(each): relaxed(each.block) for each in sentences.templates}
        self._numbered: dict[int, tuple[int, Template]] = {}
        for number, template in enumerate(sentences.templates):
            for block in (template.block, self._relaxed[id(template)]):
                self._numbered[id(block)] = (number, template)
        self._readable = sentences.data.language in slots.languages()

    def match(self, spoken: Spoken, context: NluContext, now: datetime) -> list[Match]:
        """Every way ``spoken`` as a whole fits a template, the best first, one an intent."""
        if not spoken.words or len(spoken.text) > MAX_CHARS:
            return []
        found: list[Match] = []
        for step, variant in enumerate(variants(spoken, self._sentences.data)):
            found += self._variant(variant, step, context, now)
            if any(match.open_chars == 0 for match in found):
                break  # the template says it all: no other reading can fit more tightly
        best: dict[str, Match] = {}
        for match in sorted(found, key=lambda each: each.rank):
            best.setdefault(match.template.intent, match)
        return list(best.values())

    def _variant(
        self, variant: Spoken, step: int, context: NluContext, now: datetime
    ) -> Iterator[Match]:
        text = variant.text
        values = ClosedValues(text, self._sentences.data.language, now) if self._readable else None
        candidates = self._prefilter.candidates(text, context.state)
        candidates = [each for each in candidates if self._can_fill(each, values)]
        if not candidates:
            return
        lists = self._closed_lists(candidates, values)
        own, reopened = household_lists(self._sentences, context)
        found = 0
        for result in self._recognize(text, candidates, {**lists, **own}, context):
            for match in self._accept(result, variant, step, now, context):
                found += 1
                yield match
        # Names the household does not know are still names.
        again = candidates if not found else self._naming(candidates, reopened - RUNTIME_LISTS)
        if again and (reopened or not found):
            for result in self._recognize(text, again, lists, context, relax=not found):
                yield from self._accept(result, variant, step, now, context)

    @staticmethod
    def _naming(candidates: Iterable[Template], lists: frozenset[str]) -> list[Template]:
        return [each for each in candidates if not lists.isdisjoint(each.slots.values())]

    def _can_fill(self, template: Template, values: ClosedValues | None) -> bool:
        if values is None:
            return True
        kinds = (self._sentences.kind_of(template, name) for name in template.needs)
        return all(values.of(kind) for kind in kinds if kind in CLOSED_KINDS)

    def _closed_lists(
        self, candidates: Iterable[Template], values: ClosedValues | None
    ) -> dict[str, SlotList]:
        lists: dict[str, SlotList] = {}
        if values is None:
            return lists
        for template in candidates:
            for name in template.slots.values():
                kind = self._sentences.kind_of(template, name)
                if kind in CLOSED_KINDS and name not in lists:
                    lists[name] = TextSlotList(name=name, values=values.as_list(kind))
        return lists

    def _recognize(
        self,
        text: str,
        candidates: Sequence[Template],
        lists: Mapping[str, SlotList],
        context: NluContext,
        *,
        relax: bool = False,
    ) -> Iterator[RecognizeResult]:
        by_intent: dict[str, list[Any]] = {}
        for template in candidates:
            block = self._relaxed[id(template)] if relax else template.block
            by_intent.setdefault(template.intent, []).append(block)
        undefined = {
            name: self._sentences.list_of(template, name)
            for template in candidates
            for name in template.slots.values()
            if name not in self._sentences.lists and name not in template.lists
        }
        around: dict[str, Any] = {"state": context.state}
        if context.area is not None:
            around["area"] = {"value": context.area, "text": context.area}
        results = recognize_all(
            text,
            Intents(
                language=self._sentences.language,
                intents={name: Intent(name, blocks) for name, blocks in by_intent.items()},
                slot_lists={**undefined, **self._sentences.lists, **lists},
                expansion_rules=dict(self._sentences.rules),
                skip_words=list(self._sentences.skip_words),
                settings=IntentsSettings(ignore_whitespace=self._sentences.ignore_whitespace),
            ),
            intent_context=around,
            language=self._sentences.language,
        )
        try:
            yield from itertools.islice(results, MAX_RESULTS)
        except (HassilError, RecursionError):
            return

    def _accept(
        self,
        result: RecognizeResult,
        variant: Spoken,
        step: int,
        now: datetime,
        context: NluContext,
    ) -> Iterator[Match]:
        number, template = self._numbered[id(result.intent_data)]
        found: dict[str, SlotValue] = {}
        open_chars = open_slots = 0
        previous: MatchEntity | None = None
        for entity in result.entities_list:
            value = entity.value
            if entity.is_wildcard:
                value = self._read(template, entity, variant, now)
                if value is None:
                    return
                open_chars += len(entity.text.strip())
                open_slots += 1
            elif not stands_firm(entity, previous):
                return
            elif isinstance(value, float) and value.is_integer():
                value = int(value)  # hassil reads "5" as 5.0
            _put(found, entity.name, value)
            previous = entity
        answers = bool(context.state) and context.state in template.states
        only_open = open_slots == len(result.entities_list) and not result.text_chunks_matched
        if open_slots and only_open and not answers:
            return  # any words at all would fit
        letters = len(variant.text)
        yield Match(
            template=template,
            slots=found,
            open_chars=open_chars,
            open_slots=open_slots,
            fixed_chars=max(0, letters - open_chars),
            answers=answers,
            order=step * len(self._numbered) + number,
        )

    def _read(
        self, template: Template, entity: MatchEntity, variant: Spoken, now: datetime
    ) -> SlotValue | None:
        """The value of a wildcard's words, from what was really written; None when it has none."""
        kind = self._sentences.kind_of(template, template.slots.get(entity.name, entity.name))
        span = entity.text_span
        said = variant.source(*span) if span else ""
        said = said or entity.text
        if not self._readable:
            return said.strip() or None
        return slots.read(kind or "text", said, self._sentences.data.language, now)


def _put(found: dict[str, SlotValue], name: str, value: SlotValue) -> None:
    """A slot filled twice holds a list of both."""
    if name not in found:
        found[name] = value
    elif isinstance(found[name], list):
        found[name] = [*found[name], value]
    else:
        found[name] = [found[name], value]
