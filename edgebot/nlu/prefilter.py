"""Leaves out templates that cannot match, by the words and the state they need."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterable

from edgebot.nlu.templates import SentenceSet, Template


class Prefilter:
    """An index over templates: what literal fragments each cannot do without.

    hassil computes the fragments in conjunctive normal form ("one of these, and one of those").
    Here each fragment is a bit, so that a clause is one ``&`` and the fragments of a word are
    looked up once. Safe to use from several threads.
    """

    def __init__(self, sentences: SentenceSet) -> None:
        self._fragments: dict[str, int] = {}
        self._joined = sentences.ignore_whitespace
        self._needs: list[tuple[Template, int, tuple[int, ...]]] = []
        for template in sentences.templates:
            clauses = template.sentence.get_required_clauses(dict(template.rules))
            # The rarest clauses first: most templates are out after one look.
            masks = [self._mask(clause) for clause in sorted(clauses, key=len)]
            self._needs.append((template, masks[0] if masks else -1, tuple(masks[1:])))
        self._bits_of = functools.lru_cache(maxsize=4096)(self._find_bits)

    def _mask(self, clause: Iterable[str]) -> int:
        mask = 0
        for fragment in clause:
            mask |= 1 << self._fragments.setdefault(fragment, len(self._fragments))
        return mask

    def candidates(self, text: str, state: str) -> list[Template]:
        """Templates that ``text`` may match while the question ``state`` is open."""
        hay = unicodedata.normalize("NFC", text).casefold()
        words = ["".join(hay.split())] if self._joined else hay.replace("_", "-").split()
        present = 0
        for word in words:
            present |= self._bits_of(word)
        return [
            template
            for template, rarest, others in self._needs
            if (rarest & present or rarest < 0)
            and (not template.states or state in template.states)
            and all(mask & present for mask in others)
        ]

    def _find_bits(self, word: str) -> int:
        """Fragments inside ``word``; hyphens may be blanks to a template."""
        bits = 0
        for fragment, number in self._fragments.items():
            if fragment in word:
                bits |= 1 << number
        return bits
