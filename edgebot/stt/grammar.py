"""A list of expected phrases as Vosk takes it, with a way out for everything else.

Vosk trains a bigram model with back-off on the phrases: they are samples of what may be said, not
the only paths, and every word of theirs may follow every other at a price. Speech that is none of
the phrases is therefore pressed into their words. Two things tell that this happened:

- *fillers*: some hundred short words of the model's vocabulary, each about a syllable, compete with
  the phrases (a garbage model; this is what ``[unk]`` does in models whose word list has it). What
  is no phrase is heard as a row of fillers;
- *strange pairs*: neighbouring words that stand side by side in no phrase.

See Bourlard et al., "Optimizing recognition and rejection performance in wordspotting systems",
ICASSP 1994, for competing garbage models.
"""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from edgebot.stt.vocabulary import Vocabulary, words_of

FILLERS = 300
"""Fillers in a grammar; measured: see docs/speech.md."""

FILLER_WEIGHT = 0.1
"""Filler sentences for each phrase of the grammar: enough to be heard where no phrase fits, too
few to take a short word (yes, no, two) away from a phrase."""

FAMILIAR, CONFIDENT = 0.9, 0.8
"""Share of familiar neighbours and mean word confidence from which words are taken as a phrase."""

STRANGE = 0.5
"""Share of familiar neighbours below which they are not worth a comparison."""

_START, _END = "<s>", "</s>"
_LOG = logging.getLogger(__name__)

Verdict = Literal["mine", "doubtful", "foreign"]


@dataclass(frozen=True, slots=True)
class Grammar:
    """Phrases compiled against one model's vocabulary."""

    phrases_json: str
    """What Vosk is given: a JSON array of phrases."""

    fillers: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    """Neighbouring words in the phrases, their ends included."""

    respelled: Mapping[tuple[str, ...], str]
    """Pieces in place of a word the model does not know → that word."""

    unknown: tuple[str, ...]
    """Words that could not be written with the model's words; their phrases are left out."""

    def judge(self, words: Sequence[str], confidence: float) -> Verdict:
        """Whether ``words``, as decoded with this grammar, are one of its phrases.

        ``doubtful`` asks for a second reading; ``foreign`` is hardly a phrase at all.
        """
        fillers = sum(word in self.fillers for word in words)
        familiar = self.familiarity(words)
        if words and not fillers and familiar >= FAMILIAR and confidence >= CONFIDENT:
            return "mine"
        if fillers * 2 >= len(words) or familiar < STRANGE:
            return "foreign"
        return "doubtful"

    def familiarity(self, words: Sequence[str]) -> float:
        """Share of the neighbours in ``words`` that are neighbours in a phrase too, 0 … 1."""
        chain = [_START, *words, _END]
        pairs = list(itertools.pairwise(chain))
        return sum(pair in self.pairs for pair in pairs) / len(pairs)

    def spoken(self, text: str, vocabulary: Vocabulary) -> list[str]:
        """``text`` of another recogniser in the words this grammar is written in."""
        return [piece for word in words_of(text) for piece in vocabulary.spell(word) or (word,)]


def compile_grammar(phrases: Sequence[str], vocabulary: Vocabulary) -> Grammar:
    """Compile ``phrases``; words the model lacks are respelled, or named in a warning."""
    spelled: dict[str, tuple[str, ...]] = {}
    sentences: list[list[str]] = []
    unknown: dict[str, None] = {}
    for phrase in phrases:
        words = words_of(phrase)
        for word in words:
            if word not in spelled:
                spelled[word] = vocabulary.spell(word)
        missing = [word for word in words if not spelled[word]]
        unknown.update(dict.fromkeys(missing))
        if words and not missing:
            sentences.append([piece for word in words for piece in spelled[word]])
    if unknown:
        _LOG.warning(
            "not in the vocabulary of the speech model, phrases with them are not listened for: %s",
            ", ".join(unknown),
        )
    pairs = {
        pair
        for sentence in sentences
        for pair in zip([_START, *sentence], [*sentence, _END], strict=True)
    }
    own = {word for sentence in sentences for word in sentence}
    fillers = tuple(word for word in vocabulary.fillers(FILLERS) if word not in own)
    return Grammar(
        json.dumps(_weighted([" ".join(words) for words in sentences], fillers)),
        frozenset(fillers),
        frozenset(pairs),
        {pieces: word for word, pieces in spelled.items() if len(pieces) > 1},
        tuple(unknown),
    )


def _weighted(phrases: list[str], fillers: tuple[str, ...]) -> list[str]:
    """Both lists, the shorter repeated so that their sizes are as ``FILLER_WEIGHT`` says."""
    if not phrases:
        return list(fillers)
    wanted = FILLER_WEIGHT * len(phrases)
    if len(fillers) > wanted:
        return phrases * round(len(fillers) / wanted) + list(fillers)
    return phrases + list(fillers) * round(wanted / len(fillers)) if fillers else phrases
