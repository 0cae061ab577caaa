"""What a stretch of words looks like: numbers, dates, names, and what stands on either side."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from edgebot.core.embedding import Vectors
from edgebot.knowledge.spans import Places, Words
from edgebot.knowledge.vocabulary import ABOUT, BE, CALLED, DATE, NUMBER, UNITS
from edgebot.knowledge.words import STOP_WORDS

Flags = npt.NDArray[np.bool_]

_LEFT = (
    "start", "comma", "open", "by", "in", "at", "from", "of", "be", "as", "to", "the", "a", "and",
    "called", "for", "with", "than", "about", "small", "verb", "capital", "word",
)  # fmt: skip
_RIGHT = (
    "end", "comma", "close", "and", "of", "in", "be", "to", "that", "small", "verb", "capital",
    "word",
)  # fmt: skip
_YEAR = re.compile(r"^(1[0-9]{3}|20[0-9]{2})s?$")
_LINKS = ["to", "by", "in", "on", "with", "from", "for", "at"]
_DIGIT = re.compile(r"\d")


def sum_over(values: npt.NDArray[np.generic], firsts: Places, lasts: Places) -> Vectors:
    """Sum of ``values`` over each stretch."""
    total = np.concatenate([[0.0], np.cumsum(np.asarray(values, np.float32))])
    return np.asarray(total[lasts + 1] - total[firsts], np.float32)


def shape_signs(words: Words, firsts: Places, lasts: Places, small: Flags) -> dict[str, Flags]:
    """What kind of thing each stretch may be: a name, a year, a number, a quotation."""
    plain, folded = words.plain, words.folded
    capital = np.array([one[0].isupper() for one in plain], np.bool_)
    starts = np.array([one == "\n" for one in words.before], np.bool_)
    year = np.array([bool(_YEAR.match(one)) for one in plain], np.bool_)
    date = np.array([one in DATE for one in folded], np.bool_) & (
        capital | ~np.isin(folded, ["may", "march"])
    )
    digit = np.array([bool(_DIGIT.search(one)) or one in NUMBER for one in folded], np.bool_)
    money = np.array([one[0] in "$€£" or one[-1] == "%" or one in UNITS for one in plain], np.bool_)
    content = np.maximum(sum_over(~small, firsts, lasts), 1)
    capitals = sum_over(capital & ~small, firsts, lasts)
    quote = np.array([mark[-1:] in ('"', "“", "‘") for mark in words.before], np.bool_)
    shapes = {
        "name": (capitals == content) & ~(starts[firsts] & (lasts == firsts)),
        "some_name": capitals > 0,
        "year": sum_over(year, firsts, lasts) > 0,
        "date": sum_over(date, firsts, lasts) > 0,
        "number": sum_over(digit, firsts, lasts) > 0,
        "money": sum_over(money, firsts, lasts) > 0,
        "quoted": quote[firsts],
    }
    shapes["plain"] = ~(capitals > 0) & ~shapes["number"] & ~shapes["date"]
    shapes["only_year"] = shapes["year"] & (firsts == lasts)
    shapes["only_number"] = digit[firsts] & (firsts == lasts) & ~shapes["year"]
    shapes["starts_number"] = digit[firsts]
    shapes["all_capital"] = np.array([one.isupper() and len(one) > 1 for one in plain])[firsts]
    return shapes


def count_signs(
    words: Words, firsts: Places, lasts: Places, known: Flags, small: Flags
) -> dict[str, npt.NDArray[np.generic]]:
    """Lengths, small words, words of the question within, and how the words end."""
    length = lasts - firsts + 1
    content = np.maximum(sum_over(~small, firsts, lasts), 1)
    share = sum_over(known & ~small, firsts, lasts) / content
    folded = np.array(words.folded)
    ends = [one[-3:] for one in words.folded]
    inner = np.array([bool(mark) for mark in words.before], np.bool_)
    comma = sum_over(inner, firsts + 1, lasts) * (length > 1)
    found: dict[str, npt.NDArray[np.generic]] = {
        f"words_{count}": length == count for count in range(1, 6)
    }
    found |= {
        "words": length / 10,
        "words_many": length > 5,
        "known": share,
        "all_known": share == 1,
        "any_known": share > 0,
        "known_first": known[firsts],
        "known_last": known[lasts],
        "small_inside": sum_over(small, firsts, lasts) / length,
        "article": np.isin(folded[firsts], ["the", "a", "an"]),
        "comma_inside": comma > 0,
        "and_inside": sum_over(np.isin(folded, ["and", "or"]), firsts, lasts) > 0,
        "of_inside": sum_over(folded == "of", firsts, lasts) > 0,
        "link_inside": sum_over(np.isin(folded, _LINKS), firsts, lasts) > 0,
        "starts_ing": np.array([one == "ing" for one in ends])[firsts],
        "ends_ed": np.array([one[1:] == "ed" for one in ends])[lasts],
        "starts_ed": np.array([one[1:] == "ed" for one in ends])[firsts],
        "ends_ly": np.array([one[1:] == "ly" for one in ends])[lasts],
        "starts_ly": np.array([one[1:] == "ly" for one in ends])[firsts],
        "ends_s": np.array([one[2:] == "s" for one in ends])[lasts],
    }  # fmt: skip
    return found


def side_signs(words: Words, firsts: Places, lasts: Places) -> dict[str, Flags]:
    """What kind of word or mark stands on the left and on the right of each stretch."""
    lefts = _classes(words, firsts - 1, _left_class, _LEFT)
    rights = _classes(words, lasts + 1, _right_class, _RIGHT)
    return {
        **{f"left_{name}": lefts == place for place, name in enumerate(_LEFT)},
        **{f"right_{name}": rights == place for place, name in enumerate(_RIGHT)},
    }


def _classes(
    words: Words,
    places: Places,
    classify: Callable[[Words, int], str],
    names: tuple[str, ...],
) -> Places:
    index = {name: place for place, name in enumerate(names)}
    table = np.array([index[classify(words, one)] for one in range(-1, len(words) + 1)], np.int64)
    return table[places + 1]


def _left_class(words: Words, one: int) -> str:
    """Of word ``one``, seen from the stretch that starts behind it."""
    if one < 0 or one >= len(words):
        return "start"
    mark = words.before[one + 1] if one + 1 < len(words) else "\n"
    if mark == "\n":
        return "start"
    if mark:
        return "open" if mark[-1] in '("“‘[' else "comma"
    return _word_class(words, one, _LEFT)


def _right_class(words: Words, one: int) -> str:
    if one < 0 or one >= len(words) or words.before[one] == "\n":
        return "end"
    if mark := words.before[one]:
        return "close" if mark[0] in ')"”’]' else "comma"
    return _word_class(words, one, _RIGHT)


def _word_class(words: Words, one: int, names: tuple[str, ...]) -> str:
    word = words.folded[one]
    if word in BE:
        return "be"
    for name, group in (("called", CALLED), ("about", ABOUT)):
        if word in group and name in names:
            return name
    if word == "an":
        return "a" if "a" in names else "small"
    if word == "or":
        return "and"
    if word in ("that", "which", "who"):
        return "that" if "that" in names else "small"
    if word in names and word in STOP_WORDS:
        return word
    if word in STOP_WORDS:
        return "small"
    if words.plain[one][0].isupper():
        return "capital"
    return "verb" if word.endswith(("ed", "ing")) else "word"
