"""Leaves out templates that cannot match, by the words and the state they need."""

from __future__ import annotations

import unicodedata

from edgebot.nlu.templates import SentenceSet, Template


class Prefilter:
    """An index over templates: what literal fragments each cannot do without.

    hassil computes the fragments in conjunctive normal form ("one of these, and one of those");
    here the fragments of all templates are looked up in a text once instead of once a template.
    """

    def __init__(self, sentences: SentenceSet) -> None:
        self._fragments: list[str] = []
        numbers: dict[str, int] = {}
        self._needs: list[tuple[Template, tuple[frozenset[int], ...]]] = []
        for template in sentences.templates:
            clauses = template.sentence.get_required_clauses(dict(template.rules))
            needed: list[frozenset[int]] = []
            for clause in clauses:
                for fragment in clause:
                    if fragment not in numbers:
                        numbers[fragment] = len(self._fragments)
                        self._fragments.append(fragment)
                needed.append(frozenset(numbers[fragment] for fragment in clause))
            # The rarest clauses first: most templates are out after one look.
            self._needs.append((template, tuple(sorted(needed, key=len))))

    def candidates(self, text: str, state: str) -> list[Template]:
        """Templates that ``text`` may match while the question ``state`` is open."""
        hay = unicodedata.normalize("NFC", text).casefold()
        hay = f"{hay}\n{hay.replace('-', ' ').replace('_', ' ')}"
        present = {number for number, each in enumerate(self._fragments) if each in hay}
        return [
            template
            for template, clauses in self._needs
            if (not template.states or state in template.states)
            and not any(present.isdisjoint(clause) for clause in clauses)
        ]
