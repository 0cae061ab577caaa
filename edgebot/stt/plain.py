"""Written text as a recogniser of words would have put it: lower case, numbers spelled out."""

from __future__ import annotations

import functools
import re
from importlib.resources import files
from typing import Any

import yaml
from unicode_rbnf import FormatPurpose, RbnfEngine

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_TIME = re.compile(r"\b(\d{1,2}):(\d{2})\b")
_NOT_A_WORD = re.compile(r"[^\w' ]+|_")
_LONGEST = 12
"""Digits; longer numbers are codes and are read digit by digit."""


def plain_words(text: str, language: str) -> str:
    """``text`` as lower-case words without punctuation, digits and signs in words.

    ``"It's 7:30, 75% done."`` is ``"it's seven thirty seventy five percent done"``.
    """
    table = _table(language)
    text = text.lower().replace("’", "'")
    for sign, word in table["signs"].items():
        text = text.replace(sign, f" {word} ")
    text = _TIME.sub(lambda match: _clock(match[1], match[2], language), text)
    text = re.sub(
        table["ordinal"], lambda m: f" {_spell(m[1], language, FormatPurpose.ORDINAL)} ", text
    )
    text = _NUMBER.sub(lambda match: f" {_number(match[0], language)} ", text)
    text = _NOT_A_WORD.sub(" ", text)
    return " ".join(word.strip("'") for word in text.split() if word.strip("'"))


def _clock(hour: str, minute: str, language: str) -> str:
    if minute == "00":
        return f" {hour} {_table(language)['full_hour']} "
    return f" {hour} {minute} "


def _number(number: str, language: str) -> str:
    whole, _, part = number.replace(",", "").partition(".")
    year = len(number) == 4 and number.isdecimal() and number[0] in "12" and number[1:3] != "00"
    words = _spell(whole, language, FormatPurpose.YEAR if year else FormatPurpose.CARDINAL)
    if not part:
        return words
    return " ".join([words, _table(language)["point"], *(_spell(d, language) for d in part)])


def _spell(digits: str, language: str, purpose: FormatPurpose = FormatPurpose.CARDINAL) -> str:
    if len(digits) > _LONGEST or (len(digits) > 1 and digits[0] == "0"):
        return " ".join(_spell(digit, language) for digit in digits)
    text = _engine(language).format_number(int(digits), purpose).text
    soft_hyphen = "\N{SOFT HYPHEN}"
    return text.replace(soft_hyphen, "").replace("-", " ")


@functools.cache
def _engine(language: str) -> RbnfEngine:
    try:
        return RbnfEngine.for_language(language)
    except ValueError:
        return RbnfEngine.for_language("en")


@functools.cache
def _table(language: str) -> Any:
    tables = yaml.safe_load(files("edgebot.stt").joinpath("plain.yaml").read_text("utf-8"))
    return tables.get(language, tables["en"])
