"""From spoken sums to tokens: "twelve times seven" → 12, ``*``, 7.

Which words are operators is the language's table; what stands between two operators is read by the
number reader of the language.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from edgebot.core.dialogue import SlotReader
from edgebot.dialogue.words import words_of

Token: TypeAlias = float | str
MAX_WORDS = 80


class NoSum(Exception):
    """The words are no sum."""


class SumReader:
    """Reads sums of one language."""

    def __init__(self, language: str, numbers: SlotReader) -> None:
        self._language = language
        self._numbers = numbers

    def read(self, text: str, now: datetime) -> list[Token]:
        """The tokens of ``text``: numbers and ``+ - * / ^ ² ³ ! % mod √ ∛ ( )``.

        Raises :class:`NoSum` for anything else.
        """
        words = _spaced(text).split()
        if not 0 < len(words) <= MAX_WORDS:
            raise NoSum(text)
        return self._function(words, now) or self._infix(words, now)

    def _infix(self, words: list[str], now: datetime) -> list[Token]:
        tokens: list[Token] = []
        number: list[str] = []
        place = 0
        while place < len(words):
            length, operator = self._operator(words, place, number)
            if operator is None:
                number.append(words[place])
                place += 1
                continue
            self._flush(number, tokens, now)
            tokens.append(operator)
            place += length
        self._flush(number, tokens, now)
        if len(tokens) < 2:
            raise NoSum(" ".join(words))
        return tokens

    def _function(self, words: list[str], now: datetime) -> list[Token] | None:
        """ "subtract five from twelve" as 12 - 5; None when it is no such sum.

        "One hundred and five and seven": the last joint that leaves two numbers is the one.
        """
        text = f" {' '.join(words)}"
        for function in self._tables["functions"]:
            said = (f" {phrase} " for phrase in function["said"])
            found = next((phrase for phrase in said if phrase in text), None)
            if found is None:
                continue
            rest = text.partition(found)[2].split()
            joints = [n for n, word in enumerate(rest) if word in function["joined"]]
            for joint in reversed(joints):
                left, right = self._value(rest[:joint], now), self._value(rest[joint + 1 :], now)
                if left is not None and right is not None:
                    pair = (right, left) if function.get("reversed") else (left, right)
                    return [pair[0], function["sign"], pair[1]]
        return None

    def _operator(self, words: list[str], place: int, number: list[str]) -> tuple[int, str | None]:
        """Length and sign of the operator at ``place``."""
        for length in range(min(4, len(words) - place), 0, -1):
            phrase = " ".join(words[place : place + length])
            sign = _signs(self._language).get(phrase)
            if sign is None:
                continue
            if sign == "-" and not number and phrase in self._tables["minus_words"]:
                return length, None  # a sign, not an operator: the number reader knows it
            return length, sign
        return 0, None

    def _flush(self, number: list[str], tokens: list[Token], now: datetime) -> None:
        if not number:
            return
        value = self._value(number, now)
        if value is None:
            raise NoSum(" ".join(number))
        tokens.append(value)
        number.clear()

    def _value(self, words: list[str], now: datetime) -> float | None:
        text = " ".join(words)
        value = self._tables["numbers_besides"].get(text)
        if value is None:
            value = self._numbers.read("number", text, now)
        return None if value is None else float(value)

    @property
    def _tables(self) -> Mapping[str, Any]:
        return words_of(self._language)


@functools.lru_cache(maxsize=4)
def _signs(language: str) -> Mapping[str, str]:
    table = words_of(language)["operators"]
    said = {str(phrase): sign for sign, phrases in table.items() for phrase in phrases}
    return {sign: sign for sign in table} | said


def _spaced(text: str) -> str:
    """Lower case, with spaces around signs and without punctuation at the ends of words."""
    text = re.sub(r"[?;:=]|[.,](?!\d)|(?<!\d)!", " ", text.casefold())
    text = re.sub(r"([+*/^%()×÷²³√!]|(?<=\d)-(?=\d)|(?<=\s)-(?=\s))", r" \1 ", text)
    return re.sub(r"(?<=\d)\s*x\s*(?=\d)", " x ", text)
