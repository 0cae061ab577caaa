"""From pieces of text to the sentences that are spoken, within the budget of the turn."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from edgebot.core.language import GenerationStats
from edgebot.nlg.persona import Persona
from edgebot.nlg.sentences import SentenceStream
from edgebot.nlg.spoken import SpokenText

_SHORT_WORDS = 4
_FEWEST_WORDS = 3


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
    yield from _rest(stream, cleaner, said, stats().finish, notes)


def _rest(
    stream: SentenceStream, cleaner: SpokenText, said: float, finish: str, notes: list[str]
) -> Iterator[str]:
    """What is left when the model stopped; a torn-off sentence only if there is nothing else."""
    sentences = stream.finish()
    whole = finish in ("", "stop")
    if not whole and sentences:
        notes.append(
            {"length": "out of tokens", "loop": "it went round in circles"}.get(finish, "")
        )
        torn = sentences.pop()
        if not said and not sentences and finish == "length":
            sentences = [_mended(torn)]
    for sentence in sentences:
        if text := cleaner.clean(sentence):
            yield text


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
    return 0.5 if len(sentence.split()) <= _SHORT_WORDS else 1.0
