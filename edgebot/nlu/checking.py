"""Templates that get in each other's way: ambiguous, unreachable, or deaf to their own words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from edgebot.core.nlu import NluContext
from edgebot.nlu.matcher import Match, TemplateMatcher
from edgebot.nlu.mistakes import Mistake
from edgebot.nlu.sampler import NoExample, Sampler
from edgebot.nlu.spoken import clean
from edgebot.nlu.templates import SentenceSet, Template

SAMPLES = 12
"""Sentences tried of each template."""


class Checker:
    """Tries samples of every template against all templates."""

    def __init__(self, sentences: SentenceSet, now: datetime, seed: int = 0) -> None:
        self._sentences = sentences
        self._matcher = TemplateMatcher(sentences)
        self._sampler = Sampler(sentences, seed)
        self._now = now

    def check(self, template: Template) -> list[Mistake]:
        """What is doubtful about ``template``; the first finding of each sort."""
        findings: dict[str, Mistake] = {}
        lost: list[tuple[str, Match]] = []
        tried = 0
        for text, state in self._samples(template, findings):
            tried += 1
            ways = self._matcher.match(clean(text), NluContext(state=state), self._now)
            own = next((way for way in ways if way.template.intent == template.intent), None)
            if own is None:
                message = f"does not match a sentence of its own: '{text}'{_in(state)}"
                findings.setdefault("deaf", Mistake(template.where, message, "warning"))
            elif ways[0] is not own:
                lost.append((text, ways[0]))
                if ways[0].rank[:-1] == own.rank[:-1]:
                    findings.setdefault("tie", _tie(template, text, state, ways[0]))
            elif len(ways) > 1 and ways[1].rank[:-1] == own.rank[:-1]:
                findings.setdefault("tie", _tie(template, text, state, ways[1]))
        if tried and len(lost) == tried:
            text, winner = lost[0]
            message = (
                f"'{template.text}' ({template.intent}) is unreachable: all it says, such as "
                f"'{text}', is taken by {winner.template.intent} ({winner.template.where})"
            )
            findings["unreachable"] = Mistake(template.where, message, "warning")
            findings.pop("tie", None)
        return list(findings.values())

    def _samples(
        self, template: Template, findings: dict[str, Mistake]
    ) -> Iterator[tuple[str, str]]:
        seen: set[str] = set()
        states = sorted(template.states) or [""]
        for turn in range(SAMPLES):
            try:
                text = self._sampler.sample(template)
            except NoExample as missing:
                message = f"nobody says what {{{missing}}} is filled with; add it to slot_examples"
                findings["example"] = Mistake(template.where, message, "warning")
                return
            if text and text not in seen:
                seen.add(text)
                yield text, states[turn % len(states)]


def _tie(template: Template, text: str, state: str, other: Match) -> Mistake:
    message = (
        f"ambiguous: '{text}'{_in(state)} is {template.intent} here and "
        f"{other.template.intent} in {other.template.where}"
    )
    return Mistake(template.where, message, "warning")


def _in(state: str) -> str:
    return f" in state '{state}'" if state else ""
