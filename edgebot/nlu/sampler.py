"""Sentences made from templates: for tests, for the help, for the speech grammar."""

from __future__ import annotations

import functools
import random
from collections.abc import Mapping, Sequence
from typing import Any

from hassil.expression import (
    Alternative,
    Expression,
    Group,
    ListReference,
    Permutation,
    RuleReference,
    Sentence,
    TextChunk,
)
from hassil.intents import IntentData, RangeSlotList, TextSlotList
from hassil.numbers import get_rbnf_engine

from edgebot.nlu.household import said
from edgebot.nlu.syntax import parse
from edgebot.nlu.templates import SentenceSet, Template

_NOTHING = IntentData(sentence_texts=[""])


class NoExample(LookupError):
    """Nobody says what a slot is filled with."""


class Sampler:
    """Draws sentences; the same seed gives the same sentences."""

    def __init__(
        self,
        sentences: SentenceSet,
        seed: int = 0,
        household: Mapping[str, Sequence[str | Mapping[str, Any]]] | None = None,
    ) -> None:
        self._sentences = sentences
        self._random = random.Random(seed)
        self._household = {name: said(values) for name, values in (household or {}).items()}

    def sample(self, template: Template) -> str:
        """One sentence of ``template``; raises :class:`NoExample` where a slot has no example."""
        return self.draw(template.sentence.expression, template)

    def draw(self, expression: Expression, template: Template) -> str:
        """One way to say a part of ``template``, or a value one of its slots may have."""
        return _squeezed(self._draw(expression, template))

    def draw_free(self, expression: Expression) -> str:
        """One way to say ``expression``, which belongs to no template; slots are kinds or lists.

        Raises :class:`NoExample` where nobody says what a slot is filled with.
        """
        return self.draw(
            expression, Template("", "", "", frozenset(), _NOTHING, {}, frozenset(), {})
        )

    def values(self, template: Template, list_name: str) -> list[Sentence]:
        """Sentences that say how the list ``list_name`` is filled, itself excepted."""
        examples = self._sentences.examples.get(list_name, ())
        kind = self._sentences.kind_of(template, list_name)
        if not examples and kind is not None:
            named = self._sentences.data.examples.get(list_name, ())
            examples = named or self._sentences.data.examples.get(kind, ())
        own = self._household.get(list_name, [])
        return [_plain(value) for value in own] + [_parsed(each) for each in examples]

    def _draw(self, expression: Expression, template: Template) -> str:
        if isinstance(expression, TextChunk):
            return str(expression.original_text)
        if isinstance(expression, Alternative):
            return self._draw(self._random.choice(expression.items), template)
        if isinstance(expression, Permutation):
            items = self._random.sample(expression.items, len(expression.items))
            return " ".join(self._draw(item, template) for item in items)
        if isinstance(expression, Group):
            return "".join(self._draw(item, template) for item in expression.items)
        if isinstance(expression, RuleReference):
            rule = template.rules.get(expression.rule_name) or self._sentences.rules.get(
                expression.rule_name
            )
            if rule is None:
                raise NoExample(f"<{expression.rule_name}>")
            return self._draw(rule.expression, template)
        if isinstance(expression, ListReference):
            return self._fill(expression, template)
        raise TypeError(f"no such expression: {expression!r}")

    def _fill(self, reference: ListReference, template: Template) -> str:
        if inline := reference.get_inline_range():
            return self._number(*inline)
        name = reference.list_name
        known = self._sentences.list_of(template, name)
        if isinstance(known, RangeSlotList):
            return self._number(known.start, known.stop, known.step)
        choices = [each.expression for each in self.values(template, name)]
        if isinstance(known, TextSlotList):
            choices += [value.text_in for value in known.values]
        if not choices:
            raise NoExample(name)
        return self._draw(self._random.choice(choices), template)

    def _number(self, start: int, stop: int, step: int) -> str:
        return in_words(self._random.choice(range(start, stop + 1, step)), self._sentences.language)


@functools.lru_cache(maxsize=4096)
def in_words(number: int, language: str) -> str:
    """``number`` as it is said, such as "forty two"; digits where the language is unknown."""
    try:
        forms = get_rbnf_engine(language).format_number(number).text_by_ruleset
    except ValueError:
        return str(number)
    spelt = forms.get("spellout-cardinal") or next(iter(forms.values()))
    return str(spelt).replace("-", " ").replace("\u00ad", "")


@functools.lru_cache(maxsize=2048)
def _parsed(text: str) -> Sentence:
    return parse(text)


def _plain(text: str) -> Sentence:
    return Sentence(expression=TextChunk(text))


def _squeezed(text: str) -> str:
    return " ".join(text.split())
