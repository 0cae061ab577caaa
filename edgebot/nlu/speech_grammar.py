"""What a recogniser may expect to hear, made from the templates of the open state.

Vosk builds a bigram model with back-off from the phrases it is given: to it they are training
sentences, not the only paths. So the phrases have to hold every pair of neighbouring words that
can be said, in about the proportion in which they are said. Drawing sentences until no new pair
turns up takes a few hundred phrases where listing every sentence would take millions.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from hassil.intents import RangeSlotList, TextSlotList

from edgebot.core.nlu import NluContext
from edgebot.nlu.household import said
from edgebot.nlu.sampler import NoExample, Sampler, in_words
from edgebot.nlu.spoken import Spoken, clean, signs_as_words
from edgebot.nlu.templates import SentenceSet, Template

_ALL = 2_400
"""Phrases that the templates of a state share; each may have :data:`_FEWEST` though."""

_FEWEST = 24
"""Phrases any template may have: one with many options must not outweigh the others."""

_MOST_VALUES = 400
"""Phrases of one list or kind of slot."""

_VERSION = 2
"""Goes up when the same templates would give other phrases."""


class SpeechGrammar:
    """Phrases for a recogniser, by state. Safe to use from several threads.

    What the templates give is the same until they change: it is kept in ``cache`` between runs,
    or was ``prepared`` in a folder that is only read.
    The household's own names come on top with every call.
    """

    def __init__(
        self, sentences: SentenceSet, cache: Path | None = None, prepared: Path | None = None
    ) -> None:
        self._sentences = sentences
        self._cache = cache
        self._prepared = prepared
        self._kept: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()

    def phrases(self, context: NluContext) -> Sequence[str]:
        """Phrases for the question that is open and the household's own names, lower case."""
        with self._lock:
            if context.state not in self._kept:
                self._kept[context.state] = self._templates_phrases(context.state)
            phrases = self._kept[context.state]
        names = (name for values in context.lists.values() for name in said(values))
        return (*phrases, *(phrase for name in names for phrase in self._spoken(name)))

    def _templates_phrases(self, state: str) -> tuple[str, ...]:
        name = self._file_name(state)
        for folder in (self._cache, self._prepared):
            try:
                if folder is not None:
                    return tuple((folder / name).read_text(encoding="utf-8").splitlines())
            except (OSError, UnicodeDecodeError):
                pass  # not there yet: made below
        made = tuple(self._make(NluContext(state)))
        if self._cache is not None:
            _keep(self._cache / name, made)
        return made

    def _file_name(self, state: str) -> str:
        key = hashlib.sha256(f"{_VERSION} {self._sentences.digest} {state}".encode()).hexdigest()
        return f"{key[:32]}.txt"

    def _make(self, context: NluContext) -> Iterator[str]:
        sampler = Sampler(self._sentences, 0, context.lists)
        lists: dict[str, Template] = {}
        templates = list(self._sentences.in_state(context.state))
        most = max(_FEWEST, _ALL // max(1, len(templates)))
        for template in templates:
            for name in template.slots.values():
                lists.setdefault(name, template)
            yield from self._covering(functools.partial(sampler.sample, template), most)
        for name, template in lists.items():
            yield from self._values(sampler, template, name)
        for courtesy in (*self._sentences.data.padding_start, *self._sentences.data.padding_end):
            yield from self._spoken(courtesy)

    def _values(self, sampler: Sampler, template: Template, name: str) -> Iterator[str]:
        """Phrases that cover what a list or slot is filled with."""
        known = self._sentences.list_of(template, name)
        if isinstance(known, RangeSlotList):
            numbers = list(range(known.start, known.stop + 1, known.step))[:_MOST_VALUES]
            for number in numbers:
                yield from self._spoken(in_words(number, self._sentences.language))
            return
        values = [each.expression for each in sampler.values(template, name)]
        if isinstance(known, TextSlotList):
            values += [value.text_in for value in known.values]
        most = _MOST_VALUES // max(1, len(values)) + 1
        for value in values:
            yield from self._covering(functools.partial(sampler.draw, value, template), most)

    def _covering(self, draw: Callable[[], str], most: int) -> Iterator[str]:
        """Phrases drawn until for long none brings a new pair of words, ``most`` at most."""
        pairs: set[tuple[str, str]] = set()
        patience = max(12, most // 8)
        idle = found = 0
        while idle < patience and found < most:
            try:
                phrase = self._plain(draw())
            except NoExample:
                return
            fresh = set(itertools.pairwise(["", *phrase.split(), ""])) - pairs
            if not phrase or not fresh:
                idle += 1
                continue
            pairs |= fresh
            idle, found = 0, found + 1
            yield from self._contracted(phrase)

    def _spoken(self, phrase: str) -> Iterator[str]:
        """``phrase`` as recognisers write it, contracted too where it can be."""
        if plain := self._plain(phrase):
            yield from self._contracted(plain)

    def _plain(self, phrase: str) -> str:
        """``phrase`` in lower case, with signs and figures as words."""
        plain = Spoken("", tuple(signs_as_words(clean(phrase).words, self._sentences.data)))
        words: list[str] = []
        for word in plain.text.lower().replace("-", " ").split():
            if word.isdecimal() and len(word) < 7:
                words += in_words(int(word), self._sentences.language).split()
            elif any(map(str.isalpha, word)):
                words.append(word)
        return " ".join(words)

    def _contracted(self, phrase: str) -> Iterator[str]:
        """``phrase`` and, for each contraction that fits, the phrase with it."""
        yield phrase
        padded = f" {phrase} "
        for short, long in self._sentences.data.rewrites.items():
            if f" {long} " in padded:
                yield padded.replace(f" {long} ", f" {short} ", 1).strip()


def _keep(file: Path, phrases: Sequence[str]) -> None:
    """Save ``phrases``; a cache that cannot be written is only slow."""
    fresh = file.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text("\n".join(phrases), encoding="utf-8")
        fresh.replace(file)
