"""Text in the forms it is matched in, with the way back to what was written.

Recognisers give lower-case words; people who type give capitals, punctuation, contractions and
courtesies. Which words are courtesies is said by the language (:mod:`edgebot.nlu.language`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgebot.nlu.language import LanguageData

MAX_CHARS = 600
"""A longer text is no command; it is left to the other rungs."""

_WORD = re.compile(r"\S+")
_LEAD = "\"'“”„‘’«»([{¿¡.,;:!?…–—―。，！？"
_TAIL = "\"'“”„‘’«»)]}.,;:!?…–—―。，！？"
_INITIALISM = re.compile(r"(?:[^\W\d_]\.){2,}")
_FIGURE = re.compile(r"[0-9][0-9.,]*")


@dataclass(frozen=True, slots=True)
class Word:
    """One word and the characters of the original text it stands for."""

    text: str
    start: int
    end: int

    @property
    def key(self) -> str:
        """The form words are compared in."""
        return self.text.casefold()


@dataclass(frozen=True, slots=True)
class Spoken:
    """A text as words, joined by single blanks."""

    original: str
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The words in one line."""
        return " ".join(word.text for word in self.words)

    def source(self, start: int, end: int) -> str:
        """What the original says where :attr:`text` has the characters ``start`` … ``end``."""
        if start >= end:
            return ""
        first, last, position = None, None, 0
        for word in self.words:
            if position < end and position + len(word.text) > start:
                first = word if first is None else first
                last = word
            position += len(word.text) + 1
        if first is None or last is None:
            return ""
        return self.original[first.start : last.end]

    def part(self, start: int, end: int) -> Spoken:
        """Words ``start`` … ``end`` - 1 by themselves."""
        return Spoken(self.original, self.words[start:end])


def clean(text: str) -> Spoken:
    """``text`` as words: no control characters, no punctuation around words, one apostrophe."""
    words: list[Word] = []
    safe = "".join(_plain(char) for char in text[: MAX_CHARS * 4])
    for match in _WORD.finditer(safe):
        raw, start, end = match.group(), match.start(), match.end()
        kept = raw.rstrip(_TAIL)
        tail = len(kept)
        if _INITIALISM.fullmatch(raw.rstrip("\"'”,;:!?)…")):
            kept = raw.replace(".", "").strip(_TAIL)
            words.append(Word(kept, start, end))
            continue
        kept = kept.lstrip(_LEAD)
        if kept:
            words.append(Word(kept, start + tail - len(kept), start + tail))
        elif raw.strip(_LEAD + _TAIL):
            words.append(Word(raw, start, end))
    return Spoken(text, tuple(words))


def _plain(char: str) -> str:
    if char in "’‘`´":
        return "'"
    if unicodedata.category(char)[0] == "C":  # control and formatting characters, surrogates
        return " "
    # One character stays one, so that positions keep their meaning.
    composed = unicodedata.normalize("NFKC", char)
    return composed if len(composed) == 1 else char


def variants(spoken: Spoken, data: LanguageData) -> Iterator[Spoken]:
    """Ways to read ``spoken``, the most literal first; each once.

    As it is; without hesitations and courtesies; the same with contractions and signs written out
    and compounds taken apart; the same without fillers.
    """
    seen = {spoken.text}
    yield spoken
    bare = without_padding(spoken, data)
    plain = written_out(bare, data)
    for variant in (bare, plain, without_padding(_without_fillers(plain, data), data)):
        if variant.words and variant.text not in seen:
            seen.add(variant.text)
            yield variant


def plain(text: str, data: LanguageData) -> str:
    """``text`` as the classifier is shown it: its last variant, in lower case."""
    return written_out(without_padding(clean(text), data), data).text.lower()


def without_padding(spoken: Spoken, data: LanguageData) -> Spoken:
    """``spoken`` without hesitations anywhere and courtesies at both ends; never without words."""
    hesitations = frozenset(data.hesitations)
    words = [word for word in spoken.words if word.key not in hesitations] or list(spoken.words)
    while (length := _padding(words, data.padding_start, at_start=True)) and length < len(words):
        words = words[length:]
    while (length := _padding(words, data.padding_end, at_start=False)) and length < len(words):
        if words[-length - 1].key in data.keep_after:
            break
        words = words[:-length]
    return Spoken(spoken.original, tuple(words))


def _without_fillers(spoken: Spoken, data: LanguageData) -> Spoken:
    kept = tuple(word for word in spoken.words if word.key not in data.fillers)
    return Spoken(spoken.original, kept or spoken.words)


def _padding(words: Sequence[Word], phrases: Sequence[str], *, at_start: bool) -> int:
    """How many words at the start (or end) are padding."""
    keys = [word.key for word in words]
    for phrase in phrases:
        parts = phrase.split()
        if keys[: len(parts)] == parts if at_start else keys[-len(parts) :] == parts:
            return len(parts)
    return 0


def written_out(spoken: Spoken, data: LanguageData) -> Spoken:
    """``spoken`` with contractions, signs and operators between numbers as words."""
    words: list[Word] = []
    for word in signs_as_words(spoken.words, data):
        instead = data.rewrites.get(word.key, word.text)
        if instead is word.text:
            words.extend(_apart(word, data))
        else:
            words.extend(Word(part, word.start, word.end) for part in instead.split())
    return Spoken(spoken.original, tuple(words))


def _apart(word: Word, data: LanguageData) -> Iterator[Word]:
    """A compound as its two words, where its end is one that stands for itself."""
    for end in data.split_off:
        cut = len(word.text) - len(end)
        head = word.text[:cut].rstrip("-")
        if len(head) > 2 and word.key.endswith(end) and len(word.key) == len(word.text):
            yield Word(head, word.start, word.start + len(head))
            yield Word(word.text[cut:], word.start + cut, word.end)
            return
    yield word


def signs_as_words(words: Sequence[Word], data: LanguageData) -> Iterator[Word]:
    """Signs as words of their own: ``5+3`` → ``5 plus 3``, ``10 - 4`` → ``10 minus 4``."""
    for index, word in enumerate(words):
        if word.text in data.between_figures and 0 < index < len(words) - 1:
            yield from _words_for(data.between_figures[word.text], word)
        elif any(sign in word.text for sign in (*data.symbols, *data.between_figures)):
            yield from _split_signs(word, data)
        else:
            yield word


def _split_signs(word: Word, data: LanguageData) -> Iterator[Word]:
    text, position = word.text, 0
    signs = sorted((*data.symbols, *data.between_figures), key=len, reverse=True)
    pending = 0
    while position < len(text):
        sign = next((each for each in signs if text.startswith(each, position)), None)
        instead = data.symbols.get(sign) if sign else None
        if sign and instead is None and _between_figures(text, position, len(sign)):
            instead = data.between_figures[sign]
        if sign is None or instead is None:
            position += 1
            continue
        if pending < position:
            yield Word(text[pending:position], word.start + pending, word.start + position)
        yield from _words_for(instead, word)
        position += len(sign)
        pending = position
    if pending < len(text):
        yield Word(text[pending:], word.start + pending, word.end)


def _between_figures(text: str, at: int, length: int) -> bool:
    behind = text[at + length :]
    before = text[:at]
    return bool(_FIGURE.fullmatch(before) and _FIGURE.match(behind))


def _words_for(instead: str, word: Word) -> Iterator[Word]:
    return (Word(part, word.start, word.end) for part in instead.split())


def write_out_template(text: str, data: LanguageData) -> str:
    """A sentence template with its contractions written out; slots and rules stay as they are."""
    if not data.rewrites:
        return text
    return re.sub(
        r"\{[^}]*\}|<[^>]*>|[^\s()\[\]{}<>|;]+",
        lambda match: data.rewrites.get(match.group().casefold(), match.group()),
        text,
    )
