"""From pieces of text to the sentences that are spoken, within the budget of the turn."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from edgebot.core.language import GenerationStats
from edgebot.nlg.persona import Persona
from edgebot.nlg.sentences import SentenceStream
from edgebot.nlg.spoken import SpokenText

_POINT = re.compile(r"^\W*(?:[-*+•]|\d{1,3}[.)])\s+\S")
_SHORT_WORDS = 8
_FEWEST_WORDS = 3
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


def deliver(
    pieces: Iterator[str],
    persona: Persona,
    prompt: str,
    cut: Cut,
    stats: Callable[[], GenerationStats],
    notes: list[str],
) -> Generator[str, None, None]:
    """Yield the sentences of ``pieces`` that can be spoken until ``cut`` says enough.

    ``prompt``: the static text that is not to be recited; ``stats``: of the generation behind
    ``pieces``; ``notes`` is told what was left out.
    """
    stream = SentenceStream(persona.language)
    cleaner = SpokenText(name=persona.name, prompt=prompt, language=persona.language)
    said = 0.0
    for piece in pieces:
        for sentence in stream.feed(piece):
            if text := cleaner.clean(sentence):
                yield text
                said += _weight(sentence)
                if why := cut.enough(said, stats().reply_tokens):
                    if why != "said enough":
                        notes.append(why)
                    return
            if cleaner.ended:
                notes.append("it repeated itself or spoke for the person")
                return
    for sentence in _rest(stream, said, stats().finish, notes):
        if text := cleaner.clean(sentence):
            yield text
            said += _weight(sentence)
            if cut.enough(said, 0):
                return


def _rest(stream: SentenceStream, said: float, finish: str, notes: list[str]) -> list[str]:
    """What is left when the model stopped; a torn-off sentence only if there is nothing else."""
    sentences = stream.finish()
    if finish in ("", "stop") or not sentences:
        return sentences
    notes.append(_TORN.get(finish, "broken off"))
    torn = sentences.pop()
    if not said and not sentences and finish == "length":
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
