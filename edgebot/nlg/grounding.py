"""Checks that a sentence says only what the passages say.

A cheap lexical check, strict where inventions do harm: every number and every name must stand in
the passages (or in the question), and nearly all other words that carry meaning must have a
relative there. It cannot see a wrong combination of right words; it does see what was made up.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from edgebot.core.knowledge import Passage

_WORD = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)?")
_ENDINGS = re.compile(r"(?:ing|ed|er|est|ly|ion|al|en|em|es|e|n|s)s?$")
_STEM = 6
"""Letters in which two words without their endings must agree: heats, heating, heater."""

_SHORT = 4

_SUPPORT = 0.8
"""Share of the meaningful words that must have a relative in the passages."""

_COUNTED = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen twenty
"""
_NUMBERS = {word: str(value) for value, word in enumerate(_COUNTED.split())} | {
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "sixty": "60",
    "hundred": "100",
}

_SHRUG = re.compile(
    r"\b(?:(?:do|does|did|can|could|is|are|was|were)(?: not|n['’]t)|not|no)\b[^.]{0,40}"
    r"\b(?:know|say|state|mention|specif|provide|contain|inform|answer|tell|given)"
    r"|\bunknown\b|\bweiß (?:ich )?nicht\b|\bsteht nicht\b",
    re.IGNORECASE,
)

_COMMON = """
a an the this that these those it its he she they them their his her i you we our your my me us is
are was were be been being am do does did done has have had having will would can could may might
must shall should not no yes of in on at by for from to with without about as into onto over under
between through during before after than then so but and or nor if because since while when where
which who whom whose what how why there here also only just very more most less least such same
other another any some each every all both either neither one ones called named known located found
according text passage mentioned states stated says said means answer question
der die das den dem des ein eine einer eines einem einen und oder aber nicht kein keine ist sind war
waren wird werden wurde wurden hat haben hatte hatten kann können muss müssen soll in im an am auf
aus bei mit nach von vom zu zum zur für über unter vor durch um ohne gegen als wie wenn dass weil
er sie es wir ihr ich du man sich auch nur noch schon sehr dort hier da
"""
_STOP = frozenset(_COMMON.split())


class Evidence:
    """The words of some passages and a question, ready to be compared with."""

    def __init__(self, passages: Sequence[Passage], question: str) -> None:
        texts = [text for passage in passages for text in (passage.title, passage.text)]
        self._told = set(_words(texts))
        self._told_stems = {_stem(word) for word in self._told}
        self._asked = set(_words([question]))
        self._asked_stems = {_stem(word) for word in self._asked}

    def objection(self, sentence: str) -> str:
        """Why ``sentence`` must not be spoken; empty when it may."""
        if _SHRUG.search(sentence):
            return "the passages do not tell"
        if missing := self.missing(sentence):
            return f"not in the passages: {', '.join(missing)}"
        return ""

    def missing(self, sentence: str) -> list[str]:
        """What ``sentence`` has no evidence for; empty when it is grounded.

        Words of the question may be said again, but they prove nothing: half of what the sentence
        says must stand in the passages, and its numbers there and nowhere else.
        """
        unknown: list[str] = []
        echoed: list[str] = []
        told = 0
        for at, match in enumerate(_WORD.finditer(sentence)):
            word = _plain(match.group())
            if word in _STOP:
                continue
            number = word[0].isdigit() or word in _NUMBERS
            if self._is_told(word):
                told += 1
            elif not number and (word in self._asked or _stem(word) in self._asked_stems):
                echoed.append(match.group())
            elif number or (at and match.group()[0].isupper()):
                return [match.group()]  # a number or a name out of nowhere
            else:
                unknown.append(match.group())
        if told < len(echoed):
            return echoed
        known = told + len(echoed)
        few = len(unknown) <= (known + len(unknown)) * (1 - _SUPPORT)
        return [] if few or (len(unknown) == 1 and known > 1) else unknown

    def _is_told(self, word: str) -> bool:
        if word[0].isdigit() or word in _NUMBERS:
            return word in self._told or _NUMBERS.get(word, word) in self._told
        return word in self._told or _stem(word) in self._told_stems


def _words(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        for match in _WORD.finditer(text):
            word = _plain(match.group())
            yield word
            if word in _NUMBERS:
                yield _NUMBERS[word]


def _plain(word: str) -> str:
    """Lower case, no accents, no genitive; numbers without their group marks."""
    word = unicodedata.normalize("NFKD", word.lower())
    word = "".join(character for character in word if not unicodedata.combining(character))
    if word[0].isdigit():
        return re.sub(r"[,.](?=\d{3}(?:\D|$))", "", word)
    return re.sub(r"['’]s?$", "", word)


def _stem(word: str) -> str:
    return (_ENDINGS.sub("", word) if len(word) > _SHORT else word)[:_STEM]
