"""Written text, worded the way it is spoken.

The voice's front end (espeak-ng) already reads whole numbers, ordinals and well-known words. What
it gets wrong, as listened to phoneme by phoneme, is worded here: units, currencies, years, dates,
clock times, fractions, ranges, long digit strings, abbreviations, symbols. Addresses of web pages,
emoji and leftovers of markup are dropped. All language data lies in ``<language>.yaml``; number
words come from the rule-based formats of the Unicode CLDR (``unicode-rbnf``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from edgebot.tts.wording import dates, figures
from edgebot.tts.wording.tables import Tables, tables

LONGEST_LINE = 400
"""Characters reworded at a time."""

_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_URL = re.compile(r"\b(?:https?://|www\.)\S+|\bfile://\S+")
_MARKUP = re.compile(
    r"[*_`~#|]{2,}|(?<!\w)[*_`](?=\w)|(?<=\w)[*_`](?!\w)|^\s*(?:[-*+•]|#+)\s+", re.M
)
_SPACES = re.compile(r"\s+")


def speakable(text: str, language: str = "en") -> str:
    """``text`` ready for a voice: one line, no symbols, nothing that is not speech.

    A language without a table of its own gets only the language-independent cleaning.
    """
    text = unicodedata.normalize("NFC", text)
    text = _URL.sub(" ", _LINK.sub(r"\1", text))
    text = _MARKUP.sub(" ", text)
    text = "".join(_plain(character) for character in text)
    known = tables(language)
    if known is not None:
        text = " ".join(_reword(piece, known) for piece in _pieces(text))
    text = _SPACES.sub(" ", text).strip()
    return re.sub(r"\s+([,.;:!?])", r"\1", text)


def _pieces(text: str) -> Iterator[str]:
    """Lines, and long ones cut at a space: patterns that look ahead cost most in long lines."""
    for line in text.splitlines():
        while len(line) > LONGEST_LINE:
            cut = line.rfind(" ", 0, LONGEST_LINE)
            cut = cut if cut > 0 else LONGEST_LINE
            yield line[:cut]
            line = line[cut:]
        yield line


def _reword(text: str, table: Tables) -> str:
    """The rules in their order: a later one sees what an earlier one wrote."""
    text = _abbreviations(text, table)
    text = figures.currencies(text, table)
    text = dates.dates(text, table)
    text = dates.clock_times(text, table)
    text = dates.decades(text, table)
    text = figures.telephone_numbers(text, table)
    text = figures.units(text, table)
    text = figures.ranges(text, table)
    text = figures.fractions(text, table)
    text = dates.years(text, table)
    text = figures.numbers(text, table)
    for symbol, words in table.symbols.items():
        text = text.replace(symbol, f" {words} ")
    return text


def _abbreviations(text: str, table: Tables) -> str:
    def word(match: re.Match[str]) -> str:
        rest = text[match.end() :].lstrip(" ")
        after_name = _is_name(text[: match.start()].split()) or (
            text[: match.start()].rstrip()[-1:].isalnum() and not rest[:1].isupper()
        )
        words = table["after_names"].get(match[0]) if after_name else None
        # "Elm St. It was …": behind a name, a capital begins the next sentence.
        ends_sentence = match[0].endswith(".") and (not rest or (words and rest[0].isupper()))
        return (words or table.abbreviations[match[0]]) + ("." if ends_sentence else "")

    return table.abbreviation_pattern.sub(word, text)


def _is_name(words: list[str]) -> bool:
    """Whether the last of ``words`` is a name: a capital that begins no sentence."""
    if len(words) < 2 or words[-2][-1] in ".!?:":
        return False
    return words[-1][0].isupper() and words[-1][-1].isalnum()


def _plain(character: str) -> str:
    """Control characters, emoji and private signs become a space; everything sayable stays."""
    kind = unicodedata.category(character)
    if kind in ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp") or character == "\ufe0f":
        return "\n" if character == "\n" else " "
    if kind == "So" and character != "°":
        return " "
    return {"’": "'", "‘": "'", "“": '"', "”": '"', "−": "-", "\u00a0": " "}.get(
        character, character
    )
