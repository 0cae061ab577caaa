"""The language data of the wording, read once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from unicode_rbnf import RbnfEngine
from unicode_rbnf.engine import FormatPurpose

Purpose = Literal["cardinal", "ordinal", "year"]

_PURPOSES = {
    "cardinal": FormatPurpose.CARDINAL,
    "ordinal": FormatPurpose.ORDINAL,
    "year": FormatPurpose.YEAR,
}


def _alternatives(words: list[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


@dataclass(frozen=True)
class Tables:
    """One language: its data, and the patterns that follow from it."""

    language: str
    data: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    @property
    def symbols(self) -> dict[str, str]:
        """Symbol → words."""
        found: dict[str, str] = self.data["symbols"]
        return found

    @property
    def abbreviations(self) -> dict[str, str]:
        """Abbreviation, with its dot → words."""
        found: dict[str, str] = self.data["abbreviations"]
        return found

    @cached_property
    def abbreviation_pattern(self) -> re.Pattern[str]:
        """Any abbreviation, as a word of its own."""
        return re.compile(rf"(?<!\w)(?:{_alternatives(list(self.abbreviations))})(?!\w)")

    @cached_property
    def unit_words(self) -> str:
        """Any unit symbol, for use in a pattern."""
        return _alternatives(list(self.data["units"]))

    @cached_property
    def month_words(self) -> str:
        """Any month, long or short, for use in a pattern."""
        return _alternatives([*self.data["months"], *self.data["month_short"]])

    @cached_property
    def number(self) -> str:
        """A written number with this language's decimal sign, for use in a pattern."""
        decimal, group = re.escape(self["decimal"]), re.escape(self["thousands"])
        return rf"(?:\d{{1,3}}(?:{group}\d{{3}})+|\d+)(?:{decimal}\d+)?|{decimal}\d+"

    def month(self, name: str) -> str:
        """The full name of a month given long or short."""
        short = self["month_short"]
        for index, full in enumerate(self["months"]):
            if name.lower() in (full.lower(), short[index].lower()):
                return str(full)
        raise KeyError(name)

    def words(self, number: int, purpose: Purpose = "cardinal") -> str:
        """``number`` in words."""
        return _engine(self.language).format_number(number, purpose=_PURPOSES[purpose]).text

    def read_number(self, written: str) -> float:
        """The value of a written number; raises ``ValueError`` when it is none."""
        plain = written.replace(self["thousands"], "").replace(self["decimal"], ".")
        return float(plain)

    def ordinal_case(self, before: str) -> str:
        """The ending an ordinal needs behind the words ``before``: a rule set of the CLDR."""
        last = before.split()[-1].lower() if before.split() else ""
        cases: dict[str, list[str]] = self.data["ordinal_cases"]
        return next((case for case, words in cases.items() if last in words), "")

    def ordinal(self, number: int, case: str = "") -> str:
        """``number`` as an ordinal in words, with the ending ``case`` where the language has it."""
        spoken = _engine(self.language).format_number(number, purpose=FormatPurpose.ORDINAL)
        default = self.data["ordinal_default"] or "spellout-ordinal"
        return spoken.text_by_ruleset.get(case or default, spoken.text)

    def say_number(self, written: str) -> str:
        """A written number in words; digits behind the decimal sign are read one by one."""
        sign = ""
        if written[:1] in "-−":
            sign, written = self["minus"] + " ", written[1:]
        whole, _, rest = written.replace(self["thousands"], "").partition(self["decimal"])
        if len(whole) > 15 or (len(whole) > 1 and whole[0] == "0"):
            spoken = self.say_digits(whole)
        else:
            spoken = self.words(int(whole)) if whole else ""
        if rest:
            spoken = f"{spoken} {self['point']} {self.say_digits(rest)}".strip()
        return sign + spoken

    def say_digits(self, digits: str) -> str:
        """Digits one by one; everything else is a pause."""
        return " ".join(self.words(int(digit)) for digit in digits if digit.isdigit())


@lru_cache(maxsize=8)
def tables(language: str) -> Tables | None:
    """The tables of ``language``; None when there are none."""
    if not re.fullmatch(r"[a-z]{2}", language):
        return None
    file = Path(__file__).with_name(f"{language}.yaml")
    if not file.is_file():
        return None
    return Tables(language, yaml.safe_load(file.read_text(encoding="utf-8")))


@lru_cache(maxsize=8)
def _engine(language: str) -> RbnfEngine:
    return RbnfEngine.for_language(language)
