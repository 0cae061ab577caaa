"""Words after which nobody is done, whatever the voice sounds like.

The turn detector hears intonation and knows no words: "turn on the" in a falling voice is finished
to it. What can be told from the last words costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgebot.core.dialogue import Decision
from edgebot.runtime.endpointing import Said

_TALK_WORDS = 6
"""Words from which a sentence for the language model is no broken-off command."""


@dataclass(frozen=True, slots=True)
class OpenEnds:
    """What a language does not end an utterance with."""

    words: frozenset[str]
    """No order or question ends with one of them."""

    in_orders: frozenset[str]
    """No order does; a question may ("what is it for")."""

    question_words: frozenset[str]
    beginnings: frozenset[str]
    """No sentences by themselves."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split(", "))


_ENGLISH = OpenEnds(
    words=_set(
        "a, an, the, my, your, its, our, their, and, or, but, because, than, i'd, i'm, "
        "i'll, we, gimme, every, per, plus, minus, what's, who's, where's, let's"
    ),
    in_orders=_set("to, of, for, from, with, at, by, into"),
    question_words=_set(
        "what, what's, who, who's, where, where's, which, when, how, why, at, is, are, "
        "was, did, do, does"
    ),
    beginnings=_set(
        "i, can i, can i get, can i have, can you, could i, could i get, could i have, "
        "could you, may i have, i want, i want you, i would, i would like, i'd like, i need, "
        "give, give me, get me, make, make me, show me, tell me, tell me about, turn, "
        "turn on, turn off, switch, switch on, switch off, set, add, put, open, close, "
        "remind, remind me, how much, how many, how long, which, what is, what are, "
        "who is, where is"
    ),
)

_GERMAN = OpenEnds(
    words=_set(
        "eine, einen, einem, einer, der, die, den, dem, des, mein, meine, meinen, "
        "meinem, meiner, dein, deine, deinen, zum, zur, von, vom, für, bei, beim, und, "
        "oder, aber, weil, im, am, jeden, jede, plus, minus"
    ),
    in_orders=frozenset(),
    question_words=frozenset(),
    beginnings=_set(
        "gib, gib mir, zeig, zeig mir, sag, sag mir, mach, mach mir, stell, stelle, schalt, "
        "schalte, setz, setze, erinnere, ich will, ich möchte, "
        "ich hätte, ich brauche, kannst du, wie viel, wie viele, wie lange, welche, welcher, "
        "was ist, wer ist"
    ),
)

_LANGUAGES = {"en": _ENGLISH, "de": _GERMAN}


def dangles(words: str, language: str) -> bool:
    """Whether ``words``, all that was understood so far, ask for more words to come.

    False where nothing was understood, or nothing is known about ``language``: the ear decides.
    """
    said = words.casefold().split()
    ends = _LANGUAGES.get(language)
    if not said or ends is None:
        return False
    if said[-1] in ends.words or " ".join(said) in ends.beginnings:
        return True
    return said[-1] in ends.in_orders and said[0] not in ends.question_words


def judged(text: str, decision: Decision | None, language: str, *, begins: bool) -> Said:
    """What ``text``, all that was understood so far, is.

    ``decision``: what it would lead to, where that is known. ``begins``: whether the templates know
    it as a beginning.
    """
    if decision is not None and decision.whole:
        return Said.WHOLE
    if begins or dangles(text, language):
        return Said.OPEN
    if decision is not None and decision.route == "llm" and len(text.split()) >= _TALK_WORDS:
        return Said.TALK
    return Said.UNKNOWN
