"""What kind of answer a question asks for, and whether a text holds one."""

from __future__ import annotations

import re
from typing import Literal

AnswerType = Literal["person", "time", "place", "number", "reason", "manner", "yesno", "other"]

_FIRST: tuple[tuple[AnswerType, str], ...] = (
    ("number", r"\bhow (many|much|long|tall|far|old|big|large|high|deep|heavy|fast|hot|cold|wide|"
     r"often|hard)\b|\bwhat (number|percentage|percent|amount|proportion|fraction|age|size|length|"
     r"height|speed|temperature|distance|population)\b|\bwhat is the (number|percentage|amount|"
     r"height|length|size|population|temperature|speed|distance|age|boiling|melting|freezing)\b"),
    ("time", r"\bwhen\b|\b(what|which|in what|in which) (year|date|day|month|century|decade|time|"
     r"era|period|season)\b|\bhow long ago\b|\bsince when\b"),
    ("place", r"\bwhere\b|\b(what|which) (country|city|town|place|state|continent|region|river|"
     r"location|island|county|area|street|ocean|sea|province|district|capital|nation)\b"),
    ("person", r"\bwho\b|\bwhom\b|\bwhose\b|\b(what|which) (person|man|woman|king|queen|president|"
     r"emperor|scientist|author|leader|actor|artist|inventor|general|pope|architect|composer|writer|"
     r"philosopher|mathematician|engineer|explorer)\b"),
    ("reason", r"\bwhy\b|\bwhat (caused|causes|reason|made)\b|\bfor what reason\b"),
    ("manner", r"\bhow (do|does|did|can|to|should|is|are|was|were|would|could)\b"),
    ("yesno", r"^(is|are|was|were|do|does|did|can|could|has|have|had|will|would|should|am)\b"),
)  # fmt: skip
_QUESTION = tuple((kind, re.compile(pattern)) for kind, pattern in _FIRST)

_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_NUMBER_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|"
    "sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|"
    "hundred|thousand|million|billion|trillion|dozen|half|quarter|once|twice|first|second|third|"
    "zero|several|few|couple|dozens|hundreds|thousands|millions"
)
TIME = re.compile(
    rf"\b(1\d{{3}}|20\d{{2}}|[5-9]\d{{2}}(?= (AD|BC|CE))|\d{{1,2}}(st|nd|rd|th)[ -]centur(y|ies)|"
    rf"{_MONTHS}|centur(y|ies)|decades?|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|"
    rf"\d{{3,4}}s|today|yesterday|o'clock|\d+ ?(AD|BC|CE|BCE|am|pm)|\d{{1,2}}:\d{{2}}|morning|"
    rf"evening|spring|summer|autumn|winter|years?|months?|weeks?|days?|hours?|minutes?)\b"
)
NUMBER = re.compile(rf"\d|\b({_NUMBER_WORDS})\b", re.IGNORECASE)
NAME = re.compile(r"(?<![.!?] )(?<!^)\b[A-Z][\w'’-]+")
_REASON = re.compile(
    r"\b(because|since|due to|as a result|therefore|so that|in order to|caused|causes|owing to|"
    r"reason|led to|leads to|result|thus|for this|to avoid|prevent)\b", re.IGNORECASE
)  # fmt: skip
_PLACE = re.compile(
    r"\b(in|at|near|on|to|from|of|between|across|throughout|north|south|east|west) (the )?[A-Z]"
)


def answer_type(question: str) -> AnswerType:
    """The kind of answer ``question`` asks for."""
    lower = question.lower().strip()
    for kind, pattern in _QUESTION:
        if pattern.search(lower):
            return kind
    return "other"


def holds(kind: AnswerType, text: str, known: frozenset[str] = frozenset()) -> bool | None:
    """Whether ``text`` holds something of ``kind``; None for kinds that have no outward sign.

    Names and numbers among the ``known`` words (those of the question, folded) do not count.
    """
    if kind == "number":
        return any(found[0].lower() not in known for found in re.finditer(
            rf"[\d.,]*\d|\b({_NUMBER_WORDS})\b", text, re.IGNORECASE))  # fmt: skip
    if kind == "time":
        return any(found[0].lower() not in known for found in TIME.finditer(text))
    if kind == "person":
        return any(name.lower() not in known for name in NAME.findall(text))
    if kind == "place":
        return bool(_PLACE.search(text))
    if kind == "reason":
        return bool(_REASON.search(text))
    return None
