"""From pieces of text to the sentences that are spoken, within the budget of the turn."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

from edgebot.core.language import GenerationStats, Ungrounded
from edgebot.nlg.grounding import Evidence
from edgebot.nlg.persona import Persona
from edgebot.nlg.sentences import SentenceStream
from edgebot.nlg.spoken import SpokenText

_POINT = re.compile(r"^\W*(?:[-*+•]|\d{1,3}[.)])\s+\S")
_SHORT_WORDS = 8
_FEWEST_WORDS = 3
_LAST_WORDS = 12
_CLAUSE_ENDS = (",", ";", "–", "—")
_TORN = {"length": "out of tokens", "loop": "it went round in circles", "cancelled": "cancelled"}


@dataclass(slots=True)
class Cut:
    """When a reply has said enough."""

    sentences: int
    soft_tokens: int
    """After this many the sentence at hand is the last."""

    deadline: float
    """On ``clock``; after it the sentence at hand is the last."""

    clock: Callable[[], float]

    def enough(self, said: float, tokens: int) -> str:
        """Why the reply ends here; empty while it may go on."""
        if said >= self.sentences:
            return "said enough"
        if tokens >= self.soft_tokens:
            return "out of tokens"
        if self.clock() >= self.deadline:
            return "out of time"
        return ""


class Delivery:
    """One reply on its way to the voice."""

    def __init__(
        self,
        persona: Persona,
        prompt: str,
        cut: Cut,
        stats: Callable[[], GenerationStats],
        evidence: Evidence | None = None,
    ) -> None:
        """``prompt``: static text that is not to be recited. ``stats``: of the generation.

        ``evidence``: what every sentence must be borne out by, when the reply is read from
        passages.
        """
        self.notes: list[str] = []
        """What was left out or cut short, and why."""

        self._stream = SentenceStream(persona.language, first_clause=evidence is None)
        self._clause = False
        """Whether the beginning of a sentence was said and its end is due."""
        self._cleaner = SpokenText(name=persona.name, prompt=prompt, language=persona.language)
        self._cut = cut
        self._stats = stats
        self._evidence = evidence
        self._said = 0.0
        self._over = False

    def sentences(self, pieces: Iterable[str]) -> Generator[str, None, None]:
        """Yield the sentences of ``pieces`` that can be spoken, until enough is said.

        Raises :class:`Ungrounded` when the evidence does not bear out the first one; a later one
        ends the reply.
        """
        for piece in pieces:
            for sentence in self._stream.feed(piece):
                if text := self._spoken(sentence):
                    yield text
                    self._count(sentence, self._stats().reply_tokens)
                if self._over and not self._clause:
                    return
        for sentence in self._rest():
            if text := self._spoken(sentence):
                yield text
                self._count(sentence, 0)
            if self._over:
                return

    def _spoken(self, sentence: str) -> str:
        text = self._cleaner.clean(sentence)
        if self._clause and sentence[:1].islower():
            text = text[:1].lower() + text[1:]
        if text and sentence.endswith(_CLAUSE_ENDS):
            text = text.rstrip(".,;–— ") + sentence[-1]
        if self._cleaner.ended:
            self._end("it repeated itself or spoke for the person")
        if not text or self._evidence is None:
            return text
        if why := self._evidence.objection(text):
            if not self._said:
                raise Ungrounded(why)
            self._end(why)
            return ""
        return text

    def _count(self, sentence: str, tokens: int) -> None:
        self._clause = sentence.endswith(_CLAUSE_ENDS)
        if self._clause:
            return
        self._said += _weight(sentence)
        if why := self._cut.enough(self._said, tokens):
            self._end("" if why == "said enough" else why)

    def _end(self, why: str) -> None:
        self._over = True
        if why:
            self.notes.append(why)

    def _rest(self) -> list[str]:
        """What is left when the model stopped; a torn sentence only if there is nothing else."""
        sentences = self._stream.finish()
        finish = self._stats().finish
        if finish in ("", "stop") or not sentences:
            return sentences
        self.notes.append(_TORN.get(finish, "broken off"))
        torn = sentences.pop()
        if self._clause and not sentences:  # what was begun is to be ended, if that is near
            mended = _mended(torn)
            return [mended] if len(mended.split()) <= _LAST_WORDS else []
        if not self._said and not sentences and finish == "length" and self._evidence is None:
            return [_mended(torn)]
        return sentences


def _mended(torn: str) -> str:
    """The part of an unfinished sentence before its last comma, made to end like one."""
    at = max(torn.rfind(mark) for mark in (", ", "; ", ": ", " – ", " and ", " but "))
    head = torn[:at] if at > 0 else torn
    if len(head.split()) < _FEWEST_WORDS:
        head = torn
    return head.rstrip(" ,;:–-") + "."


def _weight(sentence: str) -> float:
    """How much a sentence counts: the lead of a list nothing, its short points half."""
    if sentence.endswith(":"):
        return 0.0
    short_point = _POINT.match(sentence) and len(sentence.split()) <= _SHORT_WORDS
    return 0.5 if short_point else 1.0
