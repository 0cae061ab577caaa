"""Cuts a stream of text into sentences, each as early as it is certain."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_LONGEST = 400
"""Characters after which a sentence without an end is cut at a comma or space."""

_SHORTENED = """
mr mrs ms dr prof st sr jr vs etc approx ca no vol fig inc ltd co dept est gen gov hon rev sgt col
capt lt mt ft e.g i.e cf al a.m p.m u.s u.k u.n e.u ph.d b.c a.d jan feb mar apr jun jul aug sep
sept oct nov dec z.b d.h u.a o.ä bzw usw evtl ggf inkl nr str hr fr
"""
_SHORTENED_AT_THE_END = "etc a.m p.m u.s u.k u.n e.u b.c a.d inc ltd co jr sr al usw ph.d"
_ABBREVIATIONS = frozenset(_SHORTENED.split())
_MAY_END = frozenset(_SHORTENED_AT_THE_END.split())
"""Abbreviations that a sentence may end with: a capital letter after them begins a new one."""

_CLOSERS = "\"'”’»)]}*_"
_END = re.compile(rf"[.!?…]+[{re.escape(_CLOSERS)}]*(?=\s)|[。！？｡؟।]+[」』”’）]*|\n+")
_LAST_WORD = re.compile(r"([^\s\"'“”(«\[]+)[.!?…]+\W*$")
_LIST_NUMBER = re.compile(r"^\W*(\d{1,3}|[a-zA-Z])[.)]$")


_CLAUSE_WORDS = 2
_CLAUSE = re.compile(r"(?<!\d)[,;](?=\s+\S)|\s[–—](?=\s+\S)")
"""Where a first clause may end: a voice pauses there too."""


class SentenceStream:
    """Takes text piece by piece, gives whole sentences."""

    def __init__(self, language: str = "en", *, first_clause: bool = False) -> None:
        """``first_clause``: the first piece may be a clause of some words, to begin sooner."""
        self._ordinals = language in ("de", "da", "nb", "fi", "cs", "pl", "hu")
        self._text = ""
        self._wants_clause = first_clause

    def feed(self, piece: str) -> list[str]:
        """Sentences that are certain to have ended."""
        self._text += piece
        sentences = list(self._cut(final=False))
        if self._wants_clause:
            self._wants_clause = not sentences
            sentences = sentences or self._first_clause()
        return sentences

    def _first_clause(self) -> list[str]:
        for match in _CLAUSE.finditer(self._text):
            head = self._text[: match.end()].strip()
            if len(head.split()) >= _CLAUSE_WORDS:
                self._wants_clause = False
                self._text = self._text[match.end() :]
                return [head]
        return []

    def finish(self) -> list[str]:
        """Sentences in what is left, the last one perhaps without an end."""
        sentences = list(self._cut(final=True))
        rest, self._text = self._text.strip(), ""
        return [*sentences, rest] if rest else sentences

    def _cut(self, *, final: bool) -> Iterator[str]:
        start = 0
        while match := _END.search(self._text, start):
            verdict = self._is_end(match, final=final)
            if verdict is None:  # what decides has not been written yet
                break
            if not verdict:
                start = match.end()
                continue
            sentence, self._text = self._text[: match.end()].strip(), self._text[match.end() :]
            start = 0
            if sentence:
                yield sentence
        while len(self._text) > _LONGEST:
            yield self._cut_long()

    def _is_end(self, match: re.Match[str], *, final: bool) -> bool | None:
        mark = match.group()
        if "\n" in mark or mark[0] in "。！？｡؟।":
            return True
        after = self._text[match.end() :]
        follows = after.lstrip(" \t")
        if "\n" in after[: len(after) - len(follows) + 1]:
            return True
        if not follows:
            return True if final else None
        begins = follows.lstrip("\"'“‘«(*_")[:1]
        if not begins and not final:
            return None
        return self._sentence_ends(self._text[: match.end()], mark, begins)

    def _sentence_ends(self, so_far: str, mark: str, begins: str) -> bool:
        if begins.islower():
            return False
        if mark[0] != "." or mark.startswith(".."):
            return True
        if _LIST_NUMBER.match(so_far.strip()):
            return False
        found = _LAST_WORD.search(so_far)
        word = found.group(1).lower() if found else ""
        if word in _ABBREVIATIONS:
            if word == "no":  # "No. 5", but "The answer is no. Then …"
                return not begins.isdigit()
            return word in _MAY_END and begins.isupper()
        if len(word) == 1 and word.isalpha() and found and found.group(1).isupper():
            return word == "i"  # an initial, unless it is the pronoun
        return not (self._ordinals and word.isdigit() and len(word) <= 2)

    def _cut_long(self) -> str:
        window = self._text[:_LONGEST]
        at = max(window.rfind(mark) for mark in (", ", "; ", ": ", "，", "、"))
        if at < _LONGEST // 3:
            at = window.rfind(" ")
        at = at + 1 if at > 0 else _LONGEST
        sentence, self._text = self._text[:at].strip(), self._text[at:]
        return sentence


def split_sentences(pieces: Iterable[str], language: str = "en") -> Iterator[str]:
    """Sentences of a stream of text, each yielded as soon as it has ended."""
    stream = SentenceStream(language)
    for piece in pieces:
        yield from stream.feed(piece)
    yield from stream.finish()
